// A search of several levels out of two round trips: hits of both sides with the counts of the namespace, then who stands
// around them. Scores are made here, so that they are the same whatever the driver ranks by.

import { NO_LENGTHS } from '../../base/text/bm25.ts';
import { LEVELS, type Filter, type Level } from '../../base/context.ts';
import { type AskedTraits, type Candidate, flagsOfTraits, toCandidates } from '../candidates.ts';
import type {
  Features,
  Hit,
  HitRecord,
  HitRequest,
  LevelHits,
  Neighbour,
  Question,
  Reach,
  StoreDriver,
  Surroundings,
} from '../driver.ts';
import type { LevelFindings, SearchRequest, SearchResult, TermStatistics } from '../store.ts';
import { hostsAmong } from '../neighbour-hosts.ts';
import { termColumns } from '../term-columns.ts';
import { joinTerm } from '../term-forms.ts';
import type { EmptyLevels } from './empty-levels.ts';
import { distinctHits } from './distinct-hits.ts';
import { cosineWith, medianOf, TermScorer } from './features.ts';
import { surroundings } from './neighbours.ts';

/** What is known of a context that was found. */
interface Known {
  readonly record: HitRecord;
  readonly features: Features;
  readonly direct: boolean;
  previousId: string | null;
  nextId: string | null;
}

interface Sides {
  readonly nearest: readonly LevelHits[];
  readonly matching: readonly LevelHits[];
  readonly searched: readonly number[];
  /** Levels that hold contexts within reach: in no other is anybody's neighbour. */
  readonly inhabited: readonly Level[];
  readonly statistics: TermStatistics;
}

export interface SearchDeps {
  readonly driver: StoreDriver;
  readonly emptyLevels: EmptyLevels;
}

export async function searchLevels(
  deps: SearchDeps,
  request: SearchRequest,
  signal: AbortSignal | undefined,
): Promise<SearchResult> {
  const { vector, terms } = request;
  const question: Question = { terms, ...(vector === undefined ? {} : { vector }) };
  const sides = await bothSides(deps, request, question, signal);
  const levels = request.levels.map((_, i) => findingsOf(sides, i, question));
  const [first] = levels;
  if (first?.error !== undefined && levels.every(({ error }) => error !== undefined)) throw first.error;
  const { documentFrequencies, ...totals } = sides.statistics;
  const weights = terms.map(({ weight }) => weight);
  const columns = termColumns(weights, documentFrequencies, totals.documentCount, request.termsMax ?? terms.length);
  const scorer = new TermScorer(terms, sides.statistics, columns);
  const known = await withNeighbours(deps.driver, request, question, sides, scorer, signal);
  const asked = { names: new Set(request.names), dates: request.dates ?? [] };
  const candidates = [...known.values()].map((one) => candidateOf(one, asked, question, scorer));
  return {
    candidates: toCandidates(candidates, columns.count),
    levels,
    terms: columns.own,
    statistics: { ...totals, documentFrequencies: columns.own.map((place) => documentFrequencies[place] ?? 0) },
  };
}

