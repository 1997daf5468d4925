// The query's words as the lexical index of a namespace knows them.

import { inverseDocumentFrequency } from '../../../base/text/bm25.ts';
import { termColumns, type TermColumns } from '../../term-columns.ts';
import { formsOfJoined } from '../../term-forms.ts';
import { LEVEL_NUMBERS } from '../border/rows.ts';
import type { WeightedTerm } from '../memory/lexical-index.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { WireSearch, WireStatistics } from '../border/messages.ts';

export interface LexicalScores {
  /** Per document as many as there are columns. */
  readonly termScores: Float32Array;
  /** Their sums. */
  readonly sums: Float64Array;
}

export class QueryTerms {
  readonly columns: TermColumns;
  /** Of the terms that have a column of their own. */
  readonly statistics: WireStatistics;
  /** Those that some document of the namespace holds. */
  readonly known: readonly WeightedTerm[];
  /** Of each known term. */
  readonly #knownColumns: readonly number[];
  readonly #index: NamespaceIndex;

  constructor(index: NamespaceIndex, { terms, weights, termsMax }: Pick<WireSearch, 'terms' | 'weights' | 'termsMax'>) {
    this.#index = index;
    const { frequencies, ...totals } = index.statistics(terms);
    this.columns = termColumns(weights, frequencies, totals.documentCount, termsMax);
    this.statistics = { ...totals, frequencies: this.columns.own.map((place) => frequencies[place] as number) };
    const known: WeightedTerm[] = [];
    const knownColumns: number[] = [];
    frequencies.forEach((frequency, place) => {
      if (frequency === 0) return;
      const factor = (weights[place] as number) * inverseDocumentFrequency(totals.documentCount, frequency);
      for (const form of formsOfJoined(terms[place] as string, index.dictionary.languages)) {
        const term = index.dictionary.find(form);
        if (term === undefined || index.documentFrequency(term) === 0) continue;
        known.push({ term, factor });
        knownColumns.push(this.columns.columnOf(place));
      }
    });
    this.known = known;
    this.#knownColumns = knownColumns;
  }

  /** Of the documents in their order, whatever their levels. */
  scores(ordinals: readonly number[]): LexicalScores {
    const width = this.columns.count;
    const termScores = new Float32Array(ordinals.length * width);
    const sums = new Float64Array(ordinals.length);
    const { levels } = this.#index.documents;
    for (const level of LEVEL_NUMBERS) {
      const documents = new Map<number, number>();
      ordinals.forEach((ordinal, i) => {
        if (levels[ordinal] === level) documents.set(ordinal, i);
      });
      if (documents.size === 0) continue;
      this.#index.lexical(level).scoreDocuments(documents, this.known, this.statistics, (i, term, score) => {
        const at = i * width + (this.#knownColumns[term] as number);
        termScores[at] = (termScores[at] as number) + score;
        sums[i] = (sums[i] as number) + score;
      });
    }
    return { termScores, sums };
  }
}
