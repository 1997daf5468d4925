// Vectors of another model, in a file of their own beside the database, until they take the place of the old ones. A
// vector counts for as long as its context says what it said when the vector was made.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { StartupError } from '../../../base/errors.ts';
import type { EmbeddingIdentity } from '../../reembedding.ts';
import type { TextVectors } from '../../store.ts';
import { inTransaction } from './in-transaction.ts';
import type { Sealer } from './sealer.ts';
import { isDamage, SQLITE_BUSY, sqliteCode } from './sqlite-errors.ts';

const PRIVATE_FILE = 0o600;
const DIGEST_BYTES = 16;
const NAME_CHARS_MAX = 64;
const REFUSED = 'refused';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS vectors (
    seq INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    vectors BLOB NOT NULL,
    refusal TEXT
  ) STRICT;
`;

/** What a vector was made of. */
export interface TextRow {
  readonly seq: number;
  readonly namespaceId: number;
  readonly id: string;
  readonly text: string;
}

export interface NewVector extends TextVectors {
  readonly row: TextRow;
  /** Why the model has none for the text: then `vector` is zero, as that of a text without any feature. */
  readonly refusal: string | null;
}

/** As the database keeps them. */
export interface VectorBytes {
  readonly vector: Uint8Array;
  /** One after another; null: there are none. */
  readonly passages: Uint8Array | null;
  readonly isRefused: boolean;
}

export class NewVectors {
  readonly #database: DatabaseSync;
  readonly #bytes: number;
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #sealer: Sealer | null;

  /** `database`: as `open` leaves it. */
  constructor(database: DatabaseSync, dimension: number, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#database = database;
    this.#bytes = dimension * Float32Array.BYTES_PER_ELEMENT;
    this.#find = database.prepare('SELECT digest, checksum, vectors, refusal FROM vectors WHERE seq = ?');
    this.#find.setReturnArrays(true);
    this.#put = database.prepare('INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?)');
  }

  /** Made where it is missing. Throws `StartupError` where another process has it open, or it is damaged. */
  static open(dataDir: string, embedding: EmbeddingIdentity, sealer: Sealer | null): NewVectors {
    const path = newVectorsPath(dataDir, embedding);
    // SQLite gives its log the mode of the main file.
    if (!existsSync(path)) closeSync(openSync(path, 'a', PRIVATE_FILE));
    const database = new DatabaseSync(path);
    try {
      // Held until it is closed, and by no two processes.
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      database.exec(SCHEMA);
      return new NewVectors(database, embedding.dimension, sealer);
    } catch (error) {
      database.close();
      throw explain(error, path);
    }
  }

  /** The row's vectors; null where it has none yet, or says something else since. */
  of(row: TextRow): VectorBytes | null {
    const found = this.#find.get(row.seq) as unknown as [Uint8Array, number, Uint8Array, string | null] | undefined;
    if (found === undefined) return null;
    const [digest, checksum, stored, refusal] = found;
    if (!this.#digestOf(row).equals(digest)) return null;
    const vectors = this.#opened(row, stored);
    if (vectors === null) return null;
    const { byteLength } = vectors;
    const isWhole = byteLength > 0 && byteLength % this.#bytes === 0 && crc32(vectors) === checksum;
    if (!isWhole) return null;
    return {
      vector: vectors.subarray(0, this.#bytes),
      passages: byteLength === this.#bytes ? null : vectors.subarray(this.#bytes),
      isRefused: refusal !== null,
    };
  }

  /** On disk when it returns. */
  put(vectors: readonly NewVector[]): void {
    inTransaction(this.#database, () => {
      for (const { row, vector, passages = [], refusal } of vectors) {
        const bytes = Buffer.concat([vector, ...passages].map(bytesOf));
        const sealed = this.#sealer?.seal(bytes, placeOf(row)) ?? bytes;
        // What a service says of a text may quote it.
        const told = this.#sealer === null || refusal === null ? refusal : REFUSED;
        this.#put.run(row.seq, this.#digestOf(row), crc32(bytes), sealed, told);
      }
    });
  }

  /** null: it is not what was sealed, and made again. */
  #opened(row: TextRow, stored: Uint8Array): Uint8Array | null {
    if (this.#sealer === null) return stored;
    try {
      return this.#sealer.open(stored, placeOf(row));
    } catch (error) {
      if (isDamage(error)) return null;
      throw error;
    }
  }

  #digestOf({ namespaceId, id, text }: TextRow): Buffer {
    if (this.#sealer !== null) return this.#sealer.blind(`${namespaceId}\0${id}\0${text}`).subarray(0, DIGEST_BYTES);
    return createHash('sha256').update(`${namespaceId}\0${id}\0`).update(text).digest().subarray(0, DIGEST_BYTES);
  }

  /** What the model refused counts as missing again: its service may have been set up otherwise since. */
  forgetRefused(): void {
    this.#database.exec('DELETE FROM vectors WHERE refusal IS NOT NULL');
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

export function newVectorsPath(dataDir: string, { id, dimension }: EmbeddingIdentity): string {
  const name = id.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(-NAME_CHARS_MAX);
  // Two models whose names differ in other signs alone have two files, also where file systems know no case.
  const suffix = createHash('sha256').update(`${id}\0${dimension}`).digest('hex').slice(0, 8);
  return join(dataDir, `contexts.reembedded-${name}-${suffix}.db`);
}

export function hasNewVectors(dataDir: string, embedding: EmbeddingIdentity): boolean {
  return existsSync(newVectorsPath(dataDir, embedding));
}

/** Nobody has them open. */
export function removeNewVectors(dataDir: string, embedding: EmbeddingIdentity): void {
  const path = newVectorsPath(dataDir, embedding);
  for (const file of [`${path}-wal`, `${path}-shm`, path]) rmSync(file, { force: true });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function placeOf({ seq, namespaceId, id }: TextRow): string {
  return `new vectors of row/${seq}/${namespaceId}/${id}`;
}

function explain(error: unknown, path: string): unknown {
  if (sqliteCode(error) === SQLITE_BUSY) {
    return new StartupError(
      `another process is re-embedding into ${path}`,
      'Wait until `context-manager reembed` has ended, or stop it: what it did is kept.',
      error,
    );
  }
  if (isDamage(error)) {
    return new StartupError(
      `${path} is damaged`,
      'Nothing was changed. Delete it and run `context-manager reembed` again.',
      error,
    );
  }
  return error;
}
