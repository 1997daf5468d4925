// The k nearest vectors of a level by multiplying the query with all of them in eight bits, column by column, and
// scoring in full what can be among the best. For queries that are zero nearly everywhere, as the local embedder's are.

import { LevelColumns } from '../columns/level-columns.ts';
import type { LevelNumber } from '../border/rows.ts';
import { marginOf } from '../arrays/eight-bits.ts';
import type { LevelVectors } from '../memory/level-vectors.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { TopList } from '../arrays/top-list.ts';
import { rescoredCount, type VectorHit } from '../arrays/vector-rows.ts';
import type { ColumnLimits } from '../border/messages.ts';
import type { DenseQuery } from './dense-query.ts';
import type { SearchScope } from './search-scope.ts';
import type { VectorScorer } from './vector-scorer.ts';

/** Rough costs in nanoseconds: of a vector's number, and of its place in the order. */
const NUMBER_NS = 0.1;
const ORDER_NS = 3;
/** Vectors that one search brings into the columns at most, before it goes another way: some milliseconds. */
const FILLED_MAX = 1_024;
/** Where eight bits hardly tell vectors apart, so many for each one wanted are scored in full. */
const RESCORED_MAX = 32;
/** Columns are kept while a level is a little out of their limits, so that one at a border does not fill them again and again. */
const SLACK = 1.1;

export interface ColumnSearchDeps {
  readonly scorer: VectorScorer;
  readonly dimension: number;
  readonly limits: ColumnLimits;
  /** Whether so many bytes may be taken for what can be done without. */
  readonly hasRoomFor: (bytes: number) => boolean;
}

export class ColumnSearch {
  readonly #scorer: VectorScorer;
  readonly #dimension: number;
  readonly #limits: ColumnLimits;
  readonly #hasRoomFor: (bytes: number) => boolean;
  /** This process cannot have columns, or no more of them. */
  #isRefused = false;

  constructor({ scorer, dimension, limits, hasRoomFor }: ColumnSearchDeps) {
    this.#scorer = scorer;
    this.#dimension = dimension;
    this.#limits = limits;
    this.#hasRoomFor = hasRoomFor;
  }

  /** Infinity where columns are no way to answer this query. */
  costNs(query: DenseQuery, { columns }: LevelVectors, levelCount: number): number {
    const { levelCountMin, levelCountMax, nonZeroShareMax } = this.#limits;
    if (levelCount < levelCountMin || levelCount > levelCountMax) return Infinity;
    if (query.nonZeroCount > this.#dimension * nonZeroShareMax) return Infinity;
    return Math.max(levelCount, columns?.count ?? 0) * (query.nonZeroCount * NUMBER_NS + ORDER_NS);
  }

  /**
   * The `count` best in scope, and others. null: the columns are not filled yet, there is no memory for them, or vectors
   * are too much alike for eight bits.
   */
  top(
    index: NamespaceIndex,
    vectors: LevelVectors,
    query: DenseQuery,
    count: number,
    scope: SearchScope,
  ): VectorHit[] | null {
    const columns = this.#filled(index, vectors, scope);
    if (columns === null) return null;
    const comparison = new Comparison(columns, query, scope);
    const wanted = rescoredCount(count);
    const likely = comparison.likeliest(wanted);
    const hits = this.#scorer.hits(index, likely.ordinals, query);
    const best = new TopList(count);
    for (const { ordinal, score } of hits) best.push(ordinal, score);
    if (likely.ordinals.length < wanted || likely.worst + comparison.marginMax < best.worst) return hits;
    // Others may be better than the last of those: what could be, by its margin, is scored, too.
    const scored = new Set(likely.ordinals);
    const possible = comparison.likeliest(count * RESCORED_MAX, best.worst).ordinals;
    // A scan of the rows would find those beyond; a graph would not.
    if (possible.length === count * RESCORED_MAX && vectors.segments.length === 0) return null;
    return [
      ...hits,
      ...this.#scorer.hits(
        index,
        possible.filter((ordinal) => !scored.has(ordinal)),
        query,
      ),
    ];
  }

  /** To be called where a level is searched, whichever way: columns that are not worth their memory are let go. */
  tidy(vectors: LevelVectors, levelCount: number): void {
    if (vectors.columns === null) return;
    const { levelCountMin, levelCountMax } = this.#limits;
    const isOutside = levelCount * SLACK < levelCountMin || levelCount > levelCountMax * SLACK;
    if (isOutside || vectors.columns.count > 2 * levelCount + levelCountMin) vectors.columns = null;
  }

  #filled(index: NamespaceIndex, vectors: LevelVectors, { level, levelCount }: SearchScope): LevelColumns | null {
    vectors.columns ??= this.#create(levelCount);
    if (vectors.columns === null) return null;
    const filled = this.#fill(index, vectors.columns, level);
    // What cannot be completed is of no use.
    if (filled === 'refused') vectors.columns = null;
    return filled === 'all' ? vectors.columns : null;
  }

  #create(levelCount: number): LevelColumns | null {
    if (this.#isRefused || !this.#hasRoomFor(LevelColumns.memoryBytesOf(levelCount, this.#dimension))) return null;
    try {
      return new LevelColumns(this.#dimension);
    } catch {
      // There are other ways to search, and asking again would take time at every search.
      this.#isRefused = true;
      return null;
    }
  }

  /** Brings in the next documents that are not in the columns. */
  #fill(index: NamespaceIndex, columns: LevelColumns, level: LevelNumber): 'all' | 'some' | 'refused' {
    const { levels, count } = index.documents;
    const missing: number[] = [];
    let at = columns.looked;
    for (; at < count && missing.length < FILLED_MAX; at++) if (levels[at] === level) missing.push(at);
    if (missing.length > 0 && !columns.append(missing, (take) => this.#scorer.gather(index, missing, take))) {
      this.#isRefused = true;
      return 'refused';
    }
    columns.looked = at;
    return at === count ? 'all' : 'some';
  }
}

/** One query against the columns of a level. */
class Comparison {
  /** The largest of all rows. */
  readonly marginMax: number;
  readonly #columns: LevelColumns;
  readonly #products: Int32Array;
  readonly #queryStep: number;
  readonly #scope: SearchScope;

  constructor(columns: LevelColumns, query: DenseQuery, scope: SearchScope) {
    this.#columns = columns;
    this.#products = query.multiply(columns);
    this.#queryStep = query.inOwnSteps.step;
    this.#scope = scope;
    this.marginMax = marginOf(columns.stepMax, this.#queryStep);
  }

  /** The `count` likeliest in scope, by their codes, of those that may have a true score of `scoreMin`; `worst`: -Infinity where there are fewer. */
  likeliest(count: number, scoreMin = -Infinity): { readonly ordinals: number[]; readonly worst: number } {
    const { ordinals, steps } = this.#columns;
    const products = this.#products;
    const queryStep = this.#queryStep;
    const best = new TopList(count);
    // Nearly all rows end at this comparison, so it is made with a number at hand. A row without a vector has no step.
    let bar = Math.max(scoreMin - this.marginMax, -Number.MAX_VALUE);
    for (let row = 0; row < products.length; row++) {
      const score = (products[row] as number) * (steps[row] as number) * queryStep;
      if (!(score > bar) || score + marginOf(steps[row] as number, queryStep) < scoreMin) continue;
      if (!this.#scope.eligible(ordinals[row] as number)) continue;
      best.push(row, score);
      bar = Math.max(bar, best.worst);
    }
    return { ordinals: best.items().map(({ ordinal: row }) => ordinals[row] as number), worst: best.worst };
  }
}
