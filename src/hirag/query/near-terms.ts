// A question's words are also looked for by words that mean about the same. Each such word is a term of its own to the store; what
// it scores is then lent to the word of the question, as far as that has not scored better itself.

import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import { segmentWords } from '../../base/text/segment.ts';
import { stemWord } from '../../base/text/analyzer.ts';
import type { NearWords } from '../../base/text/near-words.ts';
import type { Candidates } from '../../store/candidates.ts';
import type { QueryTerm, TermStatistics } from '../../store/store.ts';

export interface SoughtTerm extends QueryTerm {
  /** The term of the question that it is near to. Absent: it is one itself. */
  readonly nearTo?: string;
}

/** Each costs every candidate a number and the search a list of postings. */
const NEAR_MAX = 40;
/** A longer text says what it means in more than one word. */
const OWN_MAX = 24;
const CAPITALISED = /(?<![\p{L}\p{N}])\p{Lu}[\p{L}\p{M}]*/gu;

/**
 * The terms, and behind them those that are near to them, with `weight` times their cosine. Names have none: who asks for
 * Melanie does not want Stephanie.
 */
export function withNearTerms(
  query: string,
  terms: readonly QueryTerm[],
  near: NearWords,
  weight: number,
): readonly SoughtTerm[] {
  if (weight === 0 || terms.length > OWN_MAX) return terms;
  const own = new Set(terms.map(({ term }) => term));
  const named = new Set((query.match(CAPITALISED) ?? []).flatMap(segmentWords).map(stemWord));
  const found = new Map<string, SoughtTerm>();
  for (const { term, weight: counts } of terms) {
    if (counts < 1 || named.has(term)) continue;
    for (const { term: other, cosine } of near.of(term)) {
      const known = found.get(other);
      if (!own.has(other) && (known === undefined || known.weight < weight * cosine))
        found.set(other, { term: other, weight: weight * cosine, nearTo: term });
    }
  }
  const nearest = [...found.values()].sort((a, b) => b.weight - a.weight).slice(0, NEAR_MAX);
  return [...terms, ...nearest];
}

/**
 * Lends what near terms scored to the terms that they are near to, in place: for each candidate the best counts, and a near
 * word that is rarer than the question's own counts no more than that would. `terms`: as the candidates' columns are. Gives the
 * places in `termScores` where nothing stands but what was lent.
 */
export function lendNearScores(
  { columns }: Pick<Candidates, 'columns'>,
  terms: readonly SoughtTerm[],
  { documentCount, documentFrequencies }: TermStatistics,
): ReadonlySet<number> {
  const lentAlone = new Set<number>();
  const idf = (term: number): number => inverseDocumentFrequency(documentCount, documentFrequencies[term] ?? 0);
  const { termScores, termCount, count } = columns;
  terms.forEach(({ nearTo }, from) => {
    if (nearTo === undefined) return;
    const to = terms.findIndex((each) => each.term === nearTo && each.nearTo === undefined);
    const scale = Math.min(1, idf(to) / idf(from));
    for (let place = 0; place < count; place++) {
      const at = place * termCount + from;
      const lent = scale * (termScores[at] as number);
      termScores[at] = 0;
      const own = place * termCount + to;
      const score = termScores[own] as number;
      if (to < 0 || lent <= score) continue;
      if (score === 0) lentAlone.add(own);
      termScores[own] = lent;
    }
  });
  return lentAlone;
}
