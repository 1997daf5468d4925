// The two searches of the contract's core: each by itself, without neighbours and without scores of the other side.

import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { bestFirst, type ScoredOrdinal, TopList } from '../arrays/top-list.ts';
import type { LevelNumber } from '../border/rows.ts';
import type { WireFeatures, WireHits, WireQuestion } from '../border/messages.ts';
import { DenseQuery } from './dense-query.ts';
import type { DenseSearch } from './dense-search.ts';
import type { FilterCheck } from './filter-check.ts';
import { lexicalHits } from './lexical-hits.ts';
import { formsOfJoined } from '../../term-forms.ts';
import { QueryTerms } from './query-terms.ts';
import { SearchScope } from './search-scope.ts';
import type { VectorScorer } from './vector-scorer.ts';

export interface LevelOrdinals {
  /** The best first. */
  readonly ordinals: readonly number[];
  /** Scores of vectors from all over the level. */
  readonly sample: readonly number[];
}

export class HitSearch {
  readonly #dense: DenseSearch;
  readonly #scorer: VectorScorer;

  constructor(dense: DenseSearch, scorer: VectorScorer) {
    this.#dense = dense;
    this.#scorer = scorer;
  }

  /** The level's vectors must be loaded. `filter`: that of the request. */
  nearest(
    index: NamespaceIndex,
    request: WireHits,
    filter: FilterCheck | null,
    level: LevelNumber,
    vector: Float32Array,
  ): LevelOrdinals {
    const vectors = index.vectors(level);
    if (vectors === null || index.lexical(level).documentCount === 0) return { ordinals: [], sample: [] };
    const query = new DenseQuery(vector);
    const scope = new SearchScope(index, request, level, filter);
    const best = new TopList(request.count);
    for (const { ordinal, score } of this.#dense.top(index, vectors, query, request, scope)) best.push(ordinal, score);
    const sampled = request.samples === 0 ? [] : vectors.sample(request.samples);
    return { ordinals: ordinalsOf(best.items()), sample: [...this.#scorer.firstScores(index, sampled, query)] };
  }

  matching(index: NamespaceIndex, request: WireHits, filter: FilterCheck | null, level: LevelNumber): LevelOrdinals {
    if (index.lexical(level).documentCount === 0) return { ordinals: [], sample: [] };
    const scope = new SearchScope(index, request, level, filter);
    const hits = lexicalHits(
      index,
      new QueryTerms(index, { ...request.question, termsMax: request.question.terms.length }),
      request.count,
      scope,
    );
    return { ordinals: ordinalsOf(hits), sample: [] };
  }

  /** In the order of `ordinals`. With a vector, those of their levels must be loaded. */
  features(
    index: NamespaceIndex,
    ordinals: readonly number[],
    { terms }: WireQuestion,
    vector: Float32Array | null,
  ): WireFeatures[] {
    const { documents, dictionary } = index;
    const names = terms.map((joined) =>
      formsOfJoined(joined, dictionary.languages)
        .map((form) => dictionary.find(form))
        .filter((term) => term !== undefined),
    );
    const dense = vector === null ? null : this.#scorer.scores(index, ordinals, new DenseQuery(vector));
    return ordinals.map((ordinal, i) => {
      const lexical = index.lexical(documents.levels[ordinal] as LevelNumber);
      return {
        dense: dense === null ? null : (dense[i] as number),
        termCounts: names.map((forms) => forms.reduce((sum, term) => sum + lexical.frequencyIn(term, ordinal), 0)),
        termCount: documents.termCounts[ordinal] as number,
        traits: documents.traitsOf(ordinal),
        textKey: documents.textKeys[ordinal] as number,
      };
    });
  }
}

function ordinalsOf(hits: readonly ScoredOrdinal[]): number[] {
  return bestFirst(hits).map(({ ordinal }) => ordinal);
}
