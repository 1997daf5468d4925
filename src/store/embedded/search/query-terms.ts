// The query's words as the lexical index of a namespace knows them.

import { inverseDocumentFrequency } from '../../../base/text/bm25.ts';
import type { WeightedTerm } from '../memory/lexical-index.ts';
import type { WireSearch, WireStatistics } from '../messages.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { LevelNumber } from '../database/rows.ts';

export class QueryTerms {
  readonly statistics: WireStatistics;
  /** Those that some document of the namespace holds. */
  readonly known: readonly WeightedTerm[];
  /** Place of each known term among those asked for. */
  readonly #places: readonly number[];
  readonly #index: NamespaceIndex;

  constructor(index: NamespaceIndex, { terms, weights }: WireSearch) {
    this.#index = index;
    this.statistics = index.statistics(terms);
    const known: WeightedTerm[] = [];
    const places: number[] = [];
    this.statistics.frequencies.forEach((frequency, place) => {
      const term = index.dictionary.find(terms[place] as string);
      if (term === undefined || frequency === 0) return;
      known.push({ term, factor: (weights[place] as number) * inverseDocumentFrequency(this.statistics.documentCount, frequency) });
      places.push(place);
    });
    this.known = known;
    this.#places = places;
  }

  get count(): number {
    return this.statistics.frequencies.length;
  }

  /** Writes what each term adds to the document's score from `at` on; gives the sum. */
  score(ordinal: number, into: Float32Array, at: number): number {
    const lexical = this.#index.lexical(this.#index.documents.levels[ordinal] as LevelNumber);
    let sum = 0;
    this.known.forEach((term, i) => {
      const score = lexical.termScore(ordinal, term, this.statistics.averageTermCount);
      into[at + (this.#places[i] as number)] = score;
      sum += score;
    });
    return sum;
  }
}
