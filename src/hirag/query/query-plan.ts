import type { Clock } from '../../base/clock.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import type { QueryAnalysis } from '../../base/text/analyzer.ts';
import type { EmbeddingProvider } from '../../embedding/provider.ts';
import { askedTime, type AskedTime } from '../../base/text/asked-time.ts';
import { isNow, spanOf } from '../../base/text/time-spans.ts';
import { toldTimes } from '../../base/text/told-times.ts';
import { checkFilter } from '../../store/filter.ts';
import type { Scope } from '../../store/store.ts';
import type { AdmissionRules } from '../rank/admission.ts';
import type { AnswerRules } from './answer.ts';
import { sharesOf } from './budget.ts';
import { withNearTerms, type SoughtTerm } from './near-terms.ts';
import type { NearWords } from '../../base/text/near-words.ts';
import { clientVector } from '../client-vector.ts';
import type { LevelPolicy } from '../tiers/level-policy.ts';
import { denseRules } from '../rank/similarity.ts';
import { analyzeQuestion } from './question.ts';
import type { Settings } from '../../config/settings.ts';
import { timeView } from '../time-view.ts';
import type { QueryInput, WeightsInput } from '../types.ts';

/** A query as it will be run: checked, defaults filled in. */
export interface QueryPlan {
  readonly scope: Scope;
  /** Highest first; at least one. */
  readonly levels: readonly Level[];
  /** To be embedded; undefined: there is no text, or the dense side counts nothing, so that no vector is made or compared. */
  readonly embedText: string | undefined;
  readonly analysis: QueryAnalysis;
  /** That it asks about, where it says little else. */
  readonly time: AskedTime | undefined;
  /** Its terms, and behind them those that mean about the same. */
  readonly terms: readonly SoughtTerm[];
  /** The client's own embedding, normalised, where it counts. */
  readonly vector: Float32Array | undefined;
  /** Asked for from each side of each level. */
  readonly candidates: number;
  /** Of the nearest, so many the answer can hold. */
  readonly surely: number;
  readonly admission: AdmissionRules;
  readonly rules: AnswerRules;
  readonly explain: boolean;
  /** In place of the configured ones. */
  readonly weights: Settings['hirag']['weights'] | undefined;
  /** What was created then is as young as can be. */
  readonly recencyAtMs: number;
  readonly excluded: ReadonlySet<string> | undefined;
  readonly leavesOut: QueryInput['leavesOut'];
}

/** Tokens of a short context: no budget holds many more than it has room for of these. */
const SHORT_CONTEXT_TOKENS = 12;

/** Who asks by a vector alone wants the nearest: so many times what fits are enough for those that repeat others or are older, */
const NEAREST_SHARE = 2;
/** and no fewer than this. */
const NEAREST_MIN = 8;

/** What is excluded may be among the best: so many candidates more are asked for, one for each. */
const EXCLUDED_MAX = 1_000;

export interface PlanDeps {
  readonly settings: Settings['hirag'];
  readonly policy: LevelPolicy;
  readonly embedding: Pick<EmbeddingProvider, 'dimension' | 'kind'>;
  readonly turns: LoopTurns;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Absent: words are looked for as they are. */
  readonly nearWords?: NearWords | undefined;
}

const NO_ANALYSIS: QueryAnalysis = { terms: [], names: new Set(), dates: [], asksWhen: false, core: '' };

