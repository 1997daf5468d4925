// The write operations as SQL, inside a transaction that the caller opens and ends.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { deriveFromText } from './derived-text.ts';
import { placeAfter, staysForGood } from '../../apply-patch.ts';
import { decideTransfer } from '../../transfer.ts';
import type { ContextPatch } from '../../store.ts';
import { changeOf, type Effect, moveOf } from './effects.ts';
import { LevelQueues, MOVE_SQL, moveValues } from './level-queues.ts';
import type { WireVectors, WireWriteOp, WireWriteResult } from '../border/messages.ts';
import { ConditionCheck } from './conditions.ts';
import { ErasureTally } from './erasure-tally.ts';
import { RowUpdates } from './row-updates.ts';
import { type LevelOwner, OwnerCounts } from './owner-counts.ts';
import {
  packMoved,
  packRows,
  type PackedRows,
  type RecordRow,
  toPlace,
  toPlaceColumns,
  toRecord,
  toRow,
} from '../border/rows.ts';
import { CHECKED_COLUMNS, checkedRow } from './row-checksums.ts';
import type { Sealer } from './sealer.ts';
import type { Sequence } from './sequence.ts';
import type { Space, Spaces } from './spaces.ts';
import { supersededIn, Supersessions } from './supersessions.ts';
import type { RowVectors, StoredPassages } from './stored-passages.ts';
import { isDamage } from './sqlite-errors.ts';
import { analyzed, asColumnsSay, isOver, storedColumns, type StoredRow, toStored } from './stored-row.ts';

type OpOf<K extends WireWriteOp['op']> = Extract<WireWriteOp, { readonly op: K }>;

/** One call's circumstances: its vectors, its time, and where its effects go. */
export interface WriteContext {
  readonly nowMs: number;
  readonly effects: Effect[];
  /** Those of the call's message that are named; views, to be copied by whoever keeps them. */
  vectors(wire: WireVectors): RowVectors;
  /** The row at this place of the call's message. */
  row(place: number): RecordRow;
}

interface TransferredPlace {
  readonly entered?: number;
  readonly seq?: number | undefined;
}

export class Writer {
  readonly #spaces: Spaces;
  readonly #sequence: Sequence;
  readonly #counts: OwnerCounts;
  readonly #queues: LevelQueues;
  readonly #updates: RowUpdates;
  readonly #conditions: ConditionCheck;
  readonly #record: StatementSync;
  readonly #recordBySeq: StatementSync;
  readonly #stored: StatementSync;
  readonly #move: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteVector: StatementSync;
  readonly #deleteAccesses: StatementSync;
  readonly #passages: StoredPassages;
  readonly #supersessions: Supersessions;
  readonly #sealer: Sealer | null;

