import type { ContextRecord, Filter } from '../base/context.ts';
import { analyze, namesSpeaker, type QueryAnalysis } from '../base/text/analyzer.ts';
import { inverseDocumentFrequency, saturatedFrequency } from '../base/text/bm25.ts';
import { textTraits, type TextTraits } from '../base/text/traits.ts';
import { followsInConversation, type Turn } from '../base/text/turns.ts';
import { dot } from '../embedding/vectors.ts';
import { matchesFilter } from '../store/filter.ts';
import type { Candidate } from '../store/candidates.ts';
import type { QueryTerm, TermStatistics } from '../store/store.ts';

/** A context as it is held in memory: one of L1, or one that just left it and stands before those of L1. */
export interface ResidentContext {
  readonly record: ContextRecord;
  readonly vector: Float32Array;
  /** Made by the first search. */
  features?: TextFeatures;
}

interface TextFeatures {
  readonly frequencies: ReadonlyMap<string, number>;
  /** Terms of the text, repeated ones counted each time. */
  readonly termCount: number;
  readonly traits: TextTraits;
}

export interface ResidentSearch {
  readonly filter?: Filter;
  /** Absent: no dense side. */
  readonly vector?: Float32Array;
  readonly query: QueryAnalysis;
  readonly statistics: TermStatistics;
  readonly candidates: number;
  readonly neighbours: number;
  readonly nowMs: number;
}

export interface ResidentResult {
  readonly candidates: readonly Candidate[];
  /** Contexts of L1 that the search could see. */
  readonly searched: number;
}

interface Hit {
  readonly context: ResidentContext;
  readonly dense: number | null;
  readonly lexical: number;
  readonly termScores: Float32Array;
  direct: boolean;
}

/**
 * Searches contexts of one session (or of none) in memory, with the scores the store would give them:
 * cosine, BM25 with the namespace's statistics, and the same choice of candidates and neighbours. Only neighbours
 * that lie in another level are known no further than they left L1 while it was in memory.
 */
export function searchResident(contexts: Iterable<ResidentContext>, search: ResidentSearch): ResidentResult {
  const order = [...contexts].filter((context) => !hasExpired(context.record, search.nowMs)).sort(byCreation);
  const idf = search.statistics.documentFrequencies.map((frequency) =>
    inverseDocumentFrequency(search.statistics.documentCount, frequency),
  );
  const hits: (Hit | null)[] = order.map((context) =>
    search.filter === undefined || matchesFilter(context.record, search.filter) ? score(context, search, idf) : null,
  );
  const inLevel = hits.filter((hit) => hit?.context.record.level === 'immediate');
  markDirect(
    inLevel.filter((hit) => hit !== null),
    search.candidates,
  );
  const followsOn = order.map((context, i) => followsPrevious(order[i - 1], context));
  const near = nearDirect(hits, followsOn, search.neighbours);
  const candidates: Candidate[] = [];
  hits.forEach((hit, i) => {
    if (hit === null || !(hit.direct || near.has(i))) return;
    const previous = followsOn[i] ? order[i - 1] : undefined;
    const next = followsOn[i + 1] ? order[i + 1] : undefined;
    candidates.push(toCandidate(hit, previous, next, search.query));
  });
  return { candidates, searched: inLevel.length };
}

/** Statistics of the contexts themselves, for when the namespace's cannot be had. */
export function localStatistics(contexts: Iterable<ResidentContext>, terms: readonly QueryTerm[]): TermStatistics {
  let documentCount = 0;
  let termCount = 0;
  const documentFrequencies = terms.map(() => 0);
  for (const context of contexts) {
    const features = featuresOf(context);
    documentCount++;
    termCount += features.termCount;
    terms.forEach(({ term }, i) => {
      if (features.frequencies.has(term)) documentFrequencies[i] = (documentFrequencies[i] ?? 0) + 1;
    });
  }
  return { documentCount, averageTermCount: documentCount === 0 ? 0 : termCount / documentCount, documentFrequencies };
}

function score(context: ResidentContext, search: ResidentSearch, idf: readonly number[]): Hit {
  const { terms } = search.query;
  const { frequencies, termCount } = featuresOf(context);
  const termScores = new Float32Array(terms.length);
  let lexical = 0;
  terms.forEach(({ term, weight }, i) => {
    const frequency = frequencies.get(term);
    if (frequency === undefined) return;
    const added = weight * (idf[i] ?? 0) * saturatedFrequency(frequency, termCount, search.statistics.averageTermCount);
    termScores[i] = added;
    lexical += added;
  });
  const dense = search.vector === undefined ? null : dot(search.vector, context.vector);
  return { context, dense, lexical, termScores, direct: false };
}

/** The best of each side are candidates themselves. */
function markDirect(hits: readonly Hit[], candidates: number): void {
  const dense = hits.filter((hit) => hit.dense !== null).sort((a, b) => (b.dense ?? 0) - (a.dense ?? 0));
  const lexical = hits.filter((hit) => hit.lexical > 0).sort((a, b) => b.lexical - a.lexical);
  for (const hit of [...dense.slice(0, candidates), ...lexical.slice(0, candidates)]) hit.direct = true;
}

/** Places up to `reach` steps from a direct hit, as far as one follows on the other. */
function nearDirect(hits: readonly (Hit | null)[], followsOn: readonly boolean[], reach: number): Set<number> {
  const near = new Set<number>();
  hits.forEach((hit, i) => {
    if (!hit?.direct) return;
    for (let at = i; at > i - reach && followsOn[at]; at--) near.add(at - 1);
    for (let at = i + 1; at <= i + reach && followsOn[at]; at++) near.add(at);
  });
  return near;
}

/** The contexts are those of one session, or of none: then only turns of one conversation follow on each other. */
function followsPrevious(previous: ResidentContext | undefined, context: ResidentContext): boolean {
  if (previous === undefined) return false;
  return context.record.sessionId !== null || followsInConversation(turnOf(previous), turnOf(context));
}

function turnOf(context: ResidentContext): Turn {
  return { hasSpeaker: featuresOf(context).traits.speaker.length > 0, createdAtMs: context.record.createdAtMs };
}

function toCandidate(
  hit: Hit,
  previous: ResidentContext | undefined,
  next: ResidentContext | undefined,
  query: QueryAnalysis,
): Candidate {
  const { record } = hit.context;
  const { traits } = featuresOf(hit.context);
  return {
    id: record.id,
    level: record.level,
    createdAtMs: record.createdAtMs,
    accessCount: record.accessCount,
    tokenCount: record.tokenCount,
    dense: hit.dense,
    termScores: hit.termScores,
    speakerNamed: namesSpeaker(query, traits.speaker),
    isQuestion: traits.isQuestion,
    previousId: previous?.record.id ?? null,
    nextId: next?.record.id ?? null,
    direct: hit.direct,
  };
}

function featuresOf(context: ResidentContext): TextFeatures {
  return (context.features ??= analyzeText(context.record.text));
}

function analyzeText(text: string): TextFeatures {
  const frequencies = new Map<string, number>();
  const terms = analyze(text);
  for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  return { frequencies, termCount: terms.length, traits: textTraits(text) };
}

/** A lifetime that ends in a promotion hides nothing: the context lives on in another level. */
function hasExpired(record: ContextRecord, nowMs: number): boolean {
  return record.expiresAtMs !== null && record.expiresAtMs <= nowMs && record.expiryAction !== 'promote';
}

function byCreation(a: ResidentContext, b: ResidentContext): number {
  return a.record.createdAtMs - b.record.createdAtMs;
}
