import { orAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Level } from '../base/context.ts';
import { toCodedError, type CodedError } from '../base/errors.ts';
import type { CachedEmbeddingProvider } from '../embedding/cache.ts';
import type { Candidate, ContextStore, SearchResult, TermStatistics } from '../store/store.ts';
import type { QueryPlan } from './query-plan.ts';
import type { HiragSettings } from './settings.ts';
import { localStatistics, searchResident, type ResidentContext } from './working-set-search.ts';
import type { WorkingSet, WorkingSets } from './working-sets.ts';

export interface LevelSearchDeps {
  readonly store: ContextStore;
  readonly embedding: CachedEmbeddingProvider;
  readonly workingSets: WorkingSets;
  readonly clock: Clock;
  readonly settings: HiragSettings;
}

/** What became of the query's embedding. */
export interface QueryVector {
  /** Absent: lexical only. */
  readonly vector?: Float32Array;
  readonly cached: boolean;
  readonly error?: CodedError;
}

/** What one level answered. `result` null: nothing, because of `error`; both: part of it. */
export interface LevelAnswer {
  readonly level: Level;
  readonly result: SearchResult | null;
  readonly error?: CodedError;
  readonly fromMemory: boolean;
}

/** Asks the levels; no failure of one touches another. */
export class LevelSearch {
  readonly #deps: LevelSearchDeps;

  constructor(deps: LevelSearchDeps) {
    this.#deps = deps;
  }

  /** Never rejects: without a vector the levels still answer by words. */
  async embed(plan: QueryPlan, signal: AbortSignal | undefined): Promise<QueryVector> {
    if (plan.vector !== undefined) return { vector: plan.vector, cached: false };
    if (plan.embedText === undefined) return { cached: false };
    const { embedding } = this.#deps;
    const owned = { namespace: plan.scope.namespace, text: plan.embedText };
    const cached = embedding.has(owned, 'query');
    try {
      const [vector] = await embedding.embed([owned], 'query', signal);
      return vector === undefined ? { cached } : { vector, cached };
    } catch (error) {
      return { cached: false, error: toCodedError(error) };
    }
  }

  /** Every level's answer, in the order of `plan.levels`; L1 starts at once, the others with the vector. Never rejects. */
  search(plan: QueryPlan, vector: Promise<QueryVector>, signal: AbortSignal | undefined): Promise<LevelAnswer[]> {
    return Promise.all(
      plan.levels.map(async (level) => {
        try {
          const fromMemory = level === 'immediate' ? await this.#fromMemory(plan, vector, signal) : null;
          return fromMemory ?? (await this.#fromStore(plan, level, vector, signal));
        } catch (error) {
          return { level, result: null, error: toCodedError(error), fromMemory: false };
        }
      }),
    );
  }

  async #fromStore(
    plan: QueryPlan,
    level: Level,
    vectorComing: Promise<QueryVector>,
    signal: AbortSignal | undefined,
  ): Promise<LevelAnswer> {
    const { vector, error } = searchable(plan, await vectorComing);
    const { settings, store, clock, embedding } = this.#deps;
    const searching = store.search(
      {
        ...plan.scope,
        level,
        includeSessionless: true,
        ...(vector === undefined ? {} : { vector }),
        terms: plan.analysis.terms,
        names: [...plan.analysis.names],
        denseSamples: embedding.kind === 'semantic' ? settings.fusion.denseFloorSamples : 0,
        candidates: plan.candidates,
        neighbours: settings.fusion.neighbourWeights.length,
        denseNeighbours: embedding.kind === 'semantic',
        nowMs: clock.nowMs(),
      },
      signal,
    );
    const result = await orAbort(searching, signal);
    return { level, result, fromMemory: false, ...(error === undefined ? {} : { error }) };
  }

  /** Null: the store has to answer, because the query names no session or a set cannot be kept in memory. */
  async #fromMemory(
    plan: QueryPlan,
    vectorComing: Promise<QueryVector>,
    signal: AbortSignal | undefined,
  ): Promise<LevelAnswer | null> {
    if (plan.workingSets.length === 0) return null;
    const { workingSets, store } = this.#deps;
    const terms = plan.analysis.terms;
    const reading = Promise.allSettled(plan.workingSets.map((scope) => orAbort(workingSets.read(scope), signal)));
    const counting = terms.length === 0 ? null : orAbort(store.termStatistics(plan.scope.namespace, terms.map(({ term }) => term)), signal);
    const [read, counted] = await Promise.all([reading, counting?.catch(() => null) ?? null]);
    const sets: WorkingSet[] = [];
    let failure: CodedError | undefined;
    for (const outcome of read) {
      if (outcome.status === 'rejected') failure = toCodedError(outcome.reason);
      else if (outcome.value === null) return null;
      else sets.push(outcome.value);
    }
    if (sets.length === 0 && failure !== undefined) throw failure;
    const { vector, error = failure } = searchable(plan, await vectorComing);
    const result = this.#searchSets(plan, sets, counted, vector);
    return { level: 'immediate', result, fromMemory: true, ...(error === undefined ? {} : { error }) };
  }

  /** Set by set, as neighbours are neighbours within a session. */
  #searchSets(
    plan: QueryPlan,
    sets: readonly WorkingSet[],
    counted: TermStatistics | null,
    vector: Float32Array | undefined,
  ): SearchResult {
    const { settings, clock } = this.#deps;
    const statistics = counted ?? localStatistics(contextsOf(sets), plan.analysis.terms);
    const candidates: Candidate[] = [];
    let searched = 0;
    for (const set of sets) {
      const found = searchResident(set.contexts.values(), {
        ...(plan.scope.filter === undefined ? {} : { filter: plan.scope.filter }),
        ...(vector === undefined ? {} : { vector }),
        query: plan.analysis,
        statistics,
        // All of L1: what was just said is among them, whatever it has to do with the query.
        candidates: Math.max(plan.candidates, settings.l1Size),
        neighbours: settings.fusion.neighbourWeights.length,
        nowMs: clock.nowMs(),
      });
      candidates.push(...found.candidates);
      searched += found.searched;
    }
    return { candidates, searched, statistics, denseMedian: null };
  }
}

/** Throws the embedder's error where there are no words either. */
function searchable(plan: QueryPlan, embedded: QueryVector): QueryVector {
  const { vector, error } = embedded;
  if (vector === undefined && plan.analysis.terms.length === 0 && error !== undefined) throw error;
  return embedded;
}

function* contextsOf(sets: readonly WorkingSet[]): Generator<ResidentContext> {
  for (const set of sets) yield* set.contexts.values();
}
