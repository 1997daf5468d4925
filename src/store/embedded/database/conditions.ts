import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ContextRecord } from '../../../base/context.ts';
import { filterMatcher } from '../../filter-match.ts';
import type { Condition } from '../../store.ts';
import { levelName, type PackedRows, toRecord } from '../border/rows.ts';
import { CHECKED_COLUMNS, checkedRow } from './row-checksums.ts';
import type { Sealer } from './sealer.ts';
import type { StoredPassages } from './stored-passages.ts';
import type { StoredRow } from './stored-row.ts';

/** Whether changes with a condition apply to rows as they are. */
export class ConditionCheck {
  readonly #record: StatementSync;
  readonly #passages: StoredPassages;
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, passages: StoredPassages, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#passages = passages;
    this.#record = database.prepare(`SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#record.setReturnArrays(true);
  }

  /** Tells it of one row after the other. What a damaged row says decides nothing: it throws. */
  of(condition: Condition | null): (stored: StoredRow) => boolean {
    if (condition === null) return () => true;
    const { level, accessesBelow, dueAtMs, filter, text, unembedded } = condition;
    const matches = filter === undefined ? null : filterMatcher(filter);
    return (stored) => {
      if (level !== undefined && levelName(stored.level) !== level) return false;
      if (accessesBelow !== undefined && stored.accessCount >= accessesBelow) return false;
      if (dueAtMs !== undefined && (stored.expiresAtMs === null || stored.expiresAtMs > dueAtMs)) return false;
      if (unembedded !== undefined && this.#passages.stateOf(stored.seq) !== unembedded) return false;
      if (matches === null && text === undefined) return true;
      const record = this.#recordOf(stored);
      return (text === undefined || record.text === text) && (matches === null || matches(record));
    };
  }

  #recordOf({ seq }: StoredRow): ContextRecord {
    return toRecord('', checkedRow(this.#record.get(seq) as unknown as PackedRows, this.#sealer));
  }
}
