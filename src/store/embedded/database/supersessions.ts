// Contexts that are told who supersedes them, inside the transaction that stores or deletes who does. Each keeps some of
// any number (`keptSupersessions`); the table `supersessions` has them all, as the contexts that supersede say it.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ContextTimes, Supersession } from '../../../base/context.ts';
import {
  keptSupersessions,
  mayHaveMore,
  mustLearn,
  patchedTimes,
  recordedAt,
  supersessionBy,
  SUPERSESSIONS_KEPT_MAX,
  type TimesPatch,
} from '../../times.ts';
import { type PackedRows, RECORD_WIDTH, type RecordRow } from '../border/rows.ts';
import { parseTimes, timesJson } from '../border/times.ts';
import { changeOf, type Effect } from './effects.ts';
import { CHECKED_COLUMNS, checkedRow, contentSum } from './row-checksums.ts';
import type { Sealer } from './sealer.ts';
import { DamageError } from './sqlite-errors.ts';
import { supersessionSum } from './small-sums.ts';
import { isOver } from './stored-row.ts';

type Superseding = Pick<RecordRow, 'id' | 'createdAtMs' | 'times'>;

/** A row that is there, as the operations so far have it. */
interface Superseded {
  readonly spaceId: number;
  readonly row: RecordRow;
  readonly seq: number;
  readonly entry: number;
  times: ContextTimes | undefined;
  /** `times` is not the row's any more. */
  isChanged: boolean;
  /** It lost one of those that it keeps, and there may be more in the table. */
  isCut: boolean;
}

/** In the order of what a context was told, so many are looked at for those that decided at some time. */
const TOLD_READ_MAX = 1_024;

/** Held at a time; beyond it what was told is written before more is read. */
const HELD_CHARS_MAX = 8_000_000;
const ROW_CHARS = 2_000;

/** Ids of what it supersedes; `times`: a row's. */
export function supersededIn(times: string | null): readonly string[] {
  // Most have none, and are not read.
  return times?.includes('"supersedes"') === true ? (parseTimes(times).supersedes ?? []) : [];
}

