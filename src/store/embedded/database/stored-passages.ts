// The vectors of the passages behind the first, of contexts whose texts have several. Most databases hold none: then
// nobody asks the table for any.

import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The vectors of one text. */
export interface RowVectors {
  readonly vector: Float32Array;
  /** Those of its further passages, one after another; null: there are none. */
  readonly passages: Float32Array | null;
}

export type ReadPassages = Pick<StoredPassages, 'isEmpty' | 'read'>;

export class StoredPassages {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #read: StatementSync;
  #isEmpty: boolean;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO passages (seq, vectors) VALUES (?, ?)');
    this.#delete = database.prepare('DELETE FROM passages WHERE seq = ?');
    this.#read = database.prepare('SELECT vectors FROM passages WHERE seq = ?');
    this.#read.setReturnArrays(true);
    const { found } = database.prepare('SELECT EXISTS (SELECT 1 FROM passages) AS found').get() as { found: number };
    this.#isEmpty = found === 0;
  }

  /** False: there may be some. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Of a context that has none; inside a transaction only. */
  add(seq: number, passages: Float32Array | null): void {
    if (passages === null) return;
    this.#isEmpty = false;
    this.#insert.run(seq, new Uint8Array(passages.buffer, passages.byteOffset, passages.byteLength));
  }

  delete(seq: number): void {
    if (!this.#isEmpty) this.#delete.run(seq);
  }

  /** null: there are none. */
  read(seq: number): Float32Array | null {
    const bytes = this.readBytes(seq);
    return bytes === null ? null : toNumbers(bytes);
  }

  readBytes(seq: number): Uint8Array | null {
    if (this.#isEmpty) return null;
    const row = this.#read.get(seq) as unknown as [Uint8Array] | undefined;
    return row?.[0] ?? null;
  }
}

/** The numbers of a blob of float32, little-endian; a view of it where it lies as it must. */
export function toNumbers(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 !== 0) return new Float32Array(bytes.slice().buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
