// The write operations as SQL, inside a transaction that the caller opens and ends.

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import { type Derived, deriveFromText } from './derived-text.ts';
import type { Effect } from './effects.ts';
import { filterToSql } from './filter-sql.ts';
import type { WireWriteOp, WireWriteResult } from '../messages.ts';
import { type LevelNumber, RECORD_COLUMNS, type RecordRow } from './rows.ts';
import type { Sequence } from './sequence.ts';
import type { Space, Spaces } from './spaces.ts';
import { derivedOf, hiddenFrom, isOver, STORED_COLUMNS, type StoredRow, toDocument } from './stored-row.ts';

type OpOf<K extends WireWriteOp['op']> = Extract<WireWriteOp, { readonly op: K }>;

/** One call's circumstances: its vectors, its time, and where its effects go. */
export interface WriteContext {
  readonly nowMs: number;
  readonly effects: Effect[];
  /** The vector at this place of the call's message; a view, to be copied by whoever keeps it. */
  vector(place: number): Float32Array;
}

/** Rows read at a time on their way to be deleted. */
const DELETED_AT_ONCE = 1_000;

export interface Move {
  readonly level: LevelNumber;
  readonly expiresAtMs: number | null;
  readonly action: number;
}

export class Writer {
  readonly #database: DatabaseSync;
  readonly #spaces: Spaces;
  readonly #sequence: Sequence;
  readonly #insert: StatementSync;
  readonly #insertVector: StatementSync;
  readonly #updateVector: StatementSync;
  readonly #record: StatementSync;
  readonly #recordBySeq: StatementSync;
  readonly #stored: StatementSync;
  readonly #update: StatementSync;
  readonly #move: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteVector: StatementSync;
  readonly #deleteAccesses: StatementSync;
  readonly #overflow: { readonly all: StatementSync; readonly session: StatementSync; readonly sessionless: StatementSync };