async function bothSides(
  { driver, emptyLevels }: SearchDeps,
  request: SearchRequest,
  question: Question,
  signal: AbortSignal | undefined,
): Promise<Sides> {
  const { namespace, agentId, sessionId, includeSessionless, levels, nowMs } = request;
  const owner = {
    ...(agentId === undefined ? {} : { agentId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    includeSessionless,
  };
  const { time } = request;
  const asked = restrictionOf(request);
  const restricted = { ...(asked && { filter: asked }), ...(time && { time }) };
  const reach = { namespace, ...owner };
  const ask = (some: readonly Level[]): Promise<Found> =>
    hitsIn(driver, request, { ...reach, ...restricted, levels: some, question, nowMs }, signal);
  const expected = emptyLevels.of(reach);
  const [found, { counts, statistics }] = await Promise.all([
    ask(levels.filter((level) => !expected.has(level))),
    driver.counts({
      // Whoever stands beside a hit has its agent and its session, and so is within reach of the question, too.
      reaches: LEVELS.map((level): Reach => ({ ...reach, levels: [level], nowMs })),
      statistics: { namespace, terms: question.terms.map(joinTerm) },
    }),
  ]);
  emptyLevels.note(reach, counts);
  const countOf = (level: Level): number => counts[LEVELS.indexOf(level)] ?? 0;
  const late = await ask(levels.filter((level) => expected.has(level) && countOf(level) > 0));
  const of = (side: keyof Found): LevelHits[] =>
    levels.map((level) => found[side].get(level) ?? late[side].get(level) ?? { hits: [] });
  return {
    nearest: of('nearest'),
    matching: of('matching'),
    searched: levels.map(countOf),
    inhabited: LEVELS.filter((level) => countOf(level) > 0),
    statistics: statistics ?? {
      documentCount: 0,
      ...NO_LENGTHS,
      documentFrequencies: question.terms.map(() => 0),
    },
  };
}

function restrictionOf({ filter, createdWithin }: SearchRequest): Filter | undefined {
  if (createdWithin === undefined) return filter;
  return {
    ...(filter && { must: [filter] }),
    should: createdWithin.map(({ fromMs, untilMs }) => ({ key: 'created_at', range: { gte: fromMs, lt: untilMs } })),
  };
}

/** Of the levels that were asked. */
interface Found {
  readonly nearest: ReadonlyMap<Level, LevelHits>;
  readonly matching: ReadonlyMap<Level, LevelHits>;
}

async function hitsIn(
  driver: StoreDriver,
  request: SearchRequest,
  asked: Omit<HitRequest, 'count'>,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const { question, levels } = asked;
  const side = async (isAsked: boolean, ask: (count: number) => Promise<LevelHits[]>) => {
    const hits = isAsked && levels.length > 0 ? await hitsOf(request, ask) : [];
    return new Map(hits.map((ofLevel, i) => [levels[i] as Level, ofLevel]));
  };
  const samples = request.denseSamples;
  const [nearest, matching] = await Promise.all([
    side(question.vector !== undefined, (count) => driver.nearest({ ...asked, count, samples }, signal)),
    side(question.terms.length > 0, (count) => driver.matching({ ...asked, count }, signal)),
  ]);
  return { nearest, matching };
}

function hitsOf(
  { candidates, distinct = false }: SearchRequest,
  ask: (count: number) => Promise<LevelHits[]>,
): Promise<LevelHits[]> {
  return distinct ? distinctHits(candidates, ask) : ask(candidates);
}

function findingsOf({ nearest, matching, searched }: Sides, place: number, question: Question): LevelFindings {
  const error = nearest[place]?.error ?? matching[place]?.error;
  // Of a context without a vector it is exactly 0, and says nothing of texts.
  const sample = (nearest[place]?.sample ?? []).map((dense) => cosineWith(question, dense) ?? 0).filter(Boolean);
  return {
    searched: searched[place] ?? 0,
    denseMedian: medianOf(sample),
    ...(error === undefined ? {} : { error }),
  };
}

async function withNeighbours(
  driver: StoreDriver,
  request: SearchRequest,
  question: Question,
  { nearest, matching, inhabited }: Sides,
  scorer: TermScorer,
  signal: AbortSignal | undefined,
): Promise<Map<string, Known>> {
  const { namespace, nowMs, time, neighbours } = request;
  const filter = restrictionOf(request);
  const found = [...nearest, ...matching].flatMap((level) => level.hits);
  const hits = new Map(found.map((hit): [string, Hit] => [hit.record.id, hit]));
  const hosts = hostsOf(request, question, { nearest, matching }, scorer);
  const reachOf = ({ record }: Hit): number => (hosts.has(record.id) ? neighbours : 0);
  const around = await surroundings(
    driver,
    [...hits.values()],
    { namespace, levels: inhabited, question, nowMs, reachOf, ...(filter && { filter }), ...(time && { time }) },
    signal,
  );

  const known = new Map<string, Known>();
  [...hits.values()].forEach((hit, i) => {
    const { before, after } = around[i] as Surroundings;
    const previousId = before[0]?.record.id ?? null;
    const nextId = after[0]?.record.id ?? null;
    known.set(hit.record.id, { record: hit.record, features: hit.features, direct: true, previousId, nextId });
  });
  [...hits.values()].forEach((hit, i) => {
    const { before, after } = around[i] as Surroundings;
    const reach = reachOf(hit);
    const chain = [...before.toReversed(), { ...hit, passes: true }, ...after];
    for (let at = 0; at < chain.length; at++) {
      const one = chain[at] as Neighbour;
      const distance = Math.abs(at - before.length);
      if (distance === 0 || distance > reach || known.has(one.record.id) || !one.passes) continue;
      const previousId = chain[at - 1]?.record.id ?? null;
      const nextId = chain[at + 1]?.record.id ?? null;
      known.set(one.record.id, { record: one.record, features: one.features, direct: false, previousId, nextId });
    }
  });
  return known;
}

/** Ids of those whose neighbours come along. */
function hostsOf(
  { neighbourHosts = Infinity, denseNeighbours = true }: SearchRequest,
  question: Question,
  { nearest, matching }: Pick<Sides, 'nearest' | 'matching'>,
  scorer: TermScorer,
): ReadonlySet<string> {
  const among = (side: readonly LevelHits[], scoreOf: (features: Features) => number): string[] => {
    const best = side.flatMap(({ hits }) =>
      hostsAmong(hits, neighbourHosts, ({ record, features }) => ({ ...record, score: scoreOf(features) })),
    );
    return best.map(({ record }) => record.id);
  };
  const byWords = among(matching, (features) => scorer.scores(features).reduce((sum, score) => sum + score, 0));
  if (!denseNeighbours && scorer.knowsAny) return new Set(byWords);
  return new Set([...byWords, ...among(nearest, ({ dense }) => cosineWith(question, dense) ?? 0)]);
}

function candidateOf(known: Known, asked: AskedTraits, question: Question, scorer: TermScorer): Candidate {
  const { record, features, direct, previousId, nextId } = known;
  return {
    id: record.id,
    level: record.level,
    createdAtMs: record.createdAtMs,
    accessCount: record.accessCount,
    tokenCount: record.tokenCount,
    dense: cosineWith(question, features.dense),
    termScores: scorer.scores(features),
    traitFlags: flagsOfTraits(features.traits, record, asked),
    direct,
    previousId,
    nextId,
  };
}
