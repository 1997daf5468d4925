import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { type ScoredOrdinal, TopList } from '../arrays/top-list.ts';
import type { QueryTerms } from './query-terms.ts';
import type { SearchScope } from './search-scope.ts';

/** Postings that are read through in the time of one look-up. */
const POSTINGS_PER_LOOKUP = 24;

/** Few contexts in scope are scored one by one: the lists of their terms may hold the whole namespace. */
export function lexicalHits(
  index: NamespaceIndex,
  terms: QueryTerms,
  count: number,
  scope: SearchScope,
): ScoredOrdinal[] {
  const lexical = index.lexical(scope.level);
  const postings = terms.known.reduce((sum, { term }) => sum + lexical.postingCount(term), 0);
  if (scope.ownedCount * terms.known.length * POSTINGS_PER_LOOKUP >= postings) {
    return lexical.search(terms.known, terms.statistics, count, scope.eligible);
  }
  const ordinals = scope.eligibleOrdinals();
  const { sums } = terms.scores(ordinals);
  const best = new TopList(count);
  ordinals.forEach((ordinal, i) => {
    if ((sums[i] as number) > 0) best.push(ordinal, sums[i] as number);
  });
  return best.items();
}
