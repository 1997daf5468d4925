import type { NearWords } from '../../base/text/near-words.ts';
import { orAbort, throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import { toCodedError, type CodedError } from '../../base/errors.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import type { Metrics } from '../../base/metrics.ts';
import { inStage } from '../../base/request-scope.ts';
import type { CachedEmbeddingProvider } from '../../embedding/cache.ts';
import { meaningShareOf } from '../../embedding/meaning-share.ts';
import type { ContextStore } from '../../store/store.ts';
import type { AccessCounts } from '../tiers/access-counts.ts';
import { admit, type Admission } from '../rank/admission.ts';
import { holds } from '../../store/times.ts';
import { timeView } from '../time-view.ts';
import { answerable, type AnswerPlaces } from './answerable.ts';
import { assemble, type Answer, type Fetched, type FetchRecords } from './answer.ts';
import type { LevelPolicy } from '../tiers/level-policy.ts';
import { LevelSearch, type LevelAnswer, type QueryVector, type SearchAnswer } from './level-search.ts';
import { LEVEL_OFF, type UnsearchedLevels } from '../tiers/unsearched-levels.ts';
import { planQuery, type QueryPlan } from './query-plan.ts';
import { compareRank, type Ranked } from '../rank/ranking.ts';
import type { Settings } from '../../config/settings.ts';
import { attainableScore, similarities, type Comparison } from '../rank/similarity.ts';
import type { CallOptions, QueryInput, QueryOutcome, RankedContext, Receipt } from '../types.ts';

export interface RetrievalDeps {
  readonly store: ContextStore;
  readonly embedding: CachedEmbeddingProvider;
  readonly accessCounts: AccessCounts;
  readonly policy: LevelPolicy;
  readonly unsearched: UnsearchedLevels;
  readonly settings: Settings['hirag'];
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** For what a query takes of this thread at a time. */
  readonly turns: LoopTurns;
  readonly nearWords?: NearWords | undefined;
}

/** Candidates that are compared, ranked and packed in one go; with more, others get their turn between. */
const RANKED_AT_ONCE = 4_000;

/** From a query to its answer: embed and search, rank, assemble within the budget. */
export class Retrieval {
  readonly #deps: RetrievalDeps;
  readonly #search: LevelSearch;

  constructor(deps: RetrievalDeps) {
    this.#deps = deps;
    this.#search = new LevelSearch(deps);
  }

  /** Throws only where the query cannot be run (`BAD_REQUEST`) or every level that it asked for failed. */
  async query(input: QueryInput, options: CallOptions = {}): Promise<QueryOutcome> {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    const plan = await inStage('plan', () => planQuery(input, this.#deps, options.signal));
    throwIfAborted(options.signal);

    const embedded = await this.#timed('embed', startedMs, this.#search.embed(plan, options));
    // Asked in the same tick, so that both travel in one message.
    const unsearched = input.levels === undefined ? this.#unsearched(input.namespace, options) : undefined;
    const found = await this.#timed('search', startedMs, this.#search.search(plan, embedded, options.signal));
    failWhereAllFailed(found.levels, new Map());

    const rankingMs = clock.monotonicMs();
    const { admission, cosines } = await inStage('rank', () => this.#rank(plan, found, embedded));
    const fetch: FetchRecords = (ids) => this.#fetch(plan, ids, found.records, options.signal);
    if (found.candidates.columns.count > RANKED_AT_ONCE) await this.#deps.turns.next();
    const answer = await inStage('assemble', () => assemble(admission.admitted, plan.rules, fetch, this.#deps.turns));
    if (answer.included.length === 0) failWhereAllFailed(found.levels, answer.lost);
    this.#observe('rank', rankingMs);
    const degraded = this.#degraded(found.levels, answer, (await unsearched) ?? []);
    const evidence = { cosines, nearWords: this.#deps.nearWords, time: plan.time };
    const judged = answerable(found, answerPlaces(admission, answer), evidence);
    const outcome = { ...this.#outcome(plan, found, admission, answer, embedded, startedMs), answerable: judged };
    if (options.isLook !== true) this.#countAccesses(plan, answer);
    const told = { ...outcome, degraded };
    const asksForPast = plan.explain && input.includePast !== true && found.levels.some(({ hasEnds }) => hasEnds);
    return asksForPast ? this.#withPast(input, told, options) : told;
  }

  /** Receipts of what the same query would hold, too, if it asked for the past; none where that cannot be told. */
  async #withPast(input: QueryInput, outcome: QueryOutcome, options: CallOptions): Promise<QueryOutcome> {
    const asked = { ...input, includePast: true, explain: false };
    const { contexts } = await this.query(asked, { ...options, isLook: true }).catch(() => ({ contexts: [] }));
    const view = timeView(input, this.#deps.clock.nowMs());
    const past = contexts
      .filter(({ record }) => !holds(record, view))
      .map(({ record, relevanceScore, scores }): Receipt => {
        const { id, level, tokenCount } = record;
        return { id, level, scores, relevanceScore, tokenCount, outcome: 'past' };
      });
    const receipts = [...(outcome.receipts ?? []), ...past];
    return { ...outcome, receipts: receipts.sort((a, b) => b.relevanceScore - a.relevanceScore) };
  }

  /** None where that does not come in time: it is only told beside the answer. */
  #unsearched(namespace: string, { signal }: CallOptions): Promise<readonly Level[]> {
    return orAbort(this.#deps.unsearched.of(namespace), signal).catch(() => []);
  }

  /** Similarity over the candidates of all levels, also neighbours in levels not asked for; of those asked for, the rank. */
  async #rank(plan: QueryPlan, found: SearchAnswer, embedded: QueryVector): Promise<Rank> {
    const { settings, embedding, accessCounts, turns } = this.#deps;
    const { candidates } = found;
    const compared = similarities(
      candidates.columns,
      comparisonOf(plan, found, embedding.kind, embedded),
      settings.fusion,
    );
    if (candidates.columns.count > RANKED_AT_ONCE) await turns.next();
    const contest = {
      candidates,
      similarities: compared,
      levels: plan.levels,
      nowMs: plan.recencyAtMs,
      pendingAccesses: accessCounts.pendingIn(plan.scope.namespace),
      explain: plan.explain,
      excluded: plan.excluded,
    };
    const weighed = plan.weights === undefined ? settings : { ...settings, weights: plan.weights };
    return { admission: admit(contest, plan.admission, weighed), cosines: compared.cosines };
  }

  /** `come`: what has come with the search. */
  async #fetch(
    { scope: { namespace }, leavesOut }: QueryPlan,
    ids: readonly string[],
    come: SearchAnswer['records'],
    signal: AbortSignal | undefined,
  ): Promise<Fetched> {
    const { store, clock } = this.#deps;
    const missing = come === undefined ? ids : ids.filter((id) => !come.has(id));
    const fetched = new Map(come);
    let failure: CodedError | undefined;
    try {
      const records = missing.length === 0 ? [] : await orAbort(store.fetch(namespace, missing, clock.nowMs()), signal);
      for (const record of records) if (record !== null) fetched.set(record.id, record);
    } catch (error) {
      failure = toCodedError(error);
    }
    const records = ids.map((id) => {
      const record = fetched.get(id);
      return record === undefined || leavesOut?.(record) === true ? null : record;
    });
    return failure === undefined ? { records } : { records, error: failure };
  }

  #countAccesses({ scope }: QueryPlan, { included }: Answer): void {
    // What fills a place was not looked for; counted, it would fill that place for ever.
    const wanted = included.filter(({ ranked }) => !ranked.isFiller);
    this.#deps.accessCounts.returned(
      scope.namespace,
      wanted.map(({ record }) => record.id),
    );
  }

  #outcome(
    plan: QueryPlan,
    found: SearchAnswer,
    admission: Admission,
    answer: Answer,
    embedded: QueryVector,
    startedMs: number,
  ): Omit<QueryOutcome, 'degraded' | 'answerable'> {
    const { accessCounts, clock, metrics } = this.#deps;
    metrics.count('query_returned_tokens_total', undefined, answer.totalTokens);
    metrics.count('query_budget_tokens_total', undefined, plan.rules.maxTokens);
    const contexts = answer.included.map(
      ({ ranked: { relevanceScore, scores }, record }): RankedContext => ({
        record: accessCounts.merged(record),
        relevanceScore,
        scores,
      }),
    );
    return {
      contexts,
      totalTokens: answer.totalTokens,
      retrievalTimeMs: clock.monotonicMs() - startedMs,
      levelDistribution: distribution(contexts),
      avgRelevance: average(contexts.map((context) => context.relevanceScore)),
      cacheHits: embedded.cached ? 1 : 0,
      totalSearched: found.levels.reduce((total, { searched }) => total + searched, 0),
      allocations: answer.allocations,
      belowThreshold: admission.standsIn && contexts.length > 0,
      ...(plan.explain ? { receipts: receiptsOf(admission, answer) } : {}),
    };
  }

  /** One entry per level that had to be done without, in whole or in part. */
  #degraded(
    levels: readonly LevelAnswer[],
    answer: Answer,
    unsearched: readonly Level[],
  ): { level: Level; code: string }[] {
    const degraded: { level: Level; code: string }[] = unsearched.map((level) => ({ level, code: LEVEL_OFF }));
    for (const { level, error } of levels) {
      const code = (error ?? answer.lost.get(level))?.code;
      if (code !== undefined) degraded.push({ level, code });
    }
    for (const labels of degraded) this.#deps.metrics.count('query_degraded_total', labels);
    return degraded.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
  }

  async #timed<T>(stage: string, startedMs: number, work: Promise<T>): Promise<T> {
    const result = await work;
    this.#observe(stage, startedMs);
    return result;
  }

  #observe(stage: string, startedMs: number): void {
    const { clock, metrics } = this.#deps;
    metrics.observe('query_stage_duration_seconds', (clock.monotonicMs() - startedMs) / 1000, { stage });
  }
}

