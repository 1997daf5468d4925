// The query's words as the lexical index of a namespace knows them.

import { inverseDocumentFrequency } from '../../../base/text/bm25.ts';
import { LEVEL_NUMBERS } from '../database/rows.ts';
import type { WeightedTerm } from '../memory/lexical-index.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { WireSearch, WireStatistics } from '../messages.ts';

export interface LexicalScores {
  /** Per document as many as there are terms asked for, in their order. */
  readonly termScores: Float32Array;
  /** Their sums. */
  readonly sums: Float64Array;
}

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
      known.push({
        term,
        factor: (weights[place] as number) * inverseDocumentFrequency(this.statistics.documentCount, frequency),
      });
      places.push(place);
    });
    this.known = known;
    this.#places = places;
  }

  /** Of the documents in their order, whatever their levels. */
  scores(ordinals: readonly number[]): LexicalScores {
    const width = this.statistics.frequencies.length;
    const termScores = new Float32Array(ordinals.length * width);
    const sums = new Float64Array(ordinals.length);
    const { levels } = this.#index.documents;
    for (const level of LEVEL_NUMBERS) {
      const documents = new Map<number, number>();
      ordinals.forEach((ordinal, i) => {
        if (levels[ordinal] === level) documents.set(ordinal, i);
      });
      if (documents.size === 0) continue;
      this.#index
        .lexical(level)
        .scoreDocuments(documents, this.known, this.statistics.averageTermCount, (i, term, score) => {
          termScores[i * width + (this.#places[term] as number)] = score;
          sums[i] = (sums[i] as number) + score;
        });
    }
    return { termScores, sums };
  }
}
