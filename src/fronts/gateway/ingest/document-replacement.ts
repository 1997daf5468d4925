import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { throwIfAborted } from '../../../base/abort.ts';
import type { LoopTurns } from '../../../base/loop-turns.ts';
import { CodedError, type ErrorCode } from '../../../base/errors.ts';
import type { ReadDocument } from './document-messages.ts';
import type { Ingest } from './ingest-body.ts';
import { idAfter } from '../said.ts';

/** One request to the memory, as whoever sends the document. */
export type Ask = (type: string, payload: Record<string, unknown>) => Promise<object>;

type Fields = Readonly<Record<string, unknown>>;

/** A context that a chunk is to become. */
interface NewChunk {
  readonly id: string;
  readonly text: string;
  readonly sha256: string;
  readonly metadata: Fields;
}

interface StoredChunk {
  readonly id: string;
  readonly session_id?: string | null;
  readonly metadata: Fields;
  readonly tags: readonly string[];
}

/** What of it is looked at, of each context of a document. */
interface KnownChunk {
  readonly sessionId: string | null;
  readonly sha256: unknown;
  /** As it is to be, if it is of the new ones. */
  readonly isCurrent: boolean;
}

export interface Replaced {
  readonly ids: readonly string[];
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
}

const STORED_AT_ONCE = 32;
const LISTED_AT_ONCE = 200;
const DELETED_AT_ONCE = 500;
/** Chunks, before others have their turn. */
const HASHED_AT_ONCE = 64;

/**
 * Stores a document in the place of what an agent has under its id. What is new is stored before what is old is
 * deleted: whatever ends it in between leaves both, and the same again mends it.
 */
export class DocumentReplacement {
  readonly #ingest: Ingest;
  readonly #agent: string;
  readonly #ask: Ask;
  readonly #signal: AbortSignal;
  readonly #chunks: ReadonlyMap<string, NewChunk>;

  constructor(ingest: Ingest, chunks: ReadonlyMap<string, NewChunk>, agent: string, ask: Ask, signal: AbortSignal) {
    this.#ingest = ingest;
    this.#agent = agent;
    this.#ask = ask;
    this.#signal = signal;
    this.#chunks = chunks;
  }

  static async of(
    ingest: Ingest,
    document: ReadDocument,
    agent: string,
    ask: Ask,
    { signal, turns }: { readonly signal: AbortSignal; readonly turns: LoopTurns },
  ): Promise<DocumentReplacement> {
    return new DocumentReplacement(ingest, await newChunks(ingest, document, agent, turns), agent, ask, signal);
  }

  /** Chunks that it will have. */
  get size(): number {
    return this.#chunks.size;
  }

