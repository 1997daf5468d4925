// The k nearest vectors of a level by multiplying the query with all of them in eight bits, column by column, and
// scoring in full what can be among the best. For queries that are zero nearly everywhere, as the local embedder's are.

import { ColumnKernel } from '../columns/column-kernel.ts';
import { LevelColumns } from '../columns/level-columns.ts';
import type { LevelNumber } from '../database/rows.ts';
import { marginOf } from '../memory/eight-bits.ts';
import type { ColumnLimits } from '../messages.ts';
import type { LevelVectors } from '../memory/level-vectors.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { TopList } from '../memory/top-list.ts';
import { rescoredCount, type VectorHit } from '../memory/vector-rows.ts';
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

export class ColumnSearch {
  readonly #scorer: VectorScorer;
  readonly #dimension: number;
  readonly #limits: ColumnLimits;
  /** undefined: not asked for yet; null: this process cannot have one. */
  #kernel: ColumnKernel | null | undefined;

  constructor(scorer: VectorScorer, dimension: number, limits: ColumnLimits) {
    this.#scorer = scorer;
    this.#dimension = dimension;
    this.#limits = limits;
  }

  /** Infinity where columns are no way to answer this query. */
  costNs(query: DenseQuery, levelCount: number): number {
    const { levelCountMin, levelCountMax, nonZeroShareMax } = this.#limits;
    if (levelCount < levelCountMin || levelCount > levelCountMax) return Infinity;
    if (query.nonZeroCount > this.#dimension * nonZeroShareMax) return Infinity;
    return levelCount * (query.nonZeroCount * NUMBER_NS + ORDER_NS);
  }

  /** The `count` best in scope, and others; null where the columns are not filled yet, or there is no memory for them. */
  top(index: NamespaceIndex, vectors: LevelVectors, query: DenseQuery, count: number, scope: SearchScope): VectorHit[] | null {
    const columns = this.#columnsOf(index, vectors, scope);
    if (columns === null) return null;
    const comparison = new Comparison(columns, query, scope);
    const wanted = rescoredCount(count);
    const likely = comparison.best(wanted, -Infinity);
    const hits = this.#scorer.hits(index, likely.ordinals, query);
    const best = new TopList(count);
    for (const { ordinal, score } of hits) best.push(ordinal, score);
    if (likely.ordinals.length < wanted || likely.worst + comparison.marginMax < best.worst) return hits;
    // Others may be better than the last of those: all whose margin reaches as far are scored, too.
    const scored = new Set(likely.ordinals);
    const others = comparison.best(count * RESCORED_MAX, best.worst).ordinals.filter((ordinal) => !scored.has(ordinal));
    return [...hits, ...this.#scorer.hits(index, others, query)];
  }

  /** To be called where a level is searched, whichever way: columns that are not worth their memory are let go. */
  tidy({ columns }: LevelVectors, levelCount: number): void {
    if (columns === null) return;
    const { levelCountMin, levelCountMax } = this.#limits;
    if (levelCount > levelCountMax || columns.count > 2 * levelCount + levelCountMin) columns.clear();
  }

  #columnsOf(index: NamespaceIndex, vectors: LevelVectors, { level }: SearchScope): LevelColumns | null {
    if (vectors.columns === null) {
      const kernel = this.#kernelOf();
      if (kernel === null) return null;
      vectors.columns = new LevelColumns(kernel);
    }
    return this.#fill(index, vectors.columns, level) ? vectors.columns : null;
  }

  /** False where documents are left that are not in the columns. */
  #fill(index: NamespaceIndex, columns: LevelColumns, level: LevelNumber): boolean {
    const { levels, count } = index.documents;
    const missing: number[] = [];
    let at = columns.looked;
    for (; at < count && missing.length < FILLED_MAX; at++) if (levels[at] === level) missing.push(at);
    if (missing.length > 0 && !columns.append(missing, (take) => this.#scorer.gather(index, missing, take))) return false;
    columns.looked = at;
    return at === count;
  }

  #kernelOf(): ColumnKernel | null {
    if (this.#kernel === undefined) {
      try {
        this.#kernel = new ColumnKernel(this.#dimension);
      } catch {
        // No WebAssembly, or an old one: there are other ways to search.
        this.#kernel = null;
      }
    }
    return this.#kernel;
  }
}

/** One query against the columns of a level. */
class Comparison {
  readonly marginMax: number;
  readonly #columns: LevelColumns;
  readonly #products: Int32Array;
  readonly #queryStep: number;
  readonly #scope: SearchScope;

  constructor(columns: LevelColumns, query: DenseQuery, scope: SearchScope) {
    this.#columns = columns;
    this.#products = query.multiply(columns);
    this.#queryStep = query.step;
    this.#scope = scope;
    this.marginMax = marginOf(columns.stepMax, query.step);
  }

  /** The `count` likeliest in scope that may have a true score of `scoreMin` or more; `worst` of them, -Infinity where there are fewer. */
  best(count: number, scoreMin: number): { readonly ordinals: number[]; readonly worst: number } {
    const { ordinals, steps } = this.#columns;
    const products = this.#products;
    const best = new TopList(count);
    const toScore = this.#queryStep;
    // Nearly all rows end at this comparison, so it is made with a number at hand. A row that is not written has no step.
    let bar = Math.max(scoreMin - this.marginMax, -Number.MAX_VALUE);
    for (let row = 0; row < products.length; row++) {
      const score = (products[row] as number) * (steps[row] as number) * toScore;
      if (!(score > bar) || !this.#scope.eligible(ordinals[row] as number)) continue;
      best.push(row, score);
      bar = Math.max(bar, best.worst);
    }
    return { ordinals: best.items().map(({ ordinal: row }) => ordinals[row] as number), worst: best.worst };
  }
}
