import { orAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { Level } from '../../base/context.ts';
import { toCodedError, type CodedError } from '../../base/errors.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import type { CachedEmbeddingProvider } from '../../embedding/cache.ts';
import { PassageEmbedder } from '../../embedding/passage-embedder.ts';
import { joinCandidates, toCandidates, type Candidates } from '../../store/candidates.ts';
import type { FirstTextsBounds } from '../../store/first-texts.ts';
import type { ContextStore, QueryTerm, SearchRequest, SearchResult, TermStatistics } from '../../store/store.ts';
import { searchesOfTime } from './time-search.ts';
import { lendNearScores, type SoughtTerm } from './near-terms.ts';
import type { QueryPlan } from './query-plan.ts';
import type { Settings } from '../../config/settings.ts';
import { inShareOfTime } from '../share-of-time.ts';
import type { CallOptions } from '../types.ts';

export interface LevelSearchDeps {
  readonly store: ContextStore;
  readonly embedding: CachedEmbeddingProvider;
  readonly clock: Clock;
  readonly settings: Settings['hirag'];
  readonly turns: LoopTurns;
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
  /** `LevelFindings.hasEnds` */
  readonly hasEnds: boolean;
  readonly error?: CodedError;
}

/** What levels answered together. */
export interface SearchAnswer {
  readonly levels: readonly LevelAnswer[];
  /** Of all levels, each once, and their neighbours. */
  readonly candidates: Candidates;
  /** Those that the search went by, in the order of the candidates' term scores. */
  readonly terms: readonly QueryTerm[];
  /** Of these; null where no level answered. */
  readonly statistics: TermStatistics | null;
  /** Places among the term scores where a word stands for the question's own, which is not there. */
  readonly lentAlone: ReadonlySet<number>;
  /** `SearchResult.records` */
  readonly records?: SearchResult['records'];
}

/** Terms that a search goes by. A question has a dozen; a pasted page has hundreds, each of which costs every candidate. */
const TERMS_MAX = 64;

/** More hits that bring their neighbours find no more (`npm run bench:retrieval`), and each makes four to compare. */
const NEIGHBOUR_HOSTS = 10;
const NOTHING_LENT: ReadonlySet<number> = new Set();

/** Texts that come with a search: about as many as a budget of 4,000 tokens holds. */
const FIRST_TEXTS_MAX = 64;

/** Asks the levels, all in one call; no failure of one touches another. */
export class LevelSearch {
  readonly #deps: LevelSearchDeps;
  readonly #embedder: PassageEmbedder;

  constructor(deps: LevelSearchDeps) {
    this.#deps = deps;
    this.#embedder = new PassageEmbedder(deps.embedding, deps.turns);
  }

  /** Never rejects: without a vector the levels still answer by words. */
  async embed(plan: QueryPlan, options: CallOptions): Promise<QueryVector> {
    if (plan.vector !== undefined) return { vector: plan.vector, cached: false };
    if (plan.embedText === undefined) return { cached: false };
    const { embedding, clock } = this.#deps;
    const parts = this.#embedder.questionParts({ namespace: plan.scope.namespace, text: plan.embedText });
    const cached = parts.every((owned) => embedding.has(owned, 'query'));
    try {
      const ask = (signal: AbortSignal | undefined): Promise<Float32Array> => this.#embedder.question(parts, signal);
      // Those who make vectors in this process are never away.
      const isQuick = cached || embedding.kind !== 'semantic';
      const vector = isQuick ? await ask(options.signal) : await inShareOfTime(options, clock, Infinity, ask);
      return { vector, cached };
    } catch (error) {
      return { cached: false, error: toCodedError(error) };
    }
  }

  /** Every level's answer, in the order of `plan.levels`, by words alone where there is no vector. Never rejects. */
  async search(plan: QueryPlan, embedded: QueryVector, signal: AbortSignal | undefined): Promise<SearchAnswer> {
    try {
      const { vector, error: embeddingError } = searchable(plan, embedded);
      const { result, partly } = await orAbort(this.#ask(plan, vector, signal), signal);
      return {
        levels: result.levels.map(({ searched, denseMedian, hasEnds = true, error }, i): LevelAnswer => {
          const because = error ?? partly[i] ?? embeddingError;
          const level = plan.levels[i] as Level;
          const answered = error === undefined;
          return {
            level,
            answered,
            searched,
            denseMedian,
            hasEnds,
            ...(because === undefined ? {} : { error: because }),
          };
        }),
        candidates: result.candidates,
        ...ownTerms(plan, result),
        statistics: result.statistics,
        records: result.records,
      };
    } catch (error) {
      return failed(plan.levels, error);
    }
  }

  /** What is of the time that the question names is searched for beside the rest, in the same message. */
  async #ask(plan: QueryPlan, vector: Float32Array | undefined, signal: AbortSignal | undefined): Promise<Asked> {
    const { store } = this.#deps;
    const request = this.#request(plan, vector);
    if (plan.time === undefined) return { result: await store.search(request, signal), partly: [] };
    // Each may have found who stands beside what another one found.
    const named = { ...request, namesNeighbours: true };
    const requests = [named, ...searchesOfTime(plan.time, named)];
    const [result, ...ofTime] = await Promise.allSettled(requests.map((each) => store.search(each, signal)));
    if (result?.status !== 'fulfilled') throw result?.reason;
    return ofTime.reduce(joined, { result: result.value, partly: [] });
  }

  #request(plan: QueryPlan, vector: Float32Array | undefined): SearchRequest {
    const { settings, clock, embedding } = this.#deps;
    return {
      ...plan.scope,
      levels: plan.levels,
      includeSessionless: true,
      ...(vector === undefined ? {} : { vector }),
      terms: plan.terms,
      termsMax: TERMS_MAX,
      names: [...plan.analysis.names],
      dates: plan.analysis.dates,
      denseSamples: embedding.kind !== 'lexical' ? settings.fusion.denseFloorSamples : 0,
      candidates: plan.candidates,
      surely: plan.surely,
      distinct: true,
      // They lend words, and nothing to a query that has none: it wants what is nearest.
      neighbours: plan.analysis.terms.length === 0 ? 0 : settings.fusion.neighbourWeights.length,
      neighbourHosts: NEIGHBOUR_HOSTS,
      denseNeighbours: embedding.kind === 'semantic',
      ...(plan.analysis.terms.length === 0 ? { texts: firstTexts(plan) } : {}),
      nowMs: clock.nowMs(),
    };
  }
}