  constructor(
    database: DatabaseSync,
    spaces: Spaces,
    sequence: Sequence,
    passages: StoredPassages,
    sealer: Sealer | null,
    packFromBytes: number,
  ) {
    this.#sealer = sealer;
    this.#spaces = spaces;
    this.#sequence = sequence;
    this.#counts = new OwnerCounts(database);
    this.#passages = passages;
    this.#queues = new LevelQueues(database, this.#counts, passages, sealer, packFromBytes);
    this.#record = rows(database, `SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ?`);
    this.#recordBySeq = rows(database, `SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#stored = rows(
      database,
      `SELECT ${storedColumns(sealer)} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ?`,
    );
    this.#updates = new RowUpdates(database, sequence, this.#counts, passages, sealer, packFromBytes);
    this.#conditions = new ConditionCheck(database, passages, sealer);
    this.#supersessions = new Supersessions(database, sealer);
    this.#move = database.prepare(MOVE_SQL);
    this.#delete = database.prepare('DELETE FROM contexts WHERE seq = ?');
    this.#deleteVector = database.prepare('DELETE FROM vectors WHERE seq = ?');
    this.#deleteAccesses = database.prepare('DELETE FROM accesses WHERE seq = ?');
  }

  /** The last of the operations whose effects are collected: before it, the database does not tell all that they did. */
  flush(effects: Effect[]): void {
    this.#queues.flush(effects);
    this.#supersessions.flush(effects);
  }

  /** The transaction is rolled back, or a part of it. */
  discard(): void {
    this.#queues.discard();
    this.#supersessions.discard();
  }

  apply(op: WireWriteOp, context: WriteContext): WireWriteResult {
    switch (op.op) {
      case 'put':
        return this.#put(op, context);
      case 'transfer':
        return this.#transfer(op, context);
      case 'update':
        return this.#applyUpdate(op, context);
      case 'delete':
        return this.#deleteIds(op, context);
      case 'trim':
        return this.#trim(op, context);
    }
  }

  #put(op: OpOf<'put'>, context: WriteContext): WireWriteResult {
    const space = this.#spaces.getOrCreate(op.namespace);
    const row = context.row(op.row);
    const { id } = row;
    const supersedes = supersededIn(row.times);
    // What an earlier operation has put is written before others look for it.
    if (supersedes.length > 0) this.#queues.flush(context.effects);
    if (!this.#queues.hasNew(space.id, id) && this.#find(space, id) === undefined) {
      return this.#putUnknown(space, row, op, context);
    }
    this.flush(context.effects);
    const existing = this.#find(space, id) as StoredRow;
    if (isOver(existing, context.nowMs)) {
      // Its lifetime has ended and the sweep has not come by yet: to every reader it is gone.
      this.remove(space.id, existing, context.effects);
      return this.#putUnknown(space, row, op, context);
    }
    const record = checkedRow(this.#record.get(space.id, id) as unknown as PackedRows, this.#sealer);
    return record.text === row.text ? { existing: packRows([record]) } : 'conflict';
  }

  /** There is none of its id. What it supersedes is looked for before, and told with it. */
  #putUnknown(space: Space, row: RecordRow, op: OpOf<'put'>, context: WriteContext): WireWriteResult {
    const missing = this.#supersessions.missing(space.id, row, context.nowMs);
    if (missing.length > 0) return { missing };
    this.#putNew(space, row, context.vectors(op));
    this.#supersessions.tell(space.id, row, true, context.effects);
    return 'created';
  }

  /** Written at once: `#queues` takes what arrives in the order of `entered`. */
  #transfer(op: OpOf<'transfer'>, context: WriteContext): WireWriteResult {
    this.flush(context.effects);
    const { namespace, entered } = op;
    const space = this.#spaces.getOrCreate(namespace);
    const row = context.row(op.row);
    const existing = this.#find(space, row.id);
    const known =
      existing === undefined
        ? null
        : { record: toRecord(namespace, this.#checked(existing)), entered: existing.entered };
    const taken = { record: toRecord(namespace, row), entered };
    const { outcome, record } = decideTransfer(known, taken, context.nowMs);
    const before = existing?.level ?? null;
    const stored = outcome === 'created' ? row : toRow(record);
    if (outcome === 'created' || outcome === 'replaced') {
      // What a record says that takes its own place, both sides of it have been told.
      if (existing !== undefined) this.#removeRow(space.id, existing, context.effects);
      if (existing !== undefined && outcome === 'created')
        this.#supersessions.withdraw(space.id, existing, context.effects);
      else if (existing !== undefined) this.#supersessions.forget(space.id, existing);
      const seq = outcome === 'replaced' ? existing?.seq : undefined;
      this.#putNew(space, stored, context.vectors(op), { entered, seq });
      this.flush(context.effects);
      this.#supersessions.tell(space.id, stored, false, context.effects);
    }
    return { outcome, before, stored: outcome === 'created' ? null : packRows([stored]) };
  }

  #checked({ seq }: StoredRow): RecordRow {
    return checkedRow(this.#recordBySeq.get(seq) as unknown as PackedRows, this.#sealer);
  }

  /** `place`: of a context that another store or an earlier row has given one. */
  #putNew(space: Space, row: RecordRow, vectors: RowVectors, place: TransferredPlace = {}): void {
    const entry = this.#sequence.next();
    const { entered = entry, seq = entry } = place;
    this.#sequence.raiseTo(entered);
    const { terms, traits } = deriveFromText(row.text, row.metadata);
    const stored: StoredRow = {
      seq,
      entry,
      entered,
      id: row.id,
      agentId: row.agentId,
      sessionId: row.sessionId,
      level: row.level,
      createdAtMs: row.createdAtMs,
      expiresAtMs: row.expiresAtMs,
      expiryAction: row.expiryAction,
      tokenCount: row.tokenCount,
      version: row.version,
      terms,
      traits,
      accessCount: row.accessCount,
      expirySetBy: row.expirySetBy,
      oldText: null,
      oldMetadata: null,
      times: row.times,
    };
    this.#queues.put(space.id, stored, row, vectors);
  }

  #find(space: Space, id: string): StoredRow | undefined {
    const values = this.#stored.get(space.id, id) as unknown as PackedRows | undefined;
    if (values === undefined) return undefined;
    try {
      return toStored(values, this.#sealer);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // It can be deleted, and whoever reads what it says is told.
      return asColumnsSay(values);
    }
  }

  #applyUpdate(op: OpOf<'update'>, context: WriteContext): WireWriteResult {
    this.flush(context.effects);
    const space = this.#spaces.get(op.namespace);
    const stored = space && this.#find(space, op.id);
    if (space === undefined || stored === undefined) return { failed: 'not_found' };
    const isHousekeeping = op.updatedAtMs === null;
    if ((!isHousekeeping && isOver(stored, context.nowMs)) || !this.#conditions.of(op.onlyIf)(stored))
      return { failed: 'not_found' };
    if (op.ifVersion !== null && op.ifVersion !== stored.version)
      return { failed: 'version_conflict', version: stored.version };
    const record = this.#updates.run(space.id, stored, op, context);
    if (op.times?.validFromMs !== undefined) {
      this.#supersessions.forget(space.id, stored);
      this.#supersessions.tell(space.id, record, false, context.effects);
    }
    return { updated: packRows([record]) };
  }

  #deleteIds(op: OpOf<'delete'>, context: WriteContext): WireWriteResult {
    this.flush(context.effects);
    const space = this.#spaces.get(op.namespace);
    const applies = this.#conditions.of(op.onlyIf);
    const deletedIds: string[] = [];
    const tally = op.tally && new ErasureTally();
    for (const id of op.ids) {
      if (space !== undefined) this.#supersessions.flushOne(space.id, id, context.effects);
      const stored = space && this.#find(space, id);
      if (space === undefined || stored === undefined || !applies(stored)) continue;
      tally?.add(stored, this.#passages.readBeside(stored.seq));
      this.remove(space.id, stored, context.effects);
      if (tally !== undefined) tally.supersessions += this.#supersessions.forgetSuperseded(space.id, id);
      deletedIds.push(id);
    }
    return tally === undefined ? { deletedIds } : { deletedIds, tally };
  }

  #trim(op: OpOf<'trim'>, { effects }: WriteContext): WireWriteResult {
    const { level, agentId, sessionId, keep, move } = op;
    const space = this.#spaces.get(op.namespace);
    if (space === undefined) return { moved: [], deletedIds: [] };
    this.#supersessions.flush(effects);
    const owner: LevelOwner = { spaceId: space.id, level, agentId, sessionId };
    if (move === null) {
      this.flush(effects);
      const overflow = this.#queues.stored(owner, keep).filter((stored) => !staysForGood(toPlace(stored)));
      for (const stored of overflow) this.remove(space.id, stored, effects);
      return { moved: [], deletedIds: overflow.map(({ id }) => id) };
    }
    if (!this.#queues.canTake(owner)) this.flush(effects);
    const moved = this.#queues.take(owner, keep).map((unwritten) => {
      const row = this.#placed(unwritten.row, { move });
      this.#queues.move(unwritten, row);
      return row;
    });
    return { moved: packMoved(moved), deletedIds: [] };
  }

  /** Everything is written. What it superseded is told that it is gone. */
  remove(spaceId: number, stored: StoredRow, effects: Effect[]): void {
    this.#removeRow(spaceId, stored, effects);
    this.#supersessions.withdraw(spaceId, stored, effects);
  }

  #removeRow(spaceId: number, stored: StoredRow, effects: Effect[]): void {
    this.#supersessions.flushOne(spaceId, stored.id, effects);
    this.#delete.run(stored.seq);
    this.#deleteVector.run(stored.seq);
    this.#passages.delete(stored.seq);
    this.#deleteAccesses.run(stored.seq);
    this.#counts.addContext(spaceId, stored.level, stored.agentId, stored.sessionId, -1);
    effects.push({ kind: 'remove', spaceId, level: stored.level, entry: stored.entry, terms: analyzed(stored).terms });
  }

  /** Everything is written. Its level or its lifetime changes, and nothing else. */
  place(spaceId: number, stored: StoredRow, patch: ContextPatch, effects: Effect[]): RecordRow {
    // What the caller has removed since it read the row may have superseded it.
    this.#supersessions.flushOne(spaceId, stored.id, effects);
    const { times } = this.#checked(stored);
    const placed = this.#placed({ ...stored, times }, patch);
    this.#move.run(...moveValues(spaceId, placed));
    this.#counts.moveContext(spaceId, stored, placed.level);
    effects.push(placed.entry === stored.entry ? changeOf(spaceId, placed) : moveOf(spaceId, stored, placed));
    return this.#checked(stored);
  }

  #placed(stored: StoredRow, patch: ContextPatch): StoredRow {
    const { level, expiresAtMs, expiryAction, expirySetBy } = toPlaceColumns(placeAfter(toPlace(stored), patch));
    const hasMoved = level !== stored.level;
    const entry = hasMoved ? this.#sequence.next() : stored.entry;
    const entered = hasMoved ? entry : stored.entered;
    // Each by its name: V8 copies one object and sets what follows much faster than it merges two.
    return { ...stored, level, expiresAtMs, expiryAction, expirySetBy, entry, entered };
  }
}

function rows(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}
