import { orAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { Level } from '../../base/context.ts';
import { toCodedError, type CodedError } from '../../base/errors.ts';
import type { CachedEmbeddingProvider } from '../../embedding/cache.ts';
import { toCandidates, type Candidate, type Candidates } from '../../store/candidates.ts';
import type { ContextStore, SearchRequest, TermStatistics } from '../../store/store.ts';
import { joinCandidates } from './joined-candidates.ts';
import type { QueryPlan } from './query-plan.ts';
import type { HiragSettings } from '../settings.ts';
import { localStatistics, searchResident, type ResidentContext, type ResidentResult } from '../working-set-search.ts';
import type { WorkingSet, WorkingSets } from '../working-sets.ts';

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

/** What one level answered. */
export interface LevelAnswer {
  readonly level: Level;
  /** False: nothing, because of `error`. True with an error: part of it. */
  readonly answered: boolean;
  readonly searched: number;
  /** `LevelFindings.denseMedian` */
  readonly denseMedian: number | null;
  readonly error?: CodedError;
  readonly fromMemory: boolean;
}

/** What levels answered together. */
export interface SearchAnswer {
  readonly levels: readonly LevelAnswer[];
  /** Of all levels, each once, and their neighbours. */
  readonly candidates: Candidates;
  /** null where no level answered. */
  readonly statistics: TermStatistics | null;
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

  /** Every level's answer, in the order of `plan.levels`; L1 in memory starts at once, the store with the vector. Never rejects. */
  async search(plan: QueryPlan, vector: Promise<QueryVector>, signal: AbortSignal | undefined): Promise<SearchAnswer> {
    const resident = plan.workingSets.length > 0 && plan.levels.includes('immediate');
    const stored = resident ? plan.levels.filter((level) => level !== 'immediate') : plan.levels;
    const answers = await Promise.all([
      ...(resident ? [this.#immediate(plan, vector, signal)] : []),
      ...(stored.length > 0 ? [this.#fromStore(plan, stored, vector, signal)] : []),
    ]);
    return joined(plan, answers);
  }

  /** L1 from memory, or from the store where it cannot be kept in memory. */
  async #immediate(
    plan: QueryPlan,
    vector: Promise<QueryVector>,
    signal: AbortSignal | undefined,
  ): Promise<SearchAnswer> {
    try {
      const answer = await this.#fromMemory(plan, vector, signal);
      return answer ?? (await this.#fromStore(plan, ['immediate'], vector, signal));
    } catch (error) {
      return failed(['immediate'], error);
    }
  }

  async #fromStore(
    plan: QueryPlan,
    levels: readonly Level[],
    vectorComing: Promise<QueryVector>,
    signal: AbortSignal | undefined,
  ): Promise<SearchAnswer> {
    try {
      const { vector, error: embeddingError } = searchable(plan, await vectorComing);
      const result = await orAbort(this.#deps.store.search(this.#request(plan, levels, vector), signal), signal);
      return {
        levels: result.levels.map(({ searched, denseMedian, error }, i): LevelAnswer => {
          const because = error ?? embeddingError;
          const level = levels[i] as Level;
          const answered = error === undefined;
          return {
            level,
            answered,
            searched,
            denseMedian,
            fromMemory: false,
            ...(because === undefined ? {} : { error: because }),
          };
        }),
        candidates: result.candidates,
        statistics: result.statistics,
      };
    } catch (error) {
      if (levels.length === 1 || signal?.aborted === true) return failed(levels, error);
      // One of them may have failed for all: asked by itself, each fails alone.
      return joined(
        plan,
        await Promise.all(levels.map((level) => this.#fromStore(plan, [level], vectorComing, signal))),
      );
    }
  }

  #request(plan: QueryPlan, levels: readonly Level[], vector: Float32Array | undefined): SearchRequest {
    const { settings, clock, embedding } = this.#deps;
    return {
      ...plan.scope,
      levels,
      includeSessionless: true,
      ...(vector === undefined ? {} : { vector }),
      terms: plan.analysis.terms,
      names: [...plan.analysis.names],
      denseSamples: embedding.kind === 'semantic' ? settings.fusion.denseFloorSamples : 0,
      candidates: plan.candidates,
      neighbours: settings.fusion.neighbourWeights.length,
      denseNeighbours: embedding.kind === 'semantic',
      nowMs: clock.nowMs(),
    };
  }

  /** Null: the store has to answer, because a set cannot be kept in memory. */
  async #fromMemory(
    plan: QueryPlan,
    vectorComing: Promise<QueryVector>,
    signal: AbortSignal | undefined,
  ): Promise<SearchAnswer | null> {
    const { workingSets, store } = this.#deps;
    const terms = plan.analysis.terms;
    const reading = Promise.allSettled(plan.workingSets.map((scope) => orAbort(workingSets.read(scope), signal)));
    const counting =
      terms.length === 0
        ? null
        : orAbort(
            store.termStatistics(
              plan.scope.namespace,
              terms.map(({ term }) => term),
            ),
            signal,
          );
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
    const statistics = counted ?? localStatistics(contextsOf(sets), terms);
    const { candidates, searched } = this.#searchSets(plan, sets, statistics, vector);
    const answer = {
      answered: true,
      searched,
      denseMedian: null,
      fromMemory: true,
      ...(error === undefined ? {} : { error }),
    };
    return {
      levels: [{ level: 'immediate', ...answer }],
      candidates: toCandidates(candidates, terms.length),
      statistics,
    };
  }

  /** Set by set, as neighbours are neighbours within a session. */
  #searchSets(
    plan: QueryPlan,
    sets: readonly WorkingSet[],
    statistics: TermStatistics,
    vector: Float32Array | undefined,
  ): ResidentResult {
    const { settings, clock } = this.#deps;
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
    return { candidates, searched };
  }
}

function joined(plan: QueryPlan, answers: readonly SearchAnswer[]): SearchAnswer {
  return {
    levels: answers.flatMap(({ levels }) => levels),
    candidates: joinCandidates(
      answers.map(({ candidates }) => candidates),
      plan.analysis.terms.length,
    ),
    statistics: answers.find(({ statistics }) => statistics !== null)?.statistics ?? null,
  };
}

function failed(levels: readonly Level[], error: unknown): SearchAnswer {
  const coded = toCodedError(error);
  return {
    levels: levels.map((level) => ({
      level,
      answered: false,
      searched: 0,
      denseMedian: null,
      error: coded,
      fromMemory: false,
    })),
    candidates: toCandidates([], 0),
    statistics: null,
  };
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
