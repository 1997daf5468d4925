// A search of several levels out of two round trips: hits of both sides with the counts of the namespace, then who stands
// around them. Scores are made here, so that they are the same whatever the driver ranks by.

import { LEVELS, type Level } from '../../base/context.ts';
import { matchesFilter } from '../filter-match.ts';
import { type Candidate, toCandidates } from '../candidates.ts';
import type { Features, Hit, HitRecord, LevelHits, Question, Reach, StoreDriver } from '../driver.ts';
import type { LevelFindings, SearchRequest, SearchResult, TermStatistics } from '../store.ts';
import { termColumns } from '../term-columns.ts';
import { distinctHits } from './distinct-hits.ts';
import { cosineWith, medianOf, TermScorer } from './features.ts';
import { surroundings, type Neighbour, type Surroundings } from './neighbours.ts';

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
  /** Levels that hold contexts of the namespace: in no other is anybody's neighbour. */
  readonly inhabited: readonly Level[];
  readonly statistics: TermStatistics;
}

export async function searchLevels(
  driver: StoreDriver,
  request: SearchRequest,
  signal: AbortSignal | undefined,
): Promise<SearchResult> {
  const { vector, terms } = request;
  const question: Question = { terms, ...(vector === undefined ? {} : { vector }) };
  const sides = await bothSides(driver, request, question, signal);
  const levels = request.levels.map((_, i) => findingsOf(sides, i, question));
  const [first] = levels;
  if (first?.error !== undefined && levels.every(({ error }) => error !== undefined)) throw first.error;
  const { documentFrequencies, ...totals } = sides.statistics;
  const weights = terms.map(({ weight }) => weight);
  const columns = termColumns(weights, documentFrequencies, totals.documentCount, request.termsMax ?? terms.length);
  const scorer = new TermScorer(terms, sides.statistics, columns);
  const known = await withNeighbours(driver, request, question, sides, scorer, signal);
  const candidates = [...known.values()].map((one) => candidateOf(one, request, question, scorer));
  return {
    candidates: toCandidates(candidates, columns.count),
    levels,
    terms: columns.own,
    statistics: { ...totals, documentFrequencies: columns.own.map((place) => documentFrequencies[place] ?? 0) },
  };
}

async function bothSides(
  driver: StoreDriver,
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
  const filter = request.filter === undefined ? {} : { filter: request.filter };
  const asked = { namespace, ...owner, ...filter, levels, question, nowMs };
  const reaches = levels.map((level): Reach => ({ namespace, ...owner, levels: [level], nowMs }));
  // Of all owners, where those have not been counted anyway.
  const isOwned = agentId !== undefined || sessionId !== undefined;
  const others = LEVELS.filter((level) => isOwned || !levels.includes(level));
  const [nearest, matching, counted] = await Promise.all([
    question.vector === undefined
      ? []
      : hitsOf(request, (count) => driver.nearest({ ...asked, count, samples: request.denseSamples }, signal)),
    question.terms.length === 0 ? [] : hitsOf(request, (count) => driver.matching({ ...asked, count }, signal)),
    driver.counts({
      reaches: [...reaches, ...others.map((level): Reach => ({ namespace, levels: [level], nowMs }))],
      statistics: { namespace, terms: question.terms.map(({ term }) => term) },
    }),
  ]);
  const nothing = { documentCount: 0, averageTermCount: 0, documentFrequencies: question.terms.map(() => 0) };
  const searched = counted.counts.slice(0, levels.length);
  const inhabited = LEVELS.filter((level) => {
    const place = others.includes(level) ? levels.length + others.indexOf(level) : levels.indexOf(level);
    return (counted.counts[place] ?? 0) > 0;
  });
  return { nearest, matching, searched, inhabited, statistics: counted.statistics ?? nothing };
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
  const { namespace, nowMs, filter, neighbours, denseNeighbours = true } = request;
  const byWords = new Map(matching.flatMap(({ hits }) => hits).map((hit) => [hit.record.id, hit]));
  const hits = new Map([
    ...nearest.flatMap((level) => level.hits).map((hit): [string, Hit] => [hit.record.id, hit]),
    ...byWords,
  ]);
  const vectorsSpeak = denseNeighbours || !scorer.knowsAny;
  const reachOf = ({ record }: Hit): number => (vectorsSpeak || byWords.has(record.id) ? neighbours : 0);
  const around = await surroundings(
    driver,
    [...hits.values()],
    { namespace, levels: inhabited, question, nowMs, reachOf },
    signal,
  );

  const known = new Map<string, Known>();
  [...hits.values()].forEach((hit, i) => {
    const { before, after } = around[i] as Surroundings;
    const previousId = before[0]?.record.id ?? null;
    const nextId = after[0]?.record.id ?? null;
    known.set(hit.record.id, { record: hit.record, features: hit.features, direct: true, previousId, nextId });
  });
  const passes = ({ record }: Neighbour): boolean => filter === undefined || matchesFilter(record, filter);
  [...hits.values()].forEach((hit, i) => {
    const { before, after } = around[i] as Surroundings;
    const reach = reachOf(hit);
    const chain = [...before.toReversed(), hit, ...after];
    for (let at = 0; at < chain.length; at++) {
      const one = chain[at] as Neighbour;
      const distance = Math.abs(at - before.length);
      if (distance === 0 || distance > reach || known.has(one.record.id) || !passes(one)) continue;
      const previousId = chain[at - 1]?.record.id ?? null;
      const nextId = chain[at + 1]?.record.id ?? null;
      known.set(one.record.id, { record: one.record, features: one.features, direct: false, previousId, nextId });
    }
  });
  return known;
}

function candidateOf(known: Known, { names }: SearchRequest, question: Question, scorer: TermScorer): Candidate {
  const { record, features, direct, previousId, nextId } = known;
  const { speaker, isQuestion } = features.traits;
  return {
    id: record.id,
    level: record.level,
    createdAtMs: record.createdAtMs,
    accessCount: record.accessCount,
    tokenCount: record.tokenCount,
    dense: cosineWith(question, features.dense),
    termScores: scorer.scores(features),
    speakerNamed: speaker.some((word) => names.includes(word)),
    isQuestion,
    direct,
    previousId,
    nextId,
  };
}
