import { orAbort } from '../../base/abort.ts';
import type { QueryAnalysis, WeightedTerm } from '../../base/text/analyzer.ts';
import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import type { ContextStore } from '../../store/store.ts';

/** Terms that a query searches by. A question has a dozen; a pasted page has hundreds, each of which costs every candidate. */
const TERMS_MAX = 64;
/** Of a longer query the terms beyond these are not looked at. */
const TERMS_CONSIDERED_MAX = 2048;
const NAMES_MAX = 256;
const DATES_MAX = 16;

/** The analysis within bounds that keep the work per candidate small; of too many terms the rarest ones that occur. */
export async function boundedAnalysis(
  analysis: QueryAnalysis,
  store: ContextStore,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<QueryAnalysis> {
  const { terms, names, dates } = analysis;
  if (terms.length <= TERMS_MAX && names.size <= NAMES_MAX && dates.length <= DATES_MAX) return analysis;
  return {
    terms:
      terms.length <= TERMS_MAX ? terms : await rarest(terms.slice(0, TERMS_CONSIDERED_MAX), store, namespace, signal),
    names: new Set([...names].slice(0, NAMES_MAX)),
    dates: dates.slice(0, DATES_MAX),
  };
}

/** Where the store cannot tell, the first ones have to do. */
async function rarest(
  terms: readonly WeightedTerm[],
  store: ContextStore,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<readonly WeightedTerm[]> {
  const counting = store.termStatistics(
    namespace,
    terms.map(({ term }) => term),
  );
  const statistics = await orAbort(counting, signal).catch(() => null);
  if (statistics === null) return terms.slice(0, TERMS_MAX);
  const worth = new Map<WeightedTerm, number>();
  terms.forEach((term, i) => {
    const frequency = statistics.documentFrequencies[i] ?? 0;
    if (frequency > 0) worth.set(term, term.weight * inverseDocumentFrequency(statistics.documentCount, frequency));
  });
  const chosen = new Set(
    [...worth]
      .sort(([, a], [, b]) => b - a)
      .slice(0, TERMS_MAX)
      .map(([term]) => term),
  );
  // None occurs: one is enough to say that there is a lexical side, and that it finds nothing.
  return chosen.size === 0 ? terms.slice(0, 1) : terms.filter((term) => chosen.has(term));
}
