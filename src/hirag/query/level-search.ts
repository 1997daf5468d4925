import { orAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { Level } from '../../base/context.ts';
import { toCodedError, type CodedError } from '../../base/errors.ts';
import type { CachedEmbeddingProvider } from '../../embedding/cache.ts';
import { onlyVectors } from '../../embedding/provider.ts';
import { toCandidates, type Candidates } from '../../store/candidates.ts';
import type { ContextStore, SearchRequest, TermStatistics } from '../../store/store.ts';
import { joinCandidates } from './joined-candidates.ts';
import type { QueryPlan } from './query-plan.ts';
import type { Settings } from '../../config/settings.ts';

export interface LevelSearchDeps {
  readonly store: ContextStore;
  readonly embedding: CachedEmbeddingProvider;
  readonly clock: Clock;
  readonly settings: Settings['hirag'];
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
      const [vector] = onlyVectors(await embedding.embed([owned], 'query', signal));
      return vector === undefined ? { cached } : { vector, cached };
    } catch (error) {
      return { cached: false, error: toCodedError(error) };
    }
  }

  /** Every level's answer, in the order of `plan.levels`, by words alone where there is no vector. Never rejects. */
  search(plan: QueryPlan, embedded: QueryVector, signal: AbortSignal | undefined): Promise<SearchAnswer> {
    return this.#search(plan, plan.levels, embedded, signal);
  }

  async #search(
    plan: QueryPlan,
    levels: readonly Level[],
    embedded: QueryVector,
    signal: AbortSignal | undefined,
  ): Promise<SearchAnswer> {
    try {
      const { vector, error: embeddingError } = searchable(plan, embedded);
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
            ...(because === undefined ? {} : { error: because }),
          };
        }),
        candidates: result.candidates,
        statistics: result.statistics,
      };
    } catch (error) {
      if (levels.length === 1 || signal?.aborted === true) return failed(levels, error);
      // One of them may have failed for all: asked by itself, each fails alone.
      return joined(plan, await Promise.all(levels.map((level) => this.#search(plan, [level], embedded, signal))));
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
