// What an update does to a row, and to the indexes that know it.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import type { WireWriteOp } from '../border/messages.ts';
import { ADD_ACCESSES_SQL } from './access-counts.ts';
import { deriveFromText } from './derived-text.ts';
import type { Effect } from './effects.ts';
import type { OwnerCounts } from './owner-counts.ts';
import { CHECKED_COLUMNS, checkedRow, contentSum, stateSum } from './row-checksums.ts';
import type { PackedRows, RecordRow } from '../border/rows.ts';
import type { Sequence } from './sequence.ts';
import { analyzed, hiddenFrom, type StoredRow } from './stored-row.ts';

type Update = Extract<WireWriteOp, { readonly op: 'update' }>;

/** The call's vectors, and where its effects go. */
export interface UpdateContext {
  readonly effects: Effect[];
  vector(place: number): Float32Array;
}

export class RowUpdates {
  readonly #sequence: Sequence;
  readonly #counts: OwnerCounts;
  readonly #record: StatementSync;
  readonly #update: StatementSync;
  readonly #updateVector: StatementSync;
  readonly #addAccesses: StatementSync;

  constructor(database: DatabaseSync, sequence: Sequence, counts: OwnerCounts) {
    this.#sequence = sequence;
    this.#counts = counts;
    this.#record = database.prepare(`SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#record.setReturnArrays(true);
    this.#update = database.prepare(`UPDATE contexts SET version = ?, updated_at = ?, entry = ?, entered = ?, level = ?,
      expires_at = ?, expiry_action = ?, metadata = ?, tags = ?, text = ?, token_count = ?,
      terms = coalesce(?, terms), traits = coalesce(?, traits), analyzer = coalesce(?, analyzer), content_sum = ?, state_sum = ? WHERE seq = ?`);
    this.#updateVector = database.prepare('UPDATE vectors SET vector = ? WHERE seq = ?');
    this.#addAccesses = database.prepare(ADD_ACCESSES_SQL);
  }

  /** The record as it is afterwards. Everything before is written. */
  run(spaceId: number, stored: StoredRow, op: Update, context: UpdateContext): RecordRow {
    const moves = op.level !== null && op.level !== stored.level;
    const entry = moves || op.text !== null ? this.#sequence.next() : stored.entry;
    const expiresAtMs = op.expiry === null ? stored.expiresAtMs : op.expiry.atMs;
    const expiryAction = op.expiry === null ? stored.expiryAction : op.expiry.action;
    const derived = op.text === null ? null : deriveFromText(op.text.text);
    const level = op.level ?? stored.level;
    const entered = moves ? entry : stored.entered;
    const before = checkedRow(this.#record.get(stored.seq) as unknown as PackedRows);
    const record: RecordRow = {
      ...before,
      level,
      text: op.text?.text ?? before.text,
      tokenCount: op.text?.tokenCount ?? before.tokenCount,
      metadata: op.metadata ?? before.metadata,
      tags: op.tags ?? before.tags,
      version: before.version + (op.updatedAtMs === null ? 0 : 1),
      updatedAtMs: op.updatedAtMs ?? before.updatedAtMs,
      accessCount: before.accessCount + op.accesses,
      expiresAtMs,
      expiryAction,
    };
    const changed: StoredRow = {
      ...stored,
      entry,
      entered,
      level,
      expiresAtMs,
      expiryAction,
      tokenCount: record.tokenCount,
      version: record.version,
      ...(derived === null ? {} : { ...derived, oldText: null }),
    };
    this.#update.run(
      record.version,
      record.updatedAtMs,
      entry,
      entered,
      level,
      expiresAtMs,
      expiryAction,
      record.metadata,
      record.tags,
      record.text,
      record.tokenCount,
      derived?.terms ?? null,
      derived?.traits ?? null,
      derived === null ? null : ANALYZER_VERSION,
      contentSum(record),
      stateSum(spaceId, changed),
      stored.seq,
    );
    this.#counts.moveContext(spaceId, stored, level);
    this.#report(spaceId, stored, changed, op, context);
    if (op.accesses > 0) {
      this.#addAccesses.run(stored.seq, op.accesses);
      context.effects.push({ kind: 'access', spaceId, entry, count: op.accesses });
    }
    return record;
  }

  #report(spaceId: number, before: StoredRow, after: StoredRow, op: Update, context: UpdateContext): void {
    const { effects } = context;
    if (op.text !== null) {
      const embedding = context.vector(op.text.vector);
      this.#updateVector.run(new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength), before.seq);
      const { level, entry } = before;
      effects.push({ kind: 'remove', spaceId, level, entry, terms: analyzed(before).terms });
      effects.push({ kind: 'add', spaceId, document: after, vector: embedding });
    } else if (after.entry !== before.entry) {
      effects.push({ kind: 'move', spaceId, from: before.level, oldEntry: before.entry, document: analyzed(after) });
    } else {
      effects.push({ kind: 'change', spaceId, entry: after.entry, hiddenFromMs: hiddenFrom(after) });
    }
  }
}
