import type { Clock } from '../../base/clock.ts';
import { LEVELS, type ContextRecord, type Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import type { ScanPage, StoreDriver } from '../driver.ts';
import { checkFilter } from '../filter.ts';
import type { StoreCopy } from '../snapshot/store-copy.ts';
import type {
  Access,
  ContextStore,
  ExpirySweep,
  Lifetime,
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
  Unembedded,
  WriteOp,
  WriteResult,
} from '../store.ts';
import { checkOp, checkSearch } from './checks.ts';
import { CursorCodec } from './cursor.ts';
import { EmptyLevels } from './empty-levels.ts';
import { expireDue } from './expire.ts';
import { listPage } from './list.ts';
import { countNamespaces } from './namespaces.ts';
import { OwnerTurns } from './owner-turns.ts';
import { scanAll } from './scan-all.ts';
import { searchLevels } from './search.ts';
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
  /** For whoever goes through all that there is. */
  readonly driver: StoreDriver;
  readonly #dimension: number;
  readonly #clock: Clock;
  readonly #cursors: CursorCodec;
  readonly #turns = new OwnerTurns();
  readonly #emptyLevels = new EmptyLevels();

  constructor(driver: StoreDriver, { dimension, cursorKey, clock }: GenericStoreDeps) {
    this.capabilities = driver.capabilities;
    this.driver = driver;
    this.#dimension = dimension;
    this.#clock = clock;
    this.#cursors = new CursorCodec(cursorKey);
  }

  async write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    for (const op of ops) checkOp(op, this.#dimension);
    const trimmed = ops.flatMap((op) =>
      op.op === 'trim' ? [JSON.stringify([op.trim.namespace, op.trim.agentId])] : [],
    );
    return this.#turns.run(new Set(trimmed), () => writeInRuns(this.driver, ops, this.#clock.nowMs(), signal));
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    checkSearch(request, this.#dimension);
    return searchLevels({ driver: this.driver, emptyLevels: this.#emptyLevels }, request, signal);
  }

  async fetch(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return ids.length === 0 ? [] : this.driver.get(namespace, ids, nowMs);
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

  expire(nowMs: number, limit: number, promoted: Lifetime | null): Promise<ExpirySweep> {
    return expireDue(this.driver, nowMs, limit, promoted);
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

  namespaces(names?: readonly string[]): Promise<NamespaceCounts[]> {
    return countNamespaces(this.driver, this.#clock.nowMs(), names);
  }

  /**
   * Puts a copy of everything, as of one moment, into a folder. What was acknowledged before the call is in it; other
   * calls go on meanwhile. `BAD_REQUEST` of a driver that cannot.
   */
  copyInto(_folder: string, _signal?: AbortSignal): Promise<StoreCopy> {
    const message = `the ${this.driver.name} store makes no snapshots; of Qdrant see docs/qdrant.md`;
    return Promise.reject(badRequest('', 'asks for what the store cannot do', message));
  }

  ping(): Promise<void> {
    return this.driver.ping();
  }

  close(): Promise<void> {
    return this.driver.close();
  }
}
