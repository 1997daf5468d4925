// Builds one HNSW segment and saves it whole or not at all. Runs in a thread of its own: linking a vector
// in costs up to a millisecond. Reads in short transactions, so that checkpoints are never held up.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Index } from 'usearch';
import { newIndex } from './hnsw-segment.ts';
import { describeSegment, segmentChecksum, segmentName, type SegmentFile } from './index-files.ts';
import { readEntries, SegmentVectors } from './segment-vectors.ts';
import type { IndexJob } from './index-keeper.ts';

/** Vectors handed to the graph at a time. */
const BATCH = 64;
/** Only a search uses it, and none runs here. */
const EF_SEARCH_UNUSED = 8;
const EXTENSIONS = ['usearch', 'entries', 'json'];

export function buildSegment(job: IndexJob): SegmentFile {
  const { index, entries, from } = startingPoint(job);
  const database = new DatabaseSync(job.databasePath, { readOnly: true, timeout: 5_000 });
  try {
    const { to, places } = listEntries(database, job, from);
    const last = addVectors(database, index, entries, places, job.parameters.dimension);
    return save(index, job, to, entries, last);
  } finally {
    database.close();
  }
}

interface StartingPoint {
  readonly index: Index;
  /** Of the vectors that are in the graph. */
  readonly entries: number[];
  /** What comes after this entry is to be added. */
  readonly from: number;
}

/** The graph that the job names as its base, or an empty one where there is none or it cannot be read. */
function startingPoint({ base, from, parameters }: IndexJob): StartingPoint {
  const { dimension, quantization, m, efConstruction } = parameters;
  const empty = () => newIndex(dimension, quantization, { m, efConstruction, efSearch: EF_SEARCH_UNUSED });
  if (base === null) return { index: empty(), entries: [], from };
  try {
    const index = empty();
    index.load(`${base.path}.usearch`);
    const entries = Array.from(readEntries(`${base.path}.entries`));
    if (index.size() === entries.length) return { index, entries, from: base.to };
  } catch {
    // The base is derived like everything here: without it the job takes longer.
  }
  return { index: empty(), entries: [], from };
}

type Place = [entry: number, seq: number];

/** What is to be added, and the newest entry that this covers. Both from one snapshot: later entries are larger. */
function listEntries(database: DatabaseSync, job: IndexJob, from: number): { to: number; places: Place[] } {
  database.exec('BEGIN');
  const { last } = database.prepare('SELECT last FROM sequence').get() as { last: number };
  const list = database.prepare('SELECT entry, seq FROM contexts WHERE namespace_id = ? AND level = ? AND entry > ? ORDER BY entry');
  list.setReturnArrays(true);
  const places = list.all(job.spaceId, job.level, from) as unknown as Place[];
  database.exec('COMMIT');
  return { to: last, places };
}

/** Adds to `entries` what is added to the graph; gives the last vector of all. */
function addVectors(
  database: DatabaseSync, index: Index, entries: number[], places: readonly Place[], dimension: number,
): Uint8Array | null {
  // A context that has changed since has another entry: it is not this segment's any more.
  const read = database.prepare('SELECT v.vector FROM contexts AS c JOIN vectors AS v ON v.seq = c.seq WHERE c.seq = ? AND c.entry = ?');
  read.setReturnArrays(true);
  let last: Uint8Array | null = null;
  for (let first = 0; first < places.length; first += BATCH) {
    const keys: number[] = [];
    const vectors = new Float32Array(BATCH * dimension);
    const bytes = new Uint8Array(vectors.buffer);
    for (const [entry, seq] of places.slice(first, first + BATCH)) {
      const row = read.get(seq, entry) as unknown as [Uint8Array] | undefined;
      if (row === undefined) continue;
      last = row[0];
      bytes.set(last, keys.length * dimension * 4);
      keys.push(entry);
    }
    // One thread: the vectors lie in the order in which they are given.
    if (keys.length > 0) index.add(BigUint64Array.from(keys, BigInt), vectors.subarray(0, keys.length * dimension), 1);
    entries.push(...keys);
  }
  return last;
}

function save(index: Index, job: IndexJob, to: number, entries: readonly number[], last: Uint8Array | null): SegmentFile {
  const { spaceId, level, from, parameters } = job;
  const path = join(job.folder, segmentName(spaceId, level, from, to));
  const temporary = `${path}.tmp`;
  try {
    index.save(`${temporary}.usearch`);
    writeFileSync(`${temporary}.entries`, new Uint8Array(Float64Array.from(entries).buffer));
    if (parameters.quantization === 'f32' && last !== null) checkVectors(`${temporary}.usearch`, entries.length, last);
    const bytes = statSync(`${temporary}.usearch`).size;
    const crc32 = segmentChecksum(temporary);
    const description = describeSegment({ spaceId, level, from, to, count: entries.length, bytes, crc32, parameters });
    writeFileSync(`${temporary}.json`, JSON.stringify(description));
    // The description last: what it describes is there.
    for (const extension of EXTENSIONS) {
      syncFile(`${temporary}.${extension}`);
      renameSync(`${temporary}.${extension}`, `${path}.${extension}`);
    }
    return { ...description, path };
  } catch (error) {
    for (const extension of EXTENSIONS) {
      rmSync(`${temporary}.${extension}`, { force: true });
      rmSync(`${path}.${extension}`, { force: true });
    }
    throw error;
  }
}

/** The file must hold the vectors where searches read them: a binding that lays them out otherwise is found out here. */
function checkVectors(path: string, count: number, last: Uint8Array): void {
  const vectors = new SegmentVectors(path, last.byteLength / 4);
  try {
    vectors.read([{ place: 0, slot: count - 1 }], (_, vector) => {
      const read = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
      if (!read.equals(last)) throw new Error('the vectors of a saved index are not where they should be');
    });
  } finally {
    vectors.close();
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
