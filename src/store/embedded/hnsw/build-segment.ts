// Builds one HNSW segment and saves it whole or not at all. Runs in a thread of its own: linking a vector
// in costs up to a millisecond. Reads in short transactions, so that checkpoints are never held up.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Index } from 'usearch';
import { newIndex } from './hnsw-segment.ts';
import { describeSegment, fileChecksum, type SegmentDescription, segmentName, type SegmentFile } from './index-files.ts';
import type { IndexJob } from './index-keeper.ts';

/** Vectors handed to the graph at a time. */
const BATCH = 64;
/** Only a search uses it, and none runs here. */
const EF_SEARCH_UNUSED = 8;

export function buildSegment(job: IndexJob): SegmentFile {
  const { dimension, quantization, m, efConstruction } = job.parameters;
  const index = newIndex(dimension, quantization, { m, efConstruction, efSearch: EF_SEARCH_UNUSED });
  if (job.base !== null) index.load(`${job.base.path}.usearch`);
  const database = new DatabaseSync(job.databasePath, { readOnly: true, timeout: 5_000 });
  try {
    const { to, places } = listEntries(database, job);
    addVectors(database, index, places, dimension);
    return save(index, job, to);
  } finally {
    database.close();
  }
}

type Place = [entry: number, seq: number];

/** What is to be added, and the newest entry that this covers. Both from one snapshot: later entries are larger. */
function listEntries(database: DatabaseSync, job: IndexJob): { to: number; places: Place[] } {
  database.exec('BEGIN');
  const { last } = database.prepare('SELECT last FROM sequence').get() as { last: number };
  const list = database.prepare('SELECT entry, seq FROM contexts WHERE namespace_id = ? AND level = ? AND entry > ? ORDER BY entry');
  list.setReturnArrays(true);
  const places = list.all(job.spaceId, job.level, job.base?.to ?? job.from) as unknown as Place[];
  database.exec('COMMIT');
  return { to: last, places };
}

function addVectors(database: DatabaseSync, index: Index, places: readonly Place[], dimension: number): void {
  // A context that has changed since has another entry: it is not this segment's any more.
  const read = database.prepare('SELECT v.vector FROM contexts AS c JOIN vectors AS v ON v.seq = c.seq WHERE c.seq = ? AND c.entry = ?');
  read.setReturnArrays(true);
  for (let first = 0; first < places.length; first += BATCH) {
    const keys: bigint[] = [];
    const vectors = new Float32Array(BATCH * dimension);
    const bytes = new Uint8Array(vectors.buffer);
    for (const [entry, seq] of places.slice(first, first + BATCH)) {
      const row = read.get(seq, entry) as unknown as [Uint8Array] | undefined;
      if (row === undefined) continue;
      bytes.set(row[0], keys.length * dimension * 4);
      keys.push(BigInt(entry));
    }
    if (keys.length > 0) index.add(BigUint64Array.from(keys), vectors.subarray(0, keys.length * dimension), 1);
  }
}

function save(index: Index, job: IndexJob, to: number): SegmentFile {
  const { spaceId, level, from, parameters } = job;
  const path = join(job.folder, segmentName(spaceId, level, from, to));
  const temporary = `${path}.usearch.tmp`;
  try {
    index.save(temporary);
    syncFile(temporary);
    const description: SegmentDescription = describeSegment({
      spaceId, level, from, to, count: index.size(), bytes: statSync(temporary).size, crc32: fileChecksum(temporary), parameters,
    });
    renameSync(temporary, `${path}.usearch`);
    writeFileSync(`${path}.json.tmp`, JSON.stringify(description));
    syncFile(`${path}.json.tmp`);
    renameSync(`${path}.json.tmp`, `${path}.json`);
    return { ...description, path };
  } catch (error) {
    for (const leftover of [temporary, `${path}.usearch`, `${path}.json.tmp`]) rmSync(leftover, { force: true });
    throw error;
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
