// Documents as points without vectors, in a collection of their own that has nothing to do with any model.

import { createHash } from 'node:crypto';
import type { JsonObject } from '../../base/context.ts';
import { CodedError, StartupError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import { type Random, uuidOf } from '../../base/random.ts';
import type {
  DocumentChange,
  DocumentDriver,
  DocumentReach,
  DocumentResult,
  DocumentStart,
  DocumentWalk,
  ScannedDocument,
  StoredDocument,
  WalkedDocuments,
} from '../documents.ts';
import type { ReadConsistency } from './collection-calls.ts';
import { type CollectionSettings, FILTERS_WITHOUT_INDEX } from './collections.ts';
import { at, beyond, equals, type QdrantCondition } from './filters.ts';
import type { HttpClient } from './http-client.ts';

interface DocumentPayload {
  readonly namespace: string;
  readonly kind: string;
  readonly key: string;
  readonly owner: string;
  readonly order: number;
  readonly terms?: readonly string[];
  readonly version: number;
  /** As JSON: Qdrant orders keys anew and reads numbers its own way. */
  readonly body: string;
  /** Of this write and those before it, the last first: whoever was overtaken at once finds that it had written. */
  readonly writers: readonly string[];
}

interface DocumentPoint {
  readonly id: string;
  readonly payload: DocumentPayload;
}

type PlaceSettings = Pick<CollectionSettings, 'prefix' | 'replicationFactor' | 'writeConsistencyFactor' | 'mustExist'>;

const FIELD_INDEXES: Readonly<Record<string, object>> = {
  namespace: { type: 'keyword', is_tenant: true },
  kind: { type: 'keyword' },
  owner: { type: 'keyword' },
  order: { type: 'integer', lookup: false, range: true },
  terms: { type: 'keyword', on_disk: true },
  version: { type: 'integer', lookup: true, range: true },
};
const CONFLICT = 409;

/** `prefix`: what its name begins with. */
export function documentsOf(prefix: string): string {
  return `${prefix}_documents`;
}

const WRITERS_MAX = 16;
const WRITER_BYTES = 9;
const RETRY_MS = 100;
const INSERTS_AT_ONCE = 100;

/**
 * Makes the collection where it is missing. Of a store that is only read (`mustExist`), one of an earlier version may have none:
 * false.
 */
export async function prepareDocuments(http: HttpClient, settings: PlaceSettings): Promise<boolean> {
  const { prefix, replicationFactor, writeConsistencyFactor, mustExist } = settings;
  const path = `/collections/${documentsOf(prefix)}`;
  const known = await http.ask<{ payload_schema?: object }>('GET', path);
  if (mustExist === true) return !('status' in known);
  if ('status' in known) {
    const factors = { replication_factor: replicationFactor, write_consistency_factor: writeConsistencyFactor };
    const made = await http.ask('PUT', path, { vectors: {}, ...factors, ...FILTERS_WITHOUT_INDEX });
    // Another server that starts just now may have been faster.
    if ('status' in made && made.status !== CONFLICT) {
      throw new StartupError(
        `the collection ${prefix}_documents could not be made: ${made.message}`,
        'Check vector_db.replication_factor and write_consistency_factor against the cluster.',
      );
    }
  }
  const { payload_schema: indexed = {} } = await http.call<{ payload_schema?: object }>('GET', path);
  for (const [field, schema] of Object.entries(FIELD_INDEXES))
    if (!(field in indexed))
      await http.call('PUT', `${path}/index?wait=true`, { field_name: field, field_schema: schema });
  return true;
}

export class QdrantDocuments implements DocumentDriver {
  readonly #http: HttpClient;
  readonly #path: string;
  readonly #reading: string;
  readonly #random: Random;
  /** Of a store of an earlier version that is only read. */
  readonly #isMissing: boolean;

  constructor(http: HttpClient, prefix: string, reading: ReadConsistency, random: Random, isMissing: boolean) {
    this.#http = http;
    this.#path = `/collections/${documentsOf(prefix)}/points`;
    this.#reading = reading === 'one' ? '' : `?consistency=${reading}`;
    this.#random = random;
    this.#isMissing = isMissing;
  }

  async apply(changes: readonly DocumentChange[]): Promise<DocumentResult[]> {
    const results: DocumentResult[] = [];
    for (let at = 0; at < changes.length; ) {
      const inserts = insertsFrom(changes, at);
      if (inserts.length > 0) results.push(...(await this.#insert(inserts)));
      else results.push(await this.#apply(changes[at] as DocumentChange));
      at += Math.max(1, inserts.length);
    }
    return results;
  }

  async get(namespace: string, kind: string, keys: readonly string[]): Promise<(StoredDocument | null)[]> {
    const ids = keys.map((key) => pointIdOf(namespace, kind, key));
    const points = await this.#retrieve([...new Set(ids)]);
    const byId = new Map(points.map(({ id, payload }) => [id, documentOf(payload)]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  async scan({ from, tie, limit, ...reach }: DocumentReach & DocumentStart): Promise<ScannedDocument[]> {
    const { descending } = reach;
    const must = conditionsOf(reach);
    const start = from === undefined || tie !== undefined ? {} : { start_from: from };
    const order_by = { key: 'order', direction: descending ? 'desc' : 'asc', ...start };
    const tied = from === undefined || tie === undefined ? [] : await this.#ofOrder(must, from, limit, tie);
    if (tied.length === limit) return tied.map(scanned);
    const beyondTied = from === undefined || tie === undefined ? [] : [beyond('order', from, descending)];
    const wanted = limit - tied.length;
    const { points } = await this.#scroll({ filter: { must: [...must, ...beyondTied] }, limit: wanted, order_by });
    // Those of one order come in no order; of the last one there may be more, of which the first are wanted.
    const last = points.at(-1)?.payload.order;
    if (last === undefined || points.length < wanted) return [...tied, ...points].map(scanned);
    const whole = points.filter(({ payload }) => payload.order !== last);
    return [...tied, ...whole, ...(await this.#ofOrder(must, last, wanted - whole.length))].map(scanned);
  }

  /** Of one order, by their ids. */
  async #ofOrder(must: readonly QdrantCondition[], order: number, limit: number, tie?: string) {
    const filter = { must: [...must, at('order', order)] };
    const behind = tie === undefined ? {} : { offset: tie };
    const { points } = await this.#scroll({ filter, limit: limit + 1, ...behind });
    return points.filter(({ id }) => id !== tie).slice(0, limit);
  }

  async walk({ after, limit }: DocumentWalk): Promise<WalkedDocuments> {
    const { points, next } = await this.#scroll({ limit, ...(after === undefined ? {} : { offset: after }) });
    const documents = points.map(({ payload }) => documentOf(payload));
    return next === null ? { documents } : { documents, after: next };
  }

  /** Into a collection that nobody uses yet. */
  async putAll(documents: readonly StoredDocument[]): Promise<void> {
    const points = documents.map((document) => {
      const payload: DocumentPayload = { ...document, body: JSON.stringify(document.body), writers: [] };
      return { id: pointIdOf(document.namespace, document.kind, document.key), vector: {}, payload };
    });
    if (points.length > 0) await this.#http.call('PUT', `${this.#path}?wait=true&ordering=medium`, { points });
  }

  async #apply(change: DocumentChange): Promise<DocumentResult> {
    if (change.op === 'delete') {
      const points = [pointIdOf(change.namespace, change.kind, change.key)];
      await this.#http.call('POST', `${this.#path}/delete?wait=true&ordering=medium`, { points }, { isUrgent: true });
      return { op: 'delete' };
    }
    const { namespace, kind, key } = change.document;
    const id = pointIdOf(namespace, kind, key);
    const [before] = await this.#retrieve([id]);
    const version = before?.payload.version ?? null;
    if (version !== change.ifVersion) return { op: 'put', written: false, version };
    if (before === undefined) return { op: 'put', written: false, version };
    return (await this.#put(id, change.document, before.payload)) ? { op: 'put', written: true } : this.#lost(id);
  }

  /** Of what is new the database writes all at once; of several writers of one, it takes the first. */
  async #insert(documents: readonly StoredDocument[]): Promise<DocumentResult[]> {
    const ids = documents.map(({ namespace, kind, key }) => pointIdOf(namespace, kind, key));
    const before = new Set((await this.#retrieve(ids)).map(({ id }) => id));
    const points = documents.flatMap((document, i) => {
      const id = ids[i] as string;
      const payload: DocumentPayload = { ...document, body: JSON.stringify(document.body), writers: [this.#writer()] };
      return before.has(id) ? [] : [{ id, vector: {}, payload }];
    });
    if (points.length > 0) {
      const body = { points, update_mode: 'insert_only' };
      await this.#http.call('PUT', `${this.#path}?wait=true&ordering=medium`, body, { isUrgent: true });
    }
    const found = new Map((await this.#retrieve(ids)).map(({ id, payload }) => [id, payload]));
    const writers = new Map(points.map(({ id, payload }) => [id, payload.writers[0] as string]));
    return ids.map((id, i) => {
      const writer = writers.get(id);
      const now = found.get(id);
      if (writer !== undefined && now?.writers.includes(writer) === true) return { op: 'put', written: true };
      if (writer !== undefined) refuseUntold(now, documents[i] as StoredDocument);
      return { op: 'put', written: false, version: now?.version ?? null };
    });
  }

  #writer(): string {
    return Buffer.from(this.#random.bytes(WRITER_BYTES)).toString('base64url');
  }

  async #lost(id: string): Promise<DocumentResult> {
    const [found] = await this.#retrieve([id]);
    return { op: 'put', written: false, version: found?.payload.version ?? null };
  }

  /** Whether it was this write that was done: of several at once from the same version, the database takes one. */
  async #put(id: string, document: StoredDocument, before: DocumentPayload): Promise<boolean> {
    const writer = this.#writer();
    const writers = [writer, ...before.writers].slice(0, WRITERS_MAX);
    const payload: DocumentPayload = { ...document, body: JSON.stringify(document.body), writers };
    const condition = { update_mode: 'update_only', update_filter: { must: [at('version', before.version)] } };
    const body = { points: [{ id, vector: {}, payload }], ...condition };
    await this.#http.call('PUT', `${this.#path}?wait=true&ordering=medium`, body, { isUrgent: true });
    const [found] = await this.#retrieve([id]);
    if (found?.payload.writers.includes(writer) === true) return true;
    refuseUntold(found?.payload, document);
    return false;
  }

  async #retrieve(ids: readonly string[]): Promise<DocumentPoint[]> {
    if (ids.length === 0 || this.#isMissing) return [];
    const body = { ids, with_payload: true, with_vector: false };
    return this.#http.call('POST', `${this.#path}${this.#reading}`, body, { isUrgent: true });
  }

  async #scroll(request: object): Promise<{ readonly points: DocumentPoint[]; readonly next: string | null }> {
    if (this.#isMissing) return { points: [], next: null };
    const body = { ...request, with_payload: true, with_vector: false };
    const path = `${this.#path}/scroll${this.#reading}`;
    const found = await this.#http.call<{ points: DocumentPoint[]; next_page_offset?: string | null }>(
      'POST',
      path,
      body,
    );
    return { points: found.points, next: found.next_page_offset ?? null };
  }
}

/** Whoever deletes may have come after this write, or others so often that it is not told any more. */
function refuseUntold(found: DocumentPayload | undefined, document: StoredDocument): void {
  if (found === undefined || found.version >= document.version + WRITERS_MAX)
    throw new CodedError('STORE_UNAVAILABLE', 'others change the same document', { retryAfterMs: RETRY_MS });
}

/** Those from this place on that are to be new, each another one, as many as go in one call. */
function insertsFrom(changes: readonly DocumentChange[], from: number): StoredDocument[] {
  const inserts: StoredDocument[] = [];
  const ids = new Set<string>();
  for (const change of changes.slice(from, from + INSERTS_AT_ONCE)) {
    if (change.op !== 'put' || change.ifVersion !== null) break;
    const { namespace, kind, key } = change.document;
    const id = pointIdOf(namespace, kind, key);
    if (ids.has(id)) break;
    ids.add(id);
    inserts.push(change.document);
  }
  return inserts;
}

function conditionsOf({ namespace, kind, owner, term }: Omit<DocumentReach, 'limit'>): QdrantCondition[] {
  const must: QdrantCondition[] = [equals('namespace', namespace), equals('kind', kind)];
  if (owner !== undefined) must.push(equals('owner', owner));
  if (term !== undefined) must.push(equals('terms', term));
  return must;
}

function scanned({ id, payload }: DocumentPoint): ScannedDocument {
  return { document: documentOf(payload), tie: id };
}

function pointIdOf(namespace: string, kind: string, key: string): string {
  return uuidOf(
    createHash('sha256')
      .update(JSON.stringify([namespace, kind, key]))
      .digest(),
  );
}

function documentOf({ body, writers: _writers, ...document }: DocumentPayload): StoredDocument {
  return { ...document, body: parseJson(body) as JsonObject };
}