/** Throws `BAD_REQUEST` where the query cannot be run as it stands. */
export async function planQuery(
  input: QueryInput,
  { settings, policy, embedding, turns, clock, nearWords }: PlanDeps,
  signal: AbortSignal | undefined,
): Promise<QueryPlan> {
  if (input.query === undefined && input.embedding === undefined) {
    throw badRequest('/query', 'is required without embedding', 'a query needs `query` or `embedding`');
  }
  if (input.filter !== undefined) checkFilter(input.filter);
  const vector = input.embedding === undefined ? undefined : clientVector(input.embedding, embedding.dimension);
  const levels = levelsOf(input.levels, policy);
  const nowMs = clock.nowMs();
  const askedAtMs = input.asOfMs ?? nowMs;
  const { analysis, time } = await analysisOf(input.query, askedAtMs, turns, signal);
  const maxTokens = input.maxTokens ?? settings.maxContextTokens;
  const limit = input.limit ?? settings.queryLimit;
  const fitting = Math.min(limit, Math.ceil(maxTokens / SHORT_CONTEXT_TOKENS));
  const excluded = Math.min(input.excludedIds?.size ?? 0, EXCLUDED_MAX);
  const { share, alone } = denseRules(settings.fusion, embedding.kind);
  const denseCounts = share > 0 || alone > 0;
  return {
    scope: scopeOf(input, nowMs),
    levels,
    embedText: denseCounts && vector === undefined && input.query !== undefined ? analysis.core : undefined,
    analysis,
    time,
    terms:
      nearWords === undefined || input.query === undefined
        ? analysis.terms
        : withNearTerms(input.query, analysis.terms, nearWords, settings.fusion.nearWordWeight),
    // Without words it is all that there is, whatever its share.
    vector: denseCounts || analysis.terms.length === 0 ? vector : undefined,
    candidates: candidatesOf(fitting, analysis, settings) + excluded,
    surely: fitting + excluded,
    admission: admissionOf(input, settings),
    rules: {
      maxTokens,
      limit,
      shares: sharesOf(input.priority ?? settings.retrievalStrategy),
      minContextsPerLevel: settings.minContextsPerLevel,
      nearDuplicateThreshold: settings.nearDuplicateThreshold,
    },
    explain: input.explain ?? false,
    weights: input.weights === undefined ? undefined : weightsOf(input.weights),
    recencyAtMs: askedAtMs,
    excluded: input.excludedIds,
    leavesOut: input.leavesOut,
  };
}

/** With the times that the question tells of from the moment on at which it is asked: last Friday, two weeks ago. */
async function analysisOf(
  query: string | undefined,
  askedAtMs: number,
  turns: LoopTurns,
  signal: AbortSignal | undefined,
): Promise<Pick<QueryPlan, 'analysis' | 'time'>> {
  if (query === undefined) return { analysis: NO_ANALYSIS, time: undefined };
  const analysis = await analyzeQuestion(query, turns, signal);
  const told = toldTimes(query);
  const time = askedTime(analysis.core, told, analysis.dates, askedAtMs);
  const spans = time?.spans ?? told.flatMap((each) => (isNow(each) ? [] : (spanOf(each, askedAtMs) ?? [])));
  if (spans.length === 0) return { analysis, time };
  return { analysis: { ...analysis, dates: [...analysis.dates, ...spans.map((span) => ({ span }))] }, time };
}

function candidatesOf(fitting: number, { terms }: QueryAnalysis, { candidates }: Settings['hirag']): number {
  const usual = Math.max(candidates, fitting);
  return terms.length > 0 ? usual : Math.min(usual, Math.max(NEAREST_MIN, NEAREST_SHARE * fitting));
}

/** A threshold of the query's own, of the score, says all: what reaches it is in, and nothing else. */
function admissionOf({ relevanceThreshold: own }: QueryInput, settings: Settings['hirag']): AdmissionRules {
  if (own !== undefined) return { threshold: own, minSimilarity: 0, standInSimilarity: 0, keptPerLevel: 0 };
  return {
    threshold: 0,
    minSimilarity: Math.max(settings.relevanceThreshold, settings.minSimilarity),
    standInSimilarity: settings.minSimilarity,
    keptPerLevel: settings.minContextsPerLevel,
  };
}

/** Those not named count nothing. Throws `BAD_REQUEST` where nothing counts. */
function weightsOf({ similarity = 0, recency = 0, level = 0, frequency = 0 }: WeightsInput): Required<WeightsInput> {
  if (similarity + recency + level + frequency > 0) return { similarity, recency, level, frequency };
  throw badRequest('/weights', 'must not all be 0');
}

function scopeOf(input: QueryInput, nowMs: number): Scope {
  return {
    namespace: input.namespace,
    ...(input.agentId === undefined ? {} : { agentId: input.agentId }),
    ...(input.sessionId === undefined ? {} : { sessionId: input.sessionId }),
    ...(input.filter === undefined ? {} : { filter: input.filter }),
    time: timeView(input, nowMs),
  };
}

function levelsOf(asked: readonly Level[] | undefined, policy: LevelPolicy): readonly Level[] {
  if (asked === undefined || asked.length === 0) return policy.enabled;
  for (const level of asked) policy.check(level, '/levels');
  return LEVELS.filter((level) => asked.includes(level));
}
