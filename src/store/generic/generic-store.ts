import { NO_LENGTHS } from '../../base/text/bm25.ts';
import type { Clock } from '../../base/clock.ts';
import { LEVELS, type ContextOutline, type ContextRecord, type Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import type { NamespaceSet } from '../../base/namespace-set.ts';
import type { ScanPage, StoreDriver } from '../driver.ts';
import {
  type DocumentChange,
  documentPage,
  type DocumentPage,
  type DocumentPlace,
  type DocumentResult,
  type DocumentScan,
  type StoredDocument,
} from '../documents.ts';
import type { ErasedSome, EraseRequest, ForgetRequest, Scrubbed } from '../erasure.ts';
import { checkFilter } from '../filter.ts';
import type { StoreCopy } from '../snapshot/store-copy.ts';
import type {
  Access,
  ContextStore,
  ExpirySweep,
  Promotion,
  ListPage,
  ListRequest,
  NamespaceCounts,
  NewContext,
  PendingPage,
  PendingRequest,
  SearchRequest,
  SearchResult,
  StoreCapabilities,
  StoreStats,
  TermStatistics,
  Unembedded,
  WriteOp,
  WriteResult,
} from '../store.ts';
import type { WholeCheck } from '../whole-check.ts';
import { checkDocument, checkOp, checkSearch } from './checks.ts';
import { CursorCodec } from './cursor.ts';
import { EmptyLevels } from './empty-levels.ts';
import { eraseSome } from './erase.ts';
import { expireDue } from './expire.ts';
import { listPage } from './list.ts';
import { countNamespaces } from './namespaces.ts';
import { OwnerTurns } from './owner-turns.ts';
import { scanAll } from './scan-all.ts';
import { searchLevels } from './search.ts';
import { SupersessionSweep, tellingSuperseded, type WritingDriver } from './supersession.ts';
import { writeInRuns } from './write.ts';

export interface GenericStoreDeps {
  /** Numbers per vector. */
  readonly dimension: number;
  /** Random bytes that every server over the same data has, so that each can go on with a list of another. */
  readonly cursorKey: Uint8Array;
  readonly clock: Clock;
}

const LOADED_AT_ONCE = 500;

/** The whole contract over a driver. Each method is a default: a driver's store overrides what it can do better. */
export class GenericStore implements ContextStore {
  readonly capabilities: StoreCapabilities;
  /** null: the backend takes care of that itself. */
  readonly wholeCheck: WholeCheck | null = null;
  /** For whoever goes through all that there is. */
  readonly driver: StoreDriver;
  readonly #writing: WritingDriver;
  readonly #supersessions = new SupersessionSweep();
  readonly #dimension: number;
  readonly #clock: Clock;
  readonly #cursors: CursorCodec;
  readonly #turns = new OwnerTurns();
  readonly #emptyLevels = new EmptyLevels();

  constructor(driver: StoreDriver, { dimension, cursorKey, clock }: GenericStoreDeps) {
    this.capabilities = driver.capabilities;
    this.driver = driver;
    this.#writing = tellingSuperseded(driver);
    this.#dimension = dimension;
    this.#clock = clock;
    this.#cursors = new CursorCodec(cursorKey);
  }

  async write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    for (const op of ops) checkOp(op, this.#dimension);
    const trimmed = ops.flatMap((op) =>
      op.op === 'trim' ? [JSON.stringify([op.trim.namespace, op.trim.agentId])] : [],
    );
    return this.#turns.run(new Set(trimmed), () => writeInRuns(this.#writing, ops, this.#clock.nowMs(), signal));
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    checkSearch(request, this.#dimension);
    return searchLevels({ driver: this.driver, emptyLevels: this.#emptyLevels }, request, signal);
  }

  async fetch(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return ids.length === 0 ? [] : this.driver.get(namespace, ids, nowMs);
  }

  async outlines(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextOutline | null)[]> {
    if (ids.length === 0) return [];
    return this.driver.outlines?.(namespace, ids, nowMs) ?? this.driver.get(namespace, ids, nowMs);
  }

  async load(
    scope: { namespace: string; agentId: string; sessionId: string | null },
    level: Level,
    nowMs: number,
  ): Promise<NewContext[]> {
    const order = { order: 'entry', descending: false, limit: LOADED_AT_ONCE, vectors: true } as const;
    const loaded: NewContext[] = [];
    for await (const found of scanAll(this.driver, { ...scope, levels: [level], nowMs, ...order })) {
      for (const { record, vector, passages, unembedded } of found)
        if (vector !== undefined)
          loaded.push({ record, vector, ...(passages && { passages }), ...(unembedded && { unembedded }) });
    }
    return loaded;
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    if (request.filter !== undefined) checkFilter(request.filter);
    return listPage(this.driver, this.#cursors, request, signal);
  }

  async touch(accesses: readonly Access[]): Promise<void> {
    if (accesses.length === 0) return;
    await this.driver.apply(
      accesses.map(({ namespace, id, count }) => ({ op: 'update', namespace, id, patch: { accesses: count } })),
      this.#clock.nowMs(),
    );
  }

  async expire(nowMs: number, limit: number, promoted: Promotion | null): Promise<ExpirySweep> {
    const sweep = await expireDue(this.#writing, nowMs, limit, promoted);
    await this.#supersessions.run(this.driver, nowMs);
    return sweep;
  }

  async pending({ limit, bytesMax, after }: PendingRequest): Promise<PendingPage> {
    const request = { order: 'creation', descending: false, limit, bytesMax, unembedded: 'pending' } as const;
    const [page] = await this.driver.scan([{ ...request, ...(after && { after }) }]);
    const { found, more } = page as ScanPage;
    const last = found.at(-1);
    const records = found.map(({ record }) => record);
    return more && last !== undefined ? { records, next: last.position } : { records };
  }

  async unembedded(): Promise<Record<Unembedded, number>> {
    const { counts } = await this.driver.counts({ reaches: [{ unembedded: 'pending' }, { unembedded: 'refused' }] });
    const [pending = 0, refused = 0] = counts;
    return { pending, refused };
  }

  async termStatistics(namespace: string, terms: readonly string[]): Promise<TermStatistics> {
    const { statistics } = await this.driver.counts({ reaches: [], statistics: { namespace, terms } });
    return statistics ?? { documentCount: 0, ...NO_LENGTHS, documentFrequencies: terms.map(() => 0) };
  }

  async stats(namespace?: string): Promise<StoreStats> {
    const where = namespace === undefined ? {} : { namespace };
    const nowMs = this.#clock.nowMs();
    const { counts } = await this.driver.counts({
      reaches: LEVELS.map((level) => ({ ...where, levels: [level], nowMs })),
    });
    const [immediate = 0, shortTerm = 0, longTerm = 0] = counts;
    return {
      counts: { immediate, short_term: shortTerm, long_term: longTerm },
      driver: { name: this.driver.name, dimension: this.#dimension },
    };
  }

  async namespaces(names?: readonly string[], among?: NamespaceSet): Promise<NamespaceCounts[]> {
    const found = await countNamespaces(this.driver, this.#clock.nowMs(), names);
    return among === undefined ? found : found.filter(({ namespace }) => among.has(namespace));
  }

  async writeDocuments(changes: readonly DocumentChange[]): Promise<DocumentResult[]> {
    changes.forEach(checkDocument);
    return this.driver.documents.apply(changes);
  }

  documents(namespace: string, kind: string, keys: readonly string[]): Promise<(StoredDocument | null)[]> {
    return this.driver.documents.get(namespace, kind, keys);
  }

  scanDocuments(request: DocumentScan): Promise<DocumentPage> {
    return documentPage(this.driver.documents, request);
  }

  placeCursor(namespace: string, { order, keys }: DocumentPlace, timeMs?: number): string {
    const position = [order, keys[0] ?? '', ...(timeMs === undefined ? [] : [timeMs])];
    return this.#cursors.encode(placesOf(namespace), position);
  }

  cursorPlace(namespace: string, cursor: string): { readonly place: DocumentPlace; readonly timeMs?: number } {
    const [order, tie, timeMs] = this.#cursors.decode(placesOf(namespace), cursor);
    const place = { order: Number(order), keys: [String(tie)] };
    return typeof timeMs === 'number' ? { place, timeMs } : { place };
  }

  /**
   * Puts a copy of everything, as of one moment, into a folder. What was acknowledged before the call is in it; other
   * calls go on meanwhile. `BAD_REQUEST` of a driver that cannot.
   */
  copyInto(_folder: string, _signal?: AbortSignal): Promise<StoreCopy> {
    const message = `the ${this.driver.name} store makes no snapshots`;
    return Promise.reject(badRequest('', 'asks for what the store cannot do', message));
  }

  async eraseSome(
    request: EraseRequest,
    before?: (found: readonly ContextOutline[]) => Promise<void>,
  ): Promise<ErasedSome> {
    if (request.filter !== undefined) checkFilter(request.filter);
    return eraseSome(this.driver, this.#writing, request, this.#clock.nowMs(), before);
  }

  async countMatching({ namespace, filter }: Pick<EraseRequest, 'namespace' | 'filter'>): Promise<number> {
    const { counts } = await this.driver.counts({ reaches: [{ namespace, ...(filter && { filter }) }] });
    return counts[0] ?? 0;
  }

  /** Of a driver without files of its own. */
  forgetNamespace(_request: ForgetRequest): Promise<number> {
    return Promise.resolve(0);
  }

  scrub(_signal?: AbortSignal): Promise<Scrubbed> {
    return Promise.resolve({ blankedPages: 0, files: 'none' });
  }

  ping(): Promise<void> {
    return this.driver.ping();
  }

  close(): Promise<void> {
    return this.driver.close();
  }
}

/** So that a cursor of documents is none of contexts: no namespace has this name. */
function placesOf(namespace: string): string {
  return `${namespace}\0documents`;
}
