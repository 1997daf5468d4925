// What the store worker does better than the defaults over its core: whole calls of writes in one transaction, searches
// whose scores never leave its columns, sweeps in one step.

import type { NamespaceSet } from '../../base/namespace-set.ts';
import { join } from 'node:path';
import type { StoreCopy } from '../snapshot/store-copy.ts';
import { DATABASE_FILE } from './database/data-folder.ts';
import { copyInThread } from './snapshot/copy-in-thread.ts';
import type { ErasedSome, ForgetRequest, Scrubbed } from '../erasure.ts';
import { checkOp, checkSearch } from '../generic/checks.ts';
import { GenericStore, type GenericStoreDeps } from '../generic/generic-store.ts';
import { byName, mergedByName } from '../generic/namespaces.ts';
import type {
  Access,
  ExpirySweep,
  Promotion,
  NamespaceCounts,
  SearchRequest,
  SearchResult,
  StoreStats,
  WriteOp,
  WriteResult,
} from '../store.ts';
import { joinTerm } from '../term-forms.ts';
import type { WholeCheck } from '../whole-check.ts';
import { levelName, toLevelNumber, toRecord, unpackRow } from './border/rows.ts';
import type { EmbeddedDriver } from './embedded-driver.ts';
import { RowErasure } from './row-erasure.ts';
import { decodeFindings, decodeResult, encodeOp, type TransactionOp } from './encode.ts';
import type { WireFind, WireFindPlace, WireFound, WireWriteResult } from './border/messages.ts';
import type { WorkerLink } from './worker-link.ts';

type DeleteWhere = Extract<WriteOp, { readonly op: 'delete_where' }>;

interface EmbeddedStoreDeps extends GenericStoreDeps {
  readonly dataDir: string;
  readonly wholeCheck: WholeCheck;
}

/** What is deleted in one transaction keeps others waiting for some ten milliseconds. */
const DELETED_AT_ONCE = 250;

/** Sorted and passed on in about a millisecond or two. */
const NAMESPACES_A_PAGE = 2_000;

export class EmbeddedStore extends GenericStore {
  override readonly capabilities = { atomicBatches: true, isExclusive: true as const };
  override readonly wholeCheck: WholeCheck;
  readonly #link: WorkerLink;
  readonly #dimension: number;
  readonly #dataDir: string;
  readonly #erasure: RowErasure;

  constructor(driver: EmbeddedDriver, link: WorkerLink, deps: EmbeddedStoreDeps) {
    super(driver, deps);
    this.wholeCheck = deps.wholeCheck;
    this.#link = link;
    this.#dataDir = deps.dataDir;
    this.#dimension = deps.dimension;
    this.#erasure = new RowErasure({ ...deps, link, outlines: (...asked) => this.outlines(...asked) });
  }

