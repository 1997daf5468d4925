// What all servers over one set of collections must agree on, in a collection of its own: by what the vectors were made,
// and the key by which each goes on with a list of another.

import { StartupError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { EmbeddingIdentity } from '../reembedding.ts';
import { type CollectionSettings, FILTERS_WITHOUT_INDEX } from './collections.ts';
import { type HttpClient, refused } from './http-client.ts';

export interface Meta {
  readonly cursorKey: Uint8Array;
  /** Contexts with passages have been written. */
  readonly hasPassages: boolean;
  readonly embedding: EmbeddingIdentity;
  /** What the names of the collections in use begin with. */
  readonly stem: string;
  /** The same of that of the documents. */
  readonly documents: string;
  /** The same of collections that were in use before, and are to be deleted. */
  readonly replaced: string | null;
  /**
   * The same of their documents, where they were empty when a snapshot was restored: what somebody has written there since is
   * nowhere else. null: what they hold was copied.
   */
  readonly replacedDocuments: string | null;
}

interface MetaPayload {
  /** Absent: 1, as of versions that did not write it. */
  readonly layout?: number;
  readonly embedding_id: string;
  readonly dimension: number;
  readonly cursor_key: string;
  readonly has_passages?: boolean;
  /** Absent: the prefix itself. */
  readonly collections?: string;
  /** Absent: the prefix itself. */
  readonly documents?: string;
  readonly replaced?: string | null;
  readonly replaced_documents?: string | null;
}

type MetaPlace = Pick<CollectionSettings, 'prefix' | 'replicationFactor' | 'mustExist'>;

/** Of points and collections. A version that an older one would read or write wrongly must raise it. */
export const LAYOUT = 1;
const CURSOR_KEY_BYTES = 16;
const CONFLICT = 409;
const NOT_FOUND = 404;

/** What stands in the collection, by point. */
export const META_POINTS = { agreement: 1, reembedding: 2, snapshotting: 3, snapshots: 4, restoring: 5 } as const;
const META_ID = META_POINTS.agreement;

export function metaPath(prefix: string): string {
  return `/collections/${prefix}_meta`;
}

/** What the servers have agreed on; undefined where none has started yet. */
export async function readMeta(http: HttpClient, prefix: string): Promise<Meta | undefined> {
  const payload = await read(http, prefix);
  return payload === undefined ? undefined : toMeta(payload, prefix);
}

/** The same, agreed on now where nothing is yet: of several servers that start together the first one's stands. */
export async function agreeOnMeta(
  http: HttpClient,
  { prefix, replicationFactor, mustExist }: MetaPlace,
  embedding: EmbeddingIdentity,
  random: Random,
): Promise<Meta> {
  if (mustExist !== true) await makeMeta(http, { prefix, replicationFactor });
  const own: MetaPayload = {
    layout: LAYOUT,
    embedding_id: embedding.id,
    dimension: embedding.dimension,
    cursor_key: newCursorKey(random),
  };
  const known = (await read(http, prefix)) ?? (mustExist ? missing(prefix) : await agree(http, prefix, own));
  return toMeta(known, prefix);
}

/** Makes the collection where it is missing. */
export async function makeMeta(
  http: HttpClient,
  { prefix, replicationFactor }: Pick<MetaPlace, 'prefix' | 'replicationFactor'>,
): Promise<void> {
  const settings = { vectors: {}, replication_factor: replicationFactor, ...FILTERS_WITHOUT_INDEX };
  const made = await http.ask('PUT', metaPath(prefix), settings);
  if (!('status' in made) || made.status === CONFLICT) return;
  throw new StartupError(
    `the collection ${prefix}_meta could not be made: ${made.message}`,
    'Check vector_db.replication_factor against the cluster, and what the key of vector_db.api_key may do.',
  );
}

/** Tells every server that starts from now on. */
export async function notePassages(http: HttpClient, prefix: string): Promise<void> {
  const path = `${metaPath(prefix)}/points/payload?wait=true&ordering=strong`;
  await http.call('POST', path, { points: [META_ID], payload: { has_passages: true } });
}

/** From here on whoever starts works with the collections of `to`. One write: it is so, or it is not. */
export async function switchMeta(
  http: HttpClient,
  prefix: string,
  from: Meta,
  to: { readonly embedding: EmbeddingIdentity; readonly stem: string },
): Promise<Meta> {
  const payload: MetaPayload = {
    layout: LAYOUT,
    embedding_id: to.embedding.id,
    dimension: to.embedding.dimension,
    cursor_key: Buffer.from(from.cursorKey).toString('base64url'),
    has_passages: from.hasPassages,
    collections: to.stem,
    documents: from.documents,
    replaced: from.stem,
    replaced_documents: null,
  };
  await write(http, prefix, { points: [{ id: META_ID, vector: {}, payload }] });
  return toMeta(payload, prefix);
}

/** The same after a restore, whatever was there before; `layout`: that of the restored collections. The lists that servers have begun end with it. */
export async function replaceMeta(
  http: HttpClient,
  prefix: string,
  to: Omit<Meta, 'cursorKey'>,
  layout: number,
  random: Random,
): Promise<void> {
  const payload: MetaPayload = {
    layout,
    embedding_id: to.embedding.id,
    dimension: to.embedding.dimension,
    cursor_key: newCursorKey(random),
    has_passages: to.hasPassages,
    collections: to.stem,
    documents: to.documents,
    replaced: to.replaced,
    replaced_documents: to.replacedDocuments,
  };
  await writeNote(http, prefix, META_ID, payload);
}

function newCursorKey(random: Random): string {
  return Buffer.from(random.bytes(CURSOR_KEY_BYTES)).toString('base64url');
}

/** The collections that were in use before are gone. */
export async function forgetReplaced(http: HttpClient, prefix: string): Promise<void> {
  const path = `${metaPath(prefix)}/points/payload?wait=true&ordering=strong`;
  await http.call('POST', path, { payload: { replaced: null, replaced_documents: null }, points: [META_ID] });
}

export function otherModel(stored: EmbeddingIdentity, wanted: EmbeddingIdentity): StartupError {
  return new StartupError(
    `the stored contexts were embedded with ${stored.id} (${stored.dimension} dimensions), the configuration says ${wanted.id} (${wanted.dimension} dimensions)`,
    'Run `context-manager reembed` with this configuration and start again: until it has ended, servers can run with the configuration of before. Or set the model and vector_db.vector_size back, or vector_db.collection_prefix to another name.',
  );
}

function toMeta(payload: MetaPayload, prefix: string): Meta {
  const { layout = LAYOUT } = payload;
  if (layout > LAYOUT) {
    throw new StartupError(
      `the collections of ${prefix} have layout ${layout}, and this program knows layouts up to ${LAYOUT}`,
      'Start the newer version of context-manager that wrote them, or set vector_db.collection_prefix to another name.',
    );
  }
  return {
    cursorKey: Buffer.from(payload.cursor_key, 'base64url'),
    embedding: { id: payload.embedding_id, dimension: payload.dimension },
    stem: payload.collections ?? prefix,
    documents: payload.documents ?? prefix,
    replaced: payload.replaced ?? null,
    replacedDocuments: payload.replaced_documents ?? null,
    hasPassages: payload.has_passages ?? false,
  };
}

function missing(prefix: string): never {
  throw new StartupError(
    `the collection ${prefix}_meta does not say by which model the vectors were made`,
    'Start a server over these collections once.',
  );
}

/** Of several servers that start together the first one's stands. */
async function agree(http: HttpClient, prefix: string, own: MetaPayload): Promise<MetaPayload> {
  await write(http, prefix, { points: [{ id: META_ID, vector: {}, payload: own }], update_mode: 'insert_only' });
  return (await read(http, prefix)) ?? own;
}

async function write(http: HttpClient, prefix: string, body: object): Promise<void> {
  await http.call('PUT', `${metaPath(prefix)}/points?wait=true&ordering=strong`, body);
}

function read(http: HttpClient, prefix: string): Promise<MetaPayload | undefined> {
  return readNote<MetaPayload>(http, prefix, META_ID);
}

/** What somebody has left there for whoever comes next; undefined: nothing. */
export async function readNote<T>(http: HttpClient, prefix: string, id: number): Promise<T | undefined> {
  const path = `${metaPath(prefix)}/points`;
  const body = { ids: [id], with_payload: true };
  const found = await http.ask<{ payload: T }[]>('POST', path, body);
  if ('status' in found && found.status === NOT_FOUND) return undefined;
  if ('status' in found) throw refused(found);
  return found.result[0]?.payload;
}

export async function writeNote(http: HttpClient, prefix: string, id: number, payload: object): Promise<void> {
  await write(http, prefix, { points: [{ id, vector: {}, payload }] });
}

export async function deleteNote(http: HttpClient, prefix: string, id: number): Promise<void> {
  await http.call('POST', `${metaPath(prefix)}/points/delete?wait=true&ordering=strong`, { points: [id] });
}
