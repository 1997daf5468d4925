import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { migrate } from '../../../../../src/store/embedded/database/migrations.ts';
import type { IndexJob } from '../../../../../src/store/embedded/hnsw/index-job.ts';
import { vectorOf } from '../../../../contract/store-samples.ts';

export const DIMENSION = 8;

/** A job over a database of some vectors, whose folder is gone when the test has ended. */
export async function jobOver(count: number, nameOf = (i: number) => `v-${i}`): Promise<IndexJob> {
  const folder = await mkdtemp(join(tmpdir(), 'segment-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const databasePath = join(folder, 'contexts.db');
  const database = new DatabaseSync(databasePath);
  migrate(database);
  const insert = database.prepare(`INSERT INTO contexts (seq, namespace_id, level, entry, entered, id, agent_id,
    created_at, updated_at, expiry_action, version, access_count, token_count, tags, metadata, analyzer, terms, traits,
    text) VALUES (?1, 1, 3, ?1, ?1, ?1, 'a', 0, 0, 0, 1, 0, 1, '[]', '{}', 1, '', '', '')`);
  const insertVector = database.prepare('INSERT INTO vectors VALUES (?, ?)');
  database.exec('BEGIN');
  for (let i = 1; i <= count; i++) {
    insert.run(i);
    insertVector.run(i, new Uint8Array(vectorOf(nameOf(i), DIMENSION).buffer));
  }
  database.exec(`UPDATE sequence SET last = ${count}; COMMIT`);
  database.close();
  const parameters = { embeddingId: 'm', dimension: DIMENSION, quantization: 'i8', m: 8, efConstruction: 16 } as const;
  const place = { databasePath, folder, spaceId: 1, level: 3, from: 0, base: null } as const;
  return { ...place, parameters, known: null, efs: [16, 32], seed: 1 };
}
