// What an update does to a row, and to the indexes that know it.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import type { WireVectors, WireWriteOp } from '../border/messages.ts';
import { placeAfter } from '../../apply-patch.ts';
import { ADD_ACCESSES_SQL } from './access-counts.ts';
import { speakerInJson } from '../../../base/text/told-speaker.ts';
import { deriveFromText } from './derived-text.ts';
import { changeOf, type Effect, moveOf, rewordingOf } from './effects.ts';
import type { OwnerCounts } from './owner-counts.ts';
import { CHECKED_COLUMNS, checkedRow, contentSum, stateSum, storedIn } from './row-checksums.ts';
import { type PackedRows, type RecordRow, toPlace, toPlaceColumns } from '../border/rows.ts';
import { patchedJson } from '../border/times.ts';
import type { Sequence } from './sequence.ts';
import {
  NO_TERMS,
  sealedTerms,
  sealedVectors,
  storedContents,
  termsSum,
  textColumn,
  visible,
} from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import type { RowVectors, StoredPassages } from './stored-passages.ts';
import { analyzed, type StoredRow } from './stored-row.ts';

type Update = Extract<WireWriteOp, { readonly op: 'update' }>;

/** The call's vectors, and where its effects go. */
export interface UpdateContext {
  readonly effects: Effect[];
  vectors(wire: WireVectors): RowVectors;
}

export class RowUpdates {
  readonly #sequence: Sequence;
  readonly #counts: OwnerCounts;
  readonly #passages: StoredPassages;
  readonly #record: StatementSync;
  readonly #update: StatementSync;
  readonly #updateVector: StatementSync;
  readonly #addAccesses: StatementSync;
  readonly #sealer: Sealer | null;
  readonly #packFromBytes: number;

  constructor(
    database: DatabaseSync,
    sequence: Sequence,
    counts: OwnerCounts,
    passages: StoredPassages,
    sealer: Sealer | null,
    packFromBytes: number,
  ) {
    this.#sealer = sealer;
    this.#packFromBytes = packFromBytes;
    this.#sequence = sequence;
    this.#counts = counts;
    this.#passages = passages;
    this.#record = database.prepare(`SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#record.setReturnArrays(true);
    this.#update = database.prepare(`UPDATE contexts SET version = ?, updated_at = ?, entry = ?, entered = ?, level = ?,
      expires_at = ?, expiry_action = ?, expiry_by = ?, metadata = ?, tags = ?, text = ?, token_count = ?,
      terms = coalesce(?, terms), traits = coalesce(?, traits), analyzer = coalesce(?, analyzer), times = ?, content_sum = ?, state_sum = ?,
      sealed = ?, sealed_terms = coalesce(?, sealed_terms), terms_sum = coalesce(?, terms_sum) WHERE seq = ?`);
    this.#updateVector = database.prepare('UPDATE vectors SET vector = ? WHERE seq = ?');
    this.#addAccesses = database.prepare(ADD_ACCESSES_SQL);
  }

  /** The record as it is afterwards. Everything before is written. */
  run(spaceId: number, stored: StoredRow, op: Update, context: UpdateContext): RecordRow {
    const values = this.#record.get(stored.seq) as unknown as PackedRows;
    const before = checkedRow(values, this.#sealer);
    // What it says already is no new text: it keeps its vector and its place in the indexes.
    const text = op.text === null || op.text.text === before.text ? null : op.text;
    const place = toPlaceColumns(placeAfter(toPlace(stored), op.place));
    const moves = place.level !== stored.level;
    const anew = text ?? op.vectors;
    const entry = moves || anew !== null ? this.#sequence.next() : stored.entry;
    const entered = moves ? entry : stored.entered;
    const record: RecordRow = {
      ...before,
      ...place,
      text: text?.text ?? before.text,
      tokenCount: text?.tokenCount ?? before.tokenCount,
      metadata: op.metadata ?? before.metadata,
      tags: op.tags ?? before.tags,
      version: before.version + (op.updatedAtMs === null ? 0 : 1),
      updatedAtMs: op.updatedAtMs ?? before.updatedAtMs,
      accessCount: before.accessCount + op.accesses,
      times: op.times === null ? before.times : patchedJson(before.times, op.times),
    };
    const says = text !== null || isOfAnother(before.metadata, record.metadata);
    const derived = says ? deriveFromText(record.text, record.metadata) : null;
    const { version, tokenCount, times } = record;
    const changed = { ...stored, ...place, entry, entered, version, tokenCount, times, ...derived };
    const sealer = this.#sealer;
    const rowPlace = { seq: stored.seq, namespaceId: spaceId, id: stored.id };
    const columns = visible(sealer, record);
    // A text that stays is not packed again.
    const contents =
      sealer === null && text === null
        ? storedIn(values)
        : storedContents(sealer, rowPlace, record, this.#packFromBytes);
    const derivedColumns = sealer === null || derived === null ? derived : NO_TERMS;
    this.#update.run(
      version,
      record.updatedAtMs,
      entry,
      entered,
      place.level,
      place.expiresAtMs,
      place.expiryAction,
      place.expirySetBy,
      columns.metadata,
      columns.tags,
      textColumn(contents, columns),
      tokenCount,
      derivedColumns?.terms ?? null,
      derivedColumns?.traits ?? null,
      derived === null ? null : ANALYZER_VERSION,
      times,
      contentSum(record, sealer),
      stateSum(spaceId, changed),
      contents,
      derived === null ? null : sealedTerms(sealer, rowPlace, derived),
      derived === null ? null : termsSum(sealer, derived),
      stored.seq,
    );
    this.#counts.moveContext(spaceId, stored, place.level);
    if (anew !== null) {
      const vectors = context.vectors(anew);
      this.#updateVector.run(sealedVectors(sealer, 'vectors', stored.seq, vectors.vector), stored.seq);
      this.#passages.delete(stored.seq);
      this.#passages.add(stored.seq, vectors);
      const after = text === null ? analyzed(changed) : { ...changed, oldText: null, oldMetadata: null };
      context.effects.push(...rewordingOf(spaceId, stored, after, vectors));
    } else context.effects.push(moves ? moveOf(spaceId, stored, changed) : changeOf(spaceId, changed, derived?.traits));
    if (op.accesses > 0) {
      this.#addAccesses.run(stored.seq, op.accesses);
      context.effects.push({ kind: 'access', spaceId, entry, count: op.accesses });
    }
    return record;
  }
}

/** Whether the metadata tell of another speaker than before. */
function isOfAnother(before: string, after: string): boolean {
  return before !== after && speakerInJson(before).join(' ') !== speakerInJson(after).join(' ');
}