interface Rank {
  readonly admission: Admission;
  /** `Similarities.cosines` */
  readonly cosines: Float64Array;
}

/** Throws the highest level's error where no level has anything to answer with. */
function failWhereAllFailed(levels: readonly LevelAnswer[], lost: ReadonlyMap<Level, CodedError>): void {
  const failures = levels.map(({ level, answered, error }) => (answered ? lost.get(level) : error));
  const [first] = failures;
  if (first !== undefined && failures.every((failure) => failure !== undefined)) throw first;
}

/** Fewer vectors than this have no median that says anything about unrelated texts. */
const FLOOR_SAMPLE_MIN = 32;

function comparisonOf(
  plan: QueryPlan,
  { levels, terms, statistics }: SearchAnswer,
  kind: Comparison['kind'],
  { vector }: QueryVector,
): Comparison {
  let floor = 0;
  let sampled = 0;
  for (const { denseMedian, searched } of levels) {
    if (denseMedian === null) continue;
    floor += denseMedian * searched;
    sampled += searched;
  }
  return {
    query: plan.analysis,
    time: plan.time,
    attainable: statistics === null ? 0 : attainableScore(terms, statistics),
    kind,
    searched: levels.reduce((total, { searched }) => total + searched, 0),
    meaningShare: kind === 'blended' && vector !== undefined ? meaningShareOf(vector) : 1,
    denseFloor: sampled < FLOOR_SAMPLE_MIN ? null : floor / sampled,
  };
}

