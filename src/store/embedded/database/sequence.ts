import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { sequenceSum } from './small-sums.ts';

/** The one counter behind `seq` and `entry`: durable with the transaction that used its numbers, never reused. */
export class Sequence {
  readonly #save: StatementSync;
  #saved: number;
  #last: number;

  constructor(database: DatabaseSync) {
    this.#save = database.prepare('UPDATE sequence SET last = ?, sum = ?');
    const row = database.prepare('SELECT last FROM sequence').get() as { last: number };
    this.#saved = this.#last = row.last;
  }

  /** The newest number in use. */
  get last(): number {
    return this.#last;
  }

  next(): number {
    return ++this.#last;
  }

  /** What comes next is above this number, too. */
  raiseTo(number: number): void {
    this.#last = Math.max(this.#last, number);
  }

  /** Inside the transaction, before its end. Numbers of a rolled back one are simply skipped. */
  save(): void {
    if (this.#saved !== this.#last) this.#save.run(this.#last, sequenceSum(this.#last));
  }

  committed(): void {
    this.#saved = this.#last;
  }
}