  override async write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    for (const op of ops) checkOp(op, this.#dimension);
    const results: WriteResult[] = [];
    let together: TransactionOp[] = [];
    for (const op of ops) {
      if (op.op !== 'delete_where') {
        together.push(op);
        continue;
      }
      results.push(...(await this.#transaction(together)));
      together = [];
      results.push(await this.#deleteWhere(op, results.length === 0 ? signal : undefined));
    }
    // Of most calls this is all.
    results.push(...(await this.#transaction(together)));
    return results;
  }

  async #transaction(ops: readonly TransactionOp[]): Promise<WriteResult[]> {
    if (ops.length === 0) return [];
    const results = await this.#link.call('write', (parcel) => ops.map((op) => encodeOp(op, parcel)));
    return ops.map((op, i) => decodeResult(op, results[i] as WireWriteResult));
  }

  /** Some at a time: found by a read that lets others through, and deleted where they match still. */
  async #deleteWhere({ namespace, level, filter }: DeleteWhere, signal?: AbortSignal): Promise<WriteResult> {
    const restriction = { levels: level === undefined ? null : [toLevelNumber(level)], filter: filter ?? null };
    const onlyIf = { ...(level === undefined ? {} : { level }), ...(filter === undefined ? {} : { filter }) };
    const deletedIds: string[] = [];
    let from: WireFindPlace | null = null;
    do {
      const find: WireFind = { namespace, ...restriction, from, limit: DELETED_AT_ONCE };
      // Once something is deleted, nobody may be told that nothing was.
      const found: WireFound = await this.#link.call('find', () => find, deletedIds.length === 0 ? signal : undefined);
      from = found.next;
      if (found.ids.length === 0) continue;
      const [result] = await this.#transaction([{ op: 'delete', namespace, ids: found.ids, onlyIf }]);
      if (result?.op === 'delete') deletedIds.push(...result.deletedIds);
    } while (from !== null);
    return { op: 'delete_where', deletedIds };
  }

  override async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    checkSearch(request, this.#dimension);
    const { vector, terms } = request;
    const levels = request.levels.map(toLevelNumber);
    const findings = await this.#link.call(
      'search',
      (parcel) => ({
        namespace: request.namespace,
        agentId: request.agentId ?? null,
        sessionId: request.sessionId ?? null,
        filter: request.filter ?? null,
        levels,
        includeSessionless: request.includeSessionless,
        createdWithin: request.createdWithin ?? [],
        vector: vector === undefined ? null : parcel.vector(vector),
        terms: terms.map(joinTerm),
        weights: terms.map(({ weight }) => weight),
        termsMax: request.termsMax ?? terms.length,
        names: request.names,
        dates: request.dates ?? [],
        denseSamples: request.denseSamples,
        candidates: request.candidates,
        surely: request.surely ?? request.candidates,
        distinct: request.distinct ?? false,
        neighbours: request.neighbours,
        neighbourHosts: request.neighbourHosts ?? Infinity,
        denseNeighbours: request.denseNeighbours ?? true,
        namesNeighbours: request.namesNeighbours ?? false,
        texts: request.texts ?? null,
        nowMs: request.nowMs,
        time: request.time ?? null,
      }),
      signal,
    );
    return decodeFindings(request.namespace, findings);
  }

  override async touch(accesses: readonly Access[]): Promise<void> {
    if (accesses.length === 0) return;
    await this.#link.call('touch', () => accesses.map(({ namespace, id, count }) => [namespace, id, count] as const));
  }

  override async expire(nowMs: number, limit: number, promoted: Promotion | null): Promise<ExpirySweep> {
    const sweep = await this.#link.call('expire', () => ({ nowMs, limit, promoted }));
    const { deleted, more } = sweep;
    return {
      promoted: sweep.promoted.map(([namespace, row]) => toRecord(namespace, unpackRow(row, 0))),
      deleted: deleted.map(([namespace, id, level]) => ({ namespace, id, level: levelName(level) })),
      more,
    };
  }

  override async stats(namespace?: string): Promise<StoreStats> {
    const { counts, driver } = await this.#link.call('stats', () => namespace ?? null);
    return { counts: { immediate: counts[0], short_term: counts[1], long_term: counts[2] }, driver };
  }

  override async copyInto(folder: string, signal?: AbortSignal): Promise<StoreCopy> {
    await this.#link.call('flush', () => null, signal);
    return copyInThread({ databasePath: join(this.#dataDir, DATABASE_FILE), folder }, signal);
  }

  override eraseSome(...request: Parameters<RowErasure['some']>): Promise<ErasedSome> {
    return this.#erasure.some(...request);
  }

  override forgetNamespace(request: ForgetRequest): Promise<number> {
    return this.#erasure.forget(request);
  }

  override scrub(signal?: AbortSignal): Promise<Scrubbed> {
    return this.#erasure.scrub(signal);
  }

  override async namespaces(names?: readonly string[], among?: NamespaceSet): Promise<NamespaceCounts[]> {
    const request = { names: names ?? null, among: among?.entries ?? null, limit: NAMESPACES_A_PAGE };
    const pages: NamespaceCounts[][] = [];
    for (let after: number | null = 0; after !== null; ) {
      const from: number = after;
      const { rows, next } = await this.#link.call('namespaces', () => ({ ...request, after: from }));
      const page = rows.map(([namespace, immediate, shortTerm, longTerm]) => ({
        namespace,
        counts: { immediate, short_term: shortTerm, long_term: longTerm },
      }));
      pages.push(byName(page));
      after = next;
    }
    return mergedByName(pages);
  }
}