  /** `onStored`: so many of the chunks are stored. Rejects with what the memory refuses. */
  async run(onStored: (stored: number) => void): Promise<Replaced> {
    const known = await this.#known();
    const chunks = [...this.#chunks.values()];
    let created = 0;
    let updated = 0;
    for (let from = 0; from < chunks.length; from += STORED_AT_ONCE) {
      throwIfAborted(this.#signal);
      const some = chunks.slice(from, from + STORED_AT_ONCE);
      created += await this.#store(some.filter(({ id }) => !known.has(id)));
      updated += await this.#update(some.filter(({ id }) => known.get(id)?.isCurrent === false));
      onStored(from + some.length);
    }
    const deleted = await this.#delete([...known].filter(([id]) => !this.#chunks.has(id)).map(([, chunk]) => chunk));
    return { ids: chunks.map(({ id }) => id), created, updated, deleted };
  }

  async #known(): Promise<Map<string, KnownChunk>> {
    const known = new Map<string, KnownChunk>();
    let cursor: string | undefined;
    do {
      throwIfAborted(this.#signal);
      const page = (await this.#ask('context.list', {
        agent_id: this.#agent,
        filter: { must: [this.#isOfDocument()] },
        include_past: true,
        limit: LISTED_AT_ONCE,
        ...(cursor !== undefined && { cursor }),
      })) as { readonly contexts: readonly StoredChunk[]; readonly cursor?: string };
      for (const context of page.contexts) known.set(context.id, this.#knownOf(context));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return known;
  }

  #knownOf({ id, session_id: sessionId = null, metadata, tags }: StoredChunk): KnownChunk {
    const chunk = this.#chunks.get(id);
    const isCurrent = isDeepStrictEqual(metadata, chunk?.metadata) && isDeepStrictEqual(tags, this.#ingest.tags);
    const { sha256 } = metadata['document'] as Fields;
    return { sessionId, sha256, isCurrent };
  }

  async #store(chunks: readonly NewChunk[]): Promise<number> {
    if (chunks.length === 0) return 0;
    const { sessionId, tags } = this.#ingest;
    const { results } = (await this.#ask('context.store_batch', {
      contexts: chunks.map(({ id, text, metadata }) => ({
        id,
        text,
        metadata,
        tags,
        level: 'long_term',
        agent_id: this.#agent,
        ...(sessionId !== undefined && { session_id: sessionId }),
      })),
    })) as { readonly results: readonly BatchResult[] };
    for (const { error } of results) if (error !== undefined) throw new CodedError(error.code, error.message);
    return results.filter(({ created }) => created === true).length;
  }

  /** They say the same, and stand at another place or under another title. */
  async #update(chunks: readonly NewChunk[]): Promise<number> {
    const { tags } = this.#ingest;
    await Promise.all(chunks.map(({ id, metadata }) => this.#ask('context.update', { id, metadata, tags })));
    return chunks.length;
  }

  async #delete(chunks: readonly KnownChunk[]): Promise<number> {
    let deleted = 0;
    for (const [sessionId, those] of Map.groupBy(chunks, (chunk) => chunk.sessionId)) {
      const hashes = [...new Set(those.map(({ sha256 }) => sha256))].filter((hash) => typeof hash === 'string');
      const inSession =
        sessionId === null ? { is_empty: { key: 'session_id' } } : { key: 'session_id', match: { value: sessionId } };
      for (let from = 0; from < hashes.length; from += DELETED_AT_ONCE) {
        throwIfAborted(this.#signal);
        const these = { key: 'metadata.document.sha256', match: { any: hashes.slice(from, from + DELETED_AT_ONCE) } };
        const ofAgent = { key: 'agent_id', match: { value: this.#agent } };
        const filter = { must: [this.#isOfDocument(), ofAgent, inSession, these] };
        deleted += ((await this.#ask('context.delete', { filter })) as { readonly deleted: number }).deleted;
      }
    }
    return deleted;
  }

  #isOfDocument(): object {
    return { key: 'metadata.document.id', match: { value: this.#ingest.documentId } };
  }
}

interface BatchResult {
  readonly created?: boolean;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** By id, which follows from the document and the chunk's text: what is there twice is stored once. */
async function newChunks(
  ingest: Ingest,
  { title, chunks }: ReadDocument,
  agent: string,
  turns: LoopTurns,
): Promise<Map<string, NewChunk>> {
  const { documentId, sessionId, metadata } = ingest;
  const shown = ingest.title ?? title;
  const made = new Map<string, NewChunk>();
  for (const [place, { text, headings, page }] of chunks.entries()) {
    if (place % HASHED_AT_ONCE === HASHED_AT_ONCE - 1) await turns.next();
    const sha256 = createHash('sha256').update(text).digest('hex');
    const id = idAfter(documentId, ['document', agent, sessionId ?? ''], sha256);
    if (made.has(id)) continue;
    const document = {
      id: documentId,
      ...(shown !== undefined && { title: shown }),
      headings,
      ...(page !== undefined && { page }),
      chunk: made.size,
      sha256,
    };
    made.set(id, { id, text, sha256, metadata: { ...metadata, document } });
  }
  return made;
}
