// The texts of a database that a server may have open. It is opened for reading only and for one page at a time: a server
// that starts takes the database for itself, and one that tidies its log must not be held up.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import type { EmbeddingIdentity } from '../../reembedding.ts';
import { damaged } from '../database/database.ts';
import { DATABASE_FILE } from '../database/data-folder.ts';
import type { Random } from '../../../base/random.ts';
import { type SealKeys } from '../border/opening-settings.ts';
import { openSealer } from '../database/seal-state.ts';
import type { Sealer } from '../database/sealer.ts';
import { readEmbedding, type StoredText, textRow } from '../database/embedding-switch.ts';
import { MIGRATIONS, schemaVersion } from '../database/migrations.ts';
import type { TextRow } from '../database/new-vectors.ts';
import { isDamage, meaningOf } from '../database/sqlite-errors.ts';

/** A server that starts or moves its log may have it for a moment. */
const WAIT_MS = 10_000;
const PAGE_ROWS = 256;
const PAGE_CHARS = 1_000_000;

export interface SourceRow extends TextRow {
  readonly namespace: string;
}

/** Its methods throw `StartupError` where the database cannot be read. */
export class TextSource {
  readonly #path: string;
  readonly #keys: SealKeys;
  readonly #random: Random;
  /** Of the database as `embedding` found it; null: nothing is sealed. */
  sealer: Sealer | null = null;

  constructor(dataDir: string, keys: SealKeys, random: Random) {
    this.#path = join(dataDir, DATABASE_FILE);
    this.#keys = keys;
    this.#random = random;
  }

  /** What the stored vectors are made by; null where nothing is stored. Throws `StartupError`. */
  embedding(): EmbeddingIdentity | null {
    if (!existsSync(this.#path)) return null;
    return this.#read((database) => {
      const tables = database.prepare(`SELECT count(*) AS count FROM sqlite_schema WHERE name IN ('meta', 'contexts')`);
      if (countIn(tables.get()) < 2 || countIn(database.prepare(ANY_CONTEXT).get()) === 0) return null;
      this.#checkVersion(database);
      // A database of an older version has no column for it yet, and nothing sealed.
      this.sealer = openSealer(database, this.#path, this.#keys, this.#random);
      return readEmbedding(database);
    });
  }

  count(): number {
    return this.#read((database) => countIn(database.prepare('SELECT count(*) AS count FROM contexts').get()));
  }

  /** In the order of arrival; empty at the end. */
  after(seq: number): SourceRow[] {
    return this.#read((database) => {
      const rows: SourceRow[] = [];
      let chars = 0;
      const page = database.prepare(pageSql(schemaVersion(database) < SEALED_SINCE ? 'NULL' : 'c.sealed'));
      for (const found of page.iterate(seq, PAGE_ROWS)) {
        const row = textRow({ ...found } as unknown as StoredText, this.sealer) as SourceRow;
        rows.push(row);
        chars += row.text.length;
        if (chars >= PAGE_CHARS) break;
      }
      return rows;
    });
  }

  #read<T>(read: (database: DatabaseSync) => T): T {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(this.#path, { readOnly: true, timeout: WAIT_MS });
      return read(database);
    } catch (error) {
      throw explain(error, this.#path);
    } finally {
      database?.close();
    }
  }

  #checkVersion(database: DatabaseSync): void {
    const newest = MIGRATIONS.at(-1)?.version ?? 0;
    if (schemaVersion(database) <= newest) return;
    throw new StartupError(
      `${this.#path} was written by a newer version of context-manager`,
      'Run the `reembed` of that version.',
    );
  }
}

/** The version of the schema from which on contexts have a column of that name. */
const SEALED_SINCE = 10;
const ANY_CONTEXT = 'SELECT EXISTS (SELECT 1 FROM contexts) AS count';
const pageSql = (
  sealed: string,
) => `SELECT c.seq AS seq, c.namespace_id AS namespaceId, n.name AS namespace, c.id AS id, c.text AS text, ${sealed} AS sealed
  FROM contexts AS c JOIN namespaces AS n ON n.id = c.namespace_id WHERE c.seq > ? ORDER BY c.seq LIMIT ?`;

function explain(error: unknown, path: string): unknown {
  if (isDamage(error)) return damaged(path, 'is damaged', error);
  const meaning = meaningOf(error);
  if (meaning === undefined) return error;
  return new StartupError(
    `${path} cannot be read: ${meaning}`,
    'Nothing was changed. Check that this user may read the file and those beside it, and the disk; then run the same command again.',
    error,
  );
}

function countIn(row: unknown): number {
  return (row as { count: number }).count;
}