export class Supersessions {
  readonly #find: StatementSync;
  readonly #lifetime: StatementSync;
  readonly #update: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteTold: StatementSync;
  readonly #first: StatementSync;
  readonly #told: StatementSync;
  /** By space and id: a context that many of a call supersede is read and written once. */
  readonly #held = new Map<string, Superseded>();
  /** Characters of their texts, about. */
  #heldChars = 0;
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#find = arrays(database, `SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ?`);
    this.#lifetime = arrays(
      database,
      'SELECT expires_at, expiry_action FROM contexts WHERE namespace_id = ? AND id = ?',
    );
    this.#update = database.prepare('UPDATE contexts SET times = ?, content_sum = ? WHERE seq = ?');
    this.#insert = database.prepare('INSERT OR IGNORE INTO supersessions VALUES (?, ?, ?, ?, ?, ?)');
    this.#delete = database.prepare(`DELETE FROM supersessions
      WHERE namespace_id = ? AND superseded = ? AND valid_from = ? AND recorded = ? AND successor = ?`);
    this.#deleteTold = database.prepare('DELETE FROM supersessions WHERE namespace_id = ? AND superseded = ?');
    const known = 'SELECT valid_from, recorded, successor, sum FROM supersessions';
    const ofOne = 'WHERE namespace_id = ? AND superseded = ? AND recorded >= ?';
    this.#first = arrays(
      database,
      `${known} ${ofOne} ORDER BY valid_from, recorded, successor LIMIT ${SUPERSESSIONS_KEPT_MAX}`,
    );
    this.#told = arrays(
      database,
      `${known} INDEXED BY supersessions_as_told ${ofOne} ORDER BY recorded, valid_from, successor LIMIT ${TOLD_READ_MAX}`,
    );
  }

  /** Of what it supersedes, the ids that nobody has. Everything else is written. */
  missing(spaceId: number, { times }: Superseding, nowMs: number): string[] {
    return supersededIn(times).filter((id) => {
      const [expiresAtMs, expiryAction] = (this.#lifetime.get(spaceId, id) as unknown as PackedRows | undefined) ?? [];
      if (expiresAtMs === undefined) return true;
      return isOver({ expiresAtMs: expiresAtMs as number | null, expiryAction: expiryAction as number }, nowMs);
    });
  }

  /** It is there from now on, or says so anew. Those that it supersedes are written. `isNew`: it has just been stored. */
  tell(spaceId: number, superseding: Superseding, isNew: boolean, effects: Effect[]): void {
    const { id, createdAtMs } = superseding;
    const ids = supersededIn(superseding.times);
    if (superseding.times === null || ids.length === 0) return;
    const supersession = supersessionBy({ id, createdAtMs, times: parseTimes(superseding.times) });
    const { by, fromMs, recordedAtMs } = supersession;
    this.#makeRoom(effects);
    for (const one of ids) {
      this.#insert.run(spaceId, one, fromMs, recordedAtMs, by, supersessionSum(spaceId, one, supersession));
      const held = this.#superseded(spaceId, one);
      if (held === null || !mustLearn(timedOf(held), supersession, isNew)) continue;
      held.isCut ||= isListed(held, by) && mayHaveMore(timedOf(held));
      patch(held, { supersessions: [supersession] });
    }
  }

  /** Its beginning changes: what it said before is no more in the table, until `tell`. */
  forget(spaceId: number, { id, createdAtMs, times }: Superseding): void {
    const ids = supersededIn(times);
    if (times === null || ids.length === 0) return;
    const { by, fromMs, recordedAtMs } = supersessionBy({ id, createdAtMs, times: parseTimes(times) });
    for (const one of ids) this.#delete.run(spaceId, one, fromMs, recordedAtMs, by);
  }

  /** It is gone for good, and so are the notes that others superseded it: how many there were. */
  forgetSuperseded(spaceId: number, id: string): number {
    return Number(this.#deleteTold.run(spaceId, id).changes);
  }

  /** It is gone. */
  withdraw(spaceId: number, superseding: Superseding, effects: Effect[]): void {
    this.forget(spaceId, superseding);
    this.#makeRoom(effects);
    for (const one of supersededIn(superseding.times)) {
      const held = this.#superseded(spaceId, one);
      if (held === null || !isListed(held, superseding.id)) continue;
      held.isCut ||= mayHaveMore(timedOf(held));
      patch(held, { withdrawn: superseding.id });
    }
  }

  /** Writes what contexts were told, and says so in `effects`. Before it, the database does not tell. */
  flush(effects: Effect[]): void {
    if (this.#held.size === 0) return;
    for (const held of this.#held.values()) this.#write(held, effects);
    this.discard();
  }

  /** The same of one context. */
  flushOne(spaceId: number, id: string, effects: Effect[]): void {
    const held = this.#held.get(keyOf(spaceId, id));
    if (held === undefined) return;
    this.#write(held, effects);
    this.#held.delete(keyOf(spaceId, id));
  }

  /** The transaction is rolled back, or a part of it. */
  discard(): void {
    this.#held.clear();
    this.#heldChars = 0;
  }

  #write(held: Superseded, effects: Effect[]): void {
    if (!held.isChanged) return;
    if (held.isCut) patch(held, { supersessions: this.#all(held) });
    const { spaceId, row, seq, entry } = held;
    const json = timesJson(held.times);
    if (json === row.times) return;
    this.#update.run(json, contentSum({ ...row, times: json }, this.#sealer), seq);
    effects.push(changeOf(spaceId, { ...row, entry, times: json }));
  }

  #makeRoom(effects: Effect[]): void {
    if (this.#heldChars > HELD_CHARS_MAX) this.flush(effects);
  }

  /** Of all that supersede it, those that count first and those that decided at some time. */
  #all(held: Superseded): readonly Supersession[] {
    const reach = [held.spaceId, held.row.id, recordedAt(timedOf(held))] as const;
    const first = this.#first.all(...reach).map((values) => checkedSupersession(held, values));
    const found = new Map(first.map((one) => [one.by, one]));
    let earliestMs = Infinity;
    let deciding = 0;
    for (const values of this.#told.iterate(...reach)) {
      const one = checkedSupersession(held, values);
      if (one.fromMs >= earliestMs) continue;
      earliestMs = one.fromMs;
      found.set(one.by, one);
      // Nothing that was told later begins before the first of all, and no more than these would be kept.
      if (earliestMs === first[0]?.fromMs || ++deciding === SUPERSESSIONS_KEPT_MAX) break;
    }
    return keptSupersessions([...found.values()]);
  }

  #superseded(spaceId: number, id: string): Superseded | null {
    const key = keyOf(spaceId, id);
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const values = this.#find.get(spaceId, id) as unknown as PackedRows | undefined;
    if (values === undefined) return null;
    const row = checkedRow(values, this.#sealer);
    const held: Superseded = {
      spaceId,
      row,
      seq: values[RECORD_WIDTH] as number,
      entry: values[RECORD_WIDTH + 2] as number,
      times: row.times === null ? undefined : parseTimes(row.times),
      isChanged: false,
      isCut: false,
    };
    this.#held.set(key, held);
    this.#heldChars += ROW_CHARS + row.text.length + row.metadata.length;
    return held;
  }
}

/** Throws `DamageError` where the row is not what was written; rows from before there were sums have none. */
function checkedSupersession({ spaceId, row }: Superseded, values: unknown): Supersession {
  const [fromMs, recordedAtMs, by, sum] = values as [number, number, string, number | null];
  const supersession = { by, fromMs, recordedAtMs };
  if (sum !== null && sum !== supersessionSum(spaceId, row.id, supersession))
    throw new DamageError('who supersedes a context is not what was written');
  return supersession;
}

function keyOf(spaceId: number, id: string): string {
  return `${spaceId}\0${id}`;
}

function timedOf({ row: { createdAtMs }, times }: Superseded) {
  return { createdAtMs, ...(times === undefined ? {} : { times }) };
}

function isListed({ times }: Superseded, by: string): boolean {
  return times?.superseded?.some((one) => one.by === by) === true;
}

function patch(held: Superseded, times: TimesPatch): void {
  held.times = patchedTimes(held.times, times);
  held.isChanged = true;
}

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}