interface Asked {
  readonly result: SearchResult;
  /** By level, what kept part of it from being found beside the result. */
  readonly partly: readonly (CodedError | undefined)[];
}

/** With the candidates of the other search. */
function joined({ result, partly }: Asked, other: PromiseSettledResult<SearchResult>): Asked {
  if (other.status === 'rejected') return { result, partly: result.levels.map(() => toCodedError(other.reason)) };
  const { candidates, levels } = other.value;
  return {
    result: { ...result, candidates: joinCandidates([result.candidates, candidates]) },
    partly: levels.map(({ error }, i) => partly[i] ?? error),
  };
}

/** Where nothing but nearness counts, and hardly anything beside it, the nearest are the answer. */
function firstTexts({ rules }: QueryPlan): FirstTextsBounds {
  return { count: Math.min(rules.limit, FIRST_TEXTS_MAX), tokensMax: rules.maxTokens };
}

/** With what near words scored lent to them; those stand behind them. */
function ownTerms(
  plan: QueryPlan,
  { terms, candidates, statistics }: SearchResult,
): Pick<SearchAnswer, 'terms' | 'lentAlone'> {
  const sought = terms.map((place) => plan.terms[place] as SoughtTerm);
  const lentAlone = statistics === null ? NOTHING_LENT : lendNearScores(candidates, sought, statistics);
  return { terms: sought.filter(({ nearTo }) => nearTo === undefined), lentAlone };
}

function failed(levels: readonly Level[], error: unknown): SearchAnswer {
  const coded = toCodedError(error);
  return {
    levels: levels.map((level) => ({
      level,
      answered: false,
      searched: 0,
      denseMedian: null,
      hasEnds: false,
      error: coded,
    })),
    candidates: toCandidates([], 0),
    terms: [],
    statistics: null,
    lentAlone: NOTHING_LENT,
  };
}

/** Throws the embedder's error where there are no words either. */
function searchable(plan: QueryPlan, embedded: QueryVector): QueryVector {
  const { vector, error } = embedded;
  if (vector === undefined && plan.analysis.terms.length === 0 && error !== undefined) throw error;
  return embedded;
}