/** So many of the best that did not fit say, with the answer, whether something stored is about the question. */
const CUT_MAX = 3;

function answerPlaces({ admitted }: Admission, { included, outcomes }: Answer): AnswerPlaces {
  const last = outcomes.lastIndexOf('included');
  const passed = admitted.filter((_, i) => outcomes[i] === 'over_budget' && (last < 0 || i < last));
  const placeOf = ({ place }: Ranked): number => place;
  return {
    included: included.map(({ ranked }) => ranked.place),
    cut: passed.slice(0, CUT_MAX).map(placeOf),
  };
}

function distribution(contexts: readonly RankedContext[]): Record<Level, number> {
  const counts = { immediate: 0, short_term: 0, long_term: 0 };
  for (const { record } of contexts) counts[record.level]++;
  return counts;
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
}

/** In rank order, those that were not admitted at their places among the others. */
function receiptsOf({ admitted, belowThreshold }: Admission, answer: Answer): Receipt[] {
  const outcomes = new Map(admitted.map((candidate, i) => [candidate, answer.outcomes[i] ?? null]));
  for (const candidate of belowThreshold) outcomes.set(candidate, 'below_threshold');
  return [...outcomes.keys()].sort(compareRank).flatMap((candidate) => {
    const { id, level, scores, relevanceScore, tokenCount } = candidate;
    const outcome = outcomes.get(candidate) ?? null;
    return outcome === null ? [] : [{ id, level, scores, relevanceScore, tokenCount, outcome }];
  });
}