  constructor(database: DatabaseSync, spaces: Spaces, sequence: Sequence) {
    this.#database = database;
    this.#spaces = spaces;
    this.#sequence = sequence;
    this.#insert = database.prepare(`INSERT INTO contexts (seq, namespace_id, level, entry, entered, id, agent_id, session_id,
      created_at, updated_at, expires_at, expiry_action, version, access_count, token_count, tags, metadata,
      analyzer, terms, traits, text) VALUES (${new Array(21).fill('?').join(', ')})
      ON CONFLICT (namespace_id, id) DO NOTHING`);
    this.#insertVector = database.prepare('INSERT INTO vectors VALUES (?, ?)');
    this.#updateVector = database.prepare('UPDATE vectors SET vector = ? WHERE seq = ?');
    this.#record = rows(database, `SELECT ${RECORD_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ?`);
    this.#recordBySeq = rows(database, `SELECT ${RECORD_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#stored = database.prepare(`SELECT ${STORED_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ?`);
    this.#update = database.prepare(`UPDATE contexts SET version = version + 1, updated_at = ?, entry = ?, entered = ?, level = ?,
      expires_at = ?, expiry_action = ?, metadata = coalesce(?, metadata), tags = coalesce(?, tags),
      text = coalesce(?, text), token_count = coalesce(?, token_count), terms = coalesce(?, terms), traits = coalesce(?, traits), analyzer = coalesce(?, analyzer)
      WHERE seq = ?`);
    this.#move = database.prepare(`UPDATE contexts SET level = ?, entry = ?, entered = ?, expires_at = ?, expiry_action = ?
      WHERE seq = ?`);
    this.#delete = database.prepare('DELETE FROM contexts WHERE seq = ?');
    this.#deleteVector = database.prepare('DELETE FROM vectors WHERE seq = ?');
    this.#deleteAccesses = database.prepare('DELETE FROM accesses WHERE seq = ?');
    const overflow = (owner: string) =>
      database.prepare(`SELECT ${STORED_COLUMNS} FROM contexts AS c
        WHERE c.namespace_id = ? AND c.level = ? AND c.agent_id = ? ${owner} ORDER BY c.entered DESC LIMIT -1 OFFSET ?`);
    this.#overflow = {
      all: overflow(''),
      session: overflow('AND c.session_id = ?'),
      sessionless: overflow('AND c.session_id IS NULL'),
    };
  }

  apply(op: WireWriteOp, context: WriteContext): WireWriteResult {
    switch (op.op) {
      case 'put': return this.#put(op, context);
      case 'update': return this.#applyUpdate(op, context);
      case 'delete': return this.#deleteIds(op, context);
      case 'delete_where': return this.#deleteWhere(op, context);
      case 'trim': return this.#trim(op, context);
    }
  }

  #put(op: OpOf<'put'>, context: WriteContext): WireWriteResult {
    const space = this.#spaces.getOrCreate(op.namespace);
    const inserted = this.#insertRow(space, op, context);
    if (inserted) return 'created';
    const existing = this.#stored.get(space.id, op.row[0]) as unknown as StoredRow;
    if (isOver(existing, context.nowMs)) {
      // Its lifetime has ended and the sweep has not come by yet: to every reader it is gone.
      this.remove(space.id, existing, context.effects);
      this.#insertRow(space, op, context);
      return 'created';
    }
    const record = this.#record.get(space.id, op.row[0]) as unknown as RecordRow;
    return record[4] === op.row[4] ? { existing: record } : 'conflict';
  }

  #insertRow(space: Space, op: OpOf<'put'>, context: WriteContext): boolean {
    const [id, agentId, sessionId, level, text, tokenCount, metadata, tags, version, createdAtMs, updatedAtMs, expiresAtMs, action, accessCount] = op.row;
    const derived = deriveFromText(text);
    const entry = this.#sequence.next();
    const { changes } = this.#insert.run(
      entry, space.id, level, entry, entry, id, agentId, sessionId, createdAtMs, updatedAtMs, expiresAtMs, action,
      version, accessCount, tokenCount, tags, metadata, ANALYZER_VERSION, derived.terms, derived.traits, text,
    );
    if (changes === 0) return false;
    const vector = context.vector(op.vector);
    this.#insertVector.run(entry, bytesOf(vector));
    const hiddenFromMs = hiddenFrom(expiresAtMs, action);
    const document = { seq: entry, entry, id, agentId, sessionId, level, createdAtMs, tokenCount, accessCount, hiddenFromMs, ...derived };
    context.effects.push({ kind: 'add', spaceId: space.id, document, vector });
    return true;
  }

  #applyUpdate(op: OpOf<'update'>, context: WriteContext): WireWriteResult {
    const space = this.#spaces.get(op.namespace);
    const stored = space && (this.#stored.get(space.id, op.id) as unknown as StoredRow | undefined);
    if (space === undefined || stored === undefined || isOver(stored, context.nowMs)) return { failed: 'not_found' };
    if (op.ifVersion !== null && op.ifVersion !== stored.version) return { failed: 'version_conflict', version: stored.version };
    const moves = op.level !== null && op.level !== stored.level;
    const entry = moves || op.text !== null ? this.#sequence.next() : stored.entry;
    const expiresAtMs = op.expiry === null ? stored.expires_at : op.expiry.atMs;
    const action = op.expiry === null ? stored.expiry_action : op.expiry.action;
    const derived = op.text === null ? null : deriveFromText(op.text.text);
    this.#update.run(
      op.updatedAtMs, entry, moves ? entry : stored.entered, op.level ?? stored.level, expiresAtMs, action,
      op.metadata, op.tags, op.text?.text ?? null, op.text?.tokenCount ?? null, derived?.terms ?? null, derived?.traits ?? null,
      derived === null ? null : ANALYZER_VERSION,
      stored.seq,
    );
    const changed: StoredRow = {
      ...stored, entry, level: op.level ?? stored.level, expires_at: expiresAtMs, expiry_action: action,
      token_count: op.text?.tokenCount ?? stored.token_count,
    };
    this.#reportUpdate(space.id, stored, changed, derived, op, context);
    return { updated: this.#recordBySeq.get(stored.seq) as unknown as RecordRow };
  }

  #reportUpdate(
    spaceId: number, before: StoredRow, after: StoredRow, derived: Derived | null, op: OpOf<'update'>, context: WriteContext,
  ): void {
    if (op.text !== null && derived !== null) {
      const vector = context.vector(op.text.vector);
      this.#updateVector.run(bytesOf(vector), before.seq);
      context.effects.push({ kind: 'remove', spaceId, level: before.level, entry: before.entry, terms: derivedOf(before).terms });
      context.effects.push({ kind: 'add', spaceId, document: toDocument(after, derived), vector });
    } else if (after.entry !== before.entry) {
      const document = toDocument(after, derivedOf(before));
      context.effects.push({ kind: 'move', spaceId, from: before.level, oldEntry: before.entry, document });
    } else {
      const hiddenFromMs = hiddenFrom(after.expires_at, after.expiry_action);
      context.effects.push({ kind: 'change', spaceId, entry: after.entry, hiddenFromMs });
    }
  }

  #deleteIds(op: OpOf<'delete'>, context: WriteContext): WireWriteResult {
    const space = this.#spaces.get(op.namespace);
    const deletedIds: string[] = [];
    for (const id of op.ids) {
      const stored = space && (this.#stored.get(space.id, id) as unknown as StoredRow | undefined);
      if (space === undefined || stored === undefined) continue;
      this.remove(space.id, stored, context.effects);
      deletedIds.push(id);
    }
    return { deletedIds };
  }

  #deleteWhere(op: OpOf<'delete_where'>, context: WriteContext): WireWriteResult {
    const space = this.#spaces.get(op.namespace);
    if (space === undefined) return { deletedIds: [] };
    const parameters: SQLInputValue[] = [space.id];
    let where = 'c.namespace_id = ?';
    if (op.level !== null) {
      where += ' AND c.level = ?';
      parameters.push(op.level);
    }
    if (op.filter !== null) {
      const condition = filterToSql(op.filter);
      where += ` AND ${condition.sql}`;
      parameters.push(...condition.parameters);
    }
    // A level may hold millions: what is deleted does not match again, so the next ones come up.
    const matching = this.#database.prepare(`SELECT ${STORED_COLUMNS} FROM contexts AS c WHERE ${where} LIMIT ${DELETED_AT_ONCE}`);
    const deletedIds: string[] = [];
    for (;;) {
      const found = matching.all(...parameters) as unknown as StoredRow[];
      for (const stored of found) {
        this.remove(space.id, stored, context.effects);
        deletedIds.push(stored.id);
      }
      if (found.length < DELETED_AT_ONCE) return { deletedIds };
    }
  }

  #trim(op: OpOf<'trim'>, context: WriteContext): WireWriteResult {
    const space = this.#spaces.get(op.namespace);
    if (space === undefined || (space.counts[op.level - 1] as number) + context.effects.length <= op.keep) {
      return { moved: [], deletedIds: [] };
    }
    const overflow = this.#overflowing(space.id, op).reverse();
    if (op.moveTo === null) {
      for (const stored of overflow) this.remove(space.id, stored, context.effects);
      return { moved: [], deletedIds: overflow.map(({ id }) => id) };
    }
    const { moveTo } = op;
    return { moved: overflow.map((stored) => this.move(space.id, stored, moveTo, context.effects)), deletedIds: [] };
  }

  /** Newest first. */
  #overflowing(spaceId: number, op: OpOf<'trim'>): StoredRow[] {
    const { level, agentId, sessionId, keep } = op;
    const found: Record<string, SQLOutputValue>[] =
      sessionId === undefined
        ? this.#overflow.all.all(spaceId, level, agentId, keep)
        : sessionId === null
          ? this.#overflow.sessionless.all(spaceId, level, agentId, keep)
          : this.#overflow.session.all(spaceId, level, agentId, sessionId, keep);
    return found as unknown as StoredRow[];
  }

  remove(spaceId: number, stored: StoredRow, effects: Effect[]): void {
    this.#delete.run(stored.seq);
    this.#deleteVector.run(stored.seq);
    this.#deleteAccesses.run(stored.seq);
    effects.push({ kind: 'remove', spaceId, level: stored.level, entry: stored.entry, terms: derivedOf(stored).terms });
  }

  /** A lifetime that ends in deletion was given by the client and stays; any other gives way to the new level's. */
  move(spaceId: number, stored: StoredRow, to: Move, effects: Effect[]): RecordRow {
    const entry = this.#sequence.next();
    const keepsOwn = hiddenFrom(stored.expires_at, stored.expiry_action) !== Infinity;
    const expiresAtMs = keepsOwn ? stored.expires_at : to.expiresAtMs;
    const action = keepsOwn ? stored.expiry_action : to.action;
    this.#move.run(to.level, entry, entry, expiresAtMs, action, stored.seq);
    const moved: StoredRow = { ...stored, entry, level: to.level, expires_at: expiresAtMs, expiry_action: action };
    const document = toDocument(moved, derivedOf(stored));
    effects.push({ kind: 'move', spaceId, from: stored.level, oldEntry: stored.entry, document });
    return this.#recordBySeq.get(stored.seq) as unknown as RecordRow;
  }
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function rows(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}
