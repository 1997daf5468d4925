import type { RowScan, VectorRows } from '../memory/vector-rows.ts';

/** The vector that one search asks with, and the rows that it was compared with. */
export class DenseQuery {
  /** At the start of its buffer. */
  readonly vector: Float32Array;
  readonly #scans = new Map<VectorRows, RowScan>();

  constructor(vector: Float32Array) {
    this.vector = vector;
  }

  scan(rows: VectorRows, count: number, eligible: (ordinal: number) => boolean): RowScan {
    const scan = rows.scan(this.vector, count, eligible);
    this.#scans.set(rows, scan);
    return scan;
  }

  /** The row's score, true or, where it need not be, about so; NaN where no scan gave it. */
  scoreOf(rows: VectorRows, row: number, needsTrue: boolean): number {
    const scan = this.#scans.get(rows);
    if (scan === undefined) return Number.NaN;
    const score = scan.scores[row] as number;
    return needsTrue || !Number.isNaN(score) ? score : (scan.about[row] as number);
  }
}
