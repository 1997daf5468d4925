// What a context has beside its vector: those of further passages, or the reason why it has none. Most databases hold
// neither: then nobody asks their tables for any.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Unembedded } from '../../store.ts';
import { openVectors, sealedVectors } from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import { UNEMBEDDED_STATES } from './scan-sql.ts';
import { unembeddedSum } from './small-sums.ts';
import { DamageError } from './sqlite-errors.ts';

/** The vectors of one text. */
export interface RowVectors {
  readonly vector: Float32Array;
  /** Those of its further passages, one after another; null: there are none. */
  readonly passages: Float32Array | null;
  /** Why `vector` is zero; null: it need not be. */
  readonly unembedded: Unembedded | null;
}

export type ReadPassages = Pick<StoredPassages, 'isEmpty' | 'read'>;

export class StoredPassages {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #read: StatementSync;
  readonly #insertState: StatementSync;
  readonly #deleteState: StatementSync;
  readonly #state: StatementSync;
  #isEmpty: boolean;
  #allEmbedded: boolean;
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#insert = database.prepare('INSERT INTO passages (seq, vectors) VALUES (?, ?)');
    this.#delete = database.prepare('DELETE FROM passages WHERE seq = ?');
    this.#read = database.prepare('SELECT vectors FROM passages WHERE seq = ?');
    this.#read.setReturnArrays(true);
    this.#insertState = database.prepare('INSERT INTO unembedded (seq, state, sum) VALUES (?, ?, ?)');
    this.#deleteState = database.prepare('DELETE FROM unembedded WHERE seq = ?');
    this.#state = database.prepare('SELECT state, sum FROM unembedded WHERE seq = ?');
    this.#isEmpty = isEmptyTable(database, 'passages');
    this.#allEmbedded = isEmptyTable(database, 'unembedded');
  }

  /** False: there may be some. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Of a context that has nothing beside its vector; inside a transaction only. */
  add(seq: number, { passages, unembedded }: Omit<RowVectors, 'vector'>): void {
    if (unembedded !== null) {
      this.#allEmbedded = false;
      const state = UNEMBEDDED_STATES[unembedded];
      this.#insertState.run(seq, state, unembeddedSum(seq, state));
    }
    if (passages === null) return;
    this.#isEmpty = false;
    this.#insert.run(seq, sealedVectors(this.#sealer, 'passages', seq, passages));
  }

  delete(seq: number): void {
    if (!this.#isEmpty) this.#delete.run(seq);
    if (!this.#allEmbedded) this.#deleteState.run(seq);
  }

  /** null: there are none. */
  read(seq: number): Float32Array | null {
    const bytes = this.readBytes(seq);
    return bytes === null ? null : toNumbers(bytes);
  }

  readBeside(seq: number): Omit<RowVectors, 'vector'> {
    return { passages: this.read(seq), unembedded: this.stateOf(seq) };
  }

  /** null: it has its vector. Throws `DamageError` where what says so is not what was written. */
  stateOf(seq: number): Unembedded | null {
    const row = this.#allEmbedded ? undefined : (this.#state.get(seq) as { state: number; sum: number } | undefined);
    if (row === undefined) return null;
    if (row.sum !== unembeddedSum(seq, row.state))
      throw new DamageError(`what row ${seq} of the database lacks is not what was written`);
    return row.state === UNEMBEDDED_STATES.pending ? 'pending' : 'refused';
  }

  readBytes(seq: number): Uint8Array | null {
    if (this.#isEmpty) return null;
    const row = this.#read.get(seq) as unknown as [Uint8Array] | undefined;
    return row === undefined ? null : openVectors(this.#sealer, 'passages', seq, row[0]);
  }
}

function isEmptyTable(database: DatabaseSync, table: 'passages' | 'unembedded'): boolean {
  const { found } = database.prepare(`SELECT EXISTS (SELECT 1 FROM ${table}) AS found`).get() as { found: number };
  return found === 0;
}

/** The numbers of a blob of float32, little-endian; a view of it where it lies as it must. */
export function toNumbers(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 !== 0) return new Float32Array(bytes.slice().buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
