// Goes through rows in an order, in steps. Between two of them it holds on to a place of the order alone.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Pace, Steps } from '../border/steps.ts';
import type { RowFilter } from './row-filter.ts';
import type { ScanPosition, ScanSql } from './scan-sql.ts';

/** Rows that one piece of a walk looks at: some milliseconds of work where none of them is wanted. */
const PIECE_ROWS = 2_048;

export interface Walk {
  readonly sql: ScanSql;
  readonly spaceId: number | null;
  /** The last but one is what the order goes by. */
  readonly columns: string;
  readonly seqAt: number;
  /** `columns` begin with what it asks about. */
  readonly filter: RowFilter | null;
  /** Rows that may still be wanted. */
  readonly limit: () => number;
  /** False: enough; this one was too much. */
  readonly take: (values: readonly unknown[]) => boolean;
}

type Passed =
  | { readonly isEnough: boolean; readonly isCut: false }
  /** `last`: the place of the last row that was looked at. */
  | { readonly isEnough: false; readonly isCut: true; readonly last: ScanPosition };

/** `values` are of a walk's columns. */
export function placeOf(values: readonly unknown[], seq: number): ScanPosition {
  return [values.at(-2) as number, seq];
}

export class RowWalk {
  readonly #database: DatabaseSync;
  readonly #pace: Pace;

  /** `pace`: of the steps in which it is called. */
  constructor(database: DatabaseSync, pace: Pace) {
    this.#database = database;
    this.#pace = pace;
  }

  /** True: it came to the end; false: `take` took no more. */
  run(walk: Walk, after: ScanPosition | null): Steps<boolean> {
    return walk.sql.isWalk ? this.#walkPieces(walk, after) : this.#walkSorted(walk, after);
  }

  *#walkSorted({ sql, columns, ...walk }: Walk, after: ScanPosition | null): Steps<boolean> {
    const statement = this.#arrays(`SELECT ${columns} FROM contexts AS c ${sql.index}
      WHERE ${sql.conditions.sql} AND ${sql.after} ORDER BY ${sql.orderBy} LIMIT ?`);
    for (let at = after ?? sql.start; ; ) {
      const passed = this.#pass(walk, statement.iterate(...sql.conditions.parameters, ...at, walk.limit()));
      if (passed.isEnough || !passed.isCut) return !passed.isEnough;
      at = passed.last;
      yield;
    }
  }

  /**
   * Goes through the namespace in the order of creation, some rows at a time, wanted or not. Many may have been created
   * at the same time, so the rest of those is a range of its own: SQLite finds its way into an index by one range.
   */
  *#walkPieces({ sql, spaceId, columns, ...walk }: Walk, after: ScanPosition | null): Steps<boolean> {
    const same = this.#ranges(sql, columns, `c.created_at = ? AND c.seq ${sql.less} ?`);
    const later = this.#ranges(sql, columns, `c.created_at ${sql.less} ?`);
    const { parameters } = sql.conditions;
    for (let at = after ?? sql.start; ; ) {
      for (const [range, from] of [
        [same, at],
        [later, [at[0]]],
      ] as const) {
        const end = range.end.get(spaceId, ...from, PIECE_ROWS) as unknown as ScanPosition | undefined;
        const passed = this.#pass(walk, range.rows.iterate(...parameters, ...from, ...(end ?? sql.end), walk.limit()));
        if (passed.isEnough) return false;
        if (passed.isCut) at = passed.last;
        else if (end !== undefined) at = end;
        else if (range === later) return true;
        else continue;
        break;
      }
      if (this.#pace.isOver) yield;
    }
  }

  /** Hands rows on until there are no more, until enough were taken, or until the step's time is over. */
  #pass({ seqAt, filter, take }: Pick<Walk, 'seqAt' | 'filter' | 'take'>, rows: Iterable<unknown>): Passed {
    for (const found of rows) {
      const values = found as readonly unknown[];
      if ((filter === null || filter.passes(values)) && !take(values)) return { isEnough: true, isCut: false };
      if (this.#pace.isOver) return { isEnough: false, isCut: true, last: placeOf(values, values[seqAt] as number) };
    }
    return { isEnough: false, isCut: false };
  }

  /** The rows of a range of the order of creation up to a place, and the place of the last row of its first piece. */
  #ranges(sql: ScanSql, columns: string, range: string): { readonly rows: StatementSync; readonly end: StatementSync } {
    return {
      rows: this.#arrays(`SELECT ${columns} FROM contexts AS c ${sql.index}
        WHERE ${sql.conditions.sql} AND ${range} AND ${sql.upTo} ORDER BY ${sql.orderBy} LIMIT ?`),
      // Nothing where the range is shorter than a piece.
      end: this.#arrays(`SELECT ${sql.column}, c.seq FROM contexts AS c ${sql.index}
        WHERE c.namespace_id = ? AND ${range} ORDER BY ${sql.orderBy} LIMIT 1 OFFSET ?`),
    };
  }

  #arrays(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }
}
