import { randomUUID } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { defaultSettings } from '../../src/config/settings.ts';
import { createLocalProvider } from '../../src/embedding/local.ts';
import { createCorpus } from '../support/corpus.ts';
import { answerCalls } from '../support/child-calls.ts';

// Floor of `context.store`: the same embeddings and the same rows, written by one process in fsynced
// transactions of 100; no socket, no index, no tier.

const ROWS_PER_TRANSACTION = 100;

export interface WriteRun {
  readonly rows: number;
  readonly elapsedMs: number;
}

let database: DatabaseSync;
let insertRow: StatementSync;
let insertVector: StatementSync;
let texts: string[] = [];
const provider = createLocalProvider({ dimension: defaultSettings().vectorDb.vectorSize, table: null });

const operations = {
  open({ path }: { path: string }): void {
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec(`CREATE TABLE contexts (
      seq INTEGER PRIMARY KEY, namespace TEXT NOT NULL, id TEXT NOT NULL, agent_id TEXT NOT NULL, session_id TEXT,
      level INTEGER NOT NULL, text TEXT NOT NULL, token_count INTEGER NOT NULL, metadata TEXT NOT NULL, tags TEXT NOT NULL,
      version INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, expires_at INTEGER,
      access_count INTEGER NOT NULL, UNIQUE (namespace, id)) STRICT`);
    database.exec('CREATE TABLE vectors (seq INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT');
    insertRow = database.prepare(
      `INSERT INTO contexts (namespace, id, agent_id, level, text, token_count, metadata, tags, version, created_at, updated_at, access_count)
       VALUES ('default', ?, 'bench', 3, ?, ?, '{}', '[]', 1, ?, ?, 0)`,
    );
    insertVector = database.prepare('INSERT INTO vectors (seq, vector) VALUES (?, ?)');
  },

  /** Makes texts outside of the time that is measured, as the client does. */
  prepare({ seed, from, count }: { seed: number; from: number; count: number }): void {
    texts = createCorpus(seed).texts(from, count);
  },

  /** Writes prepared texts until the time is over, or they are. */
  async run({ durationMs }: { durationMs: number }): Promise<WriteRun> {
    const startedMs = performance.now();
    let rows = 0;
    while (performance.now() - startedMs < durationMs && rows < texts.length) {
      const batch = texts.slice(rows, rows + ROWS_PER_TRANSACTION);
      const vectors = await provider.embed(batch, 'passage');
      writeRows(batch, vectors);
      rows += batch.length;
    }
    return { rows, elapsedMs: performance.now() - startedMs };
  },

  close(): void {
    database.close();
  },
};

export type RowWriter = typeof operations;

function writeRows(batch: readonly string[], vectors: readonly Float32Array[]): void {
  database.exec('BEGIN IMMEDIATE');
  for (const [index, text] of batch.entries()) {
    const nowMs = Date.now();
    const { lastInsertRowid } = insertRow.run(randomUUID(), text, Math.ceil(text.length / 4), nowMs, nowMs);
    const vector = vectors[index] ?? new Float32Array();
    insertVector.run(lastInsertRowid, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
  }
  database.exec('COMMIT');
}

answerCalls(operations);
