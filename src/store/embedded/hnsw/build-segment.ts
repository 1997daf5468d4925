// Builds one HNSW segment and saves it whole or not at all. Runs in a thread of its own: linking a vector
// in costs up to a millisecond. Reads in short transactions, so that checkpoints are never held up. Before it is saved, what
// the graph finds is measured, where nothing is known of it yet or it has outgrown what is.

import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Index } from 'usearch';
import { newIndex } from './hnsw-segment.ts';
import { dataExtensions, describeSegment, filesChecksum, GRAPH, segmentName, type SegmentFile } from './index-files.ts';
import { openVectors } from '../database/sealed-values.ts';
import { StoredPassages } from '../database/stored-passages.ts';
import { readEntries, SegmentVectors } from './segment-vectors.ts';
import type { IndexJob } from './index-job.ts';
import { isOutgrown, type Measured } from './index-tuning.ts';
import { measureRecall } from './measure-recall.ts';
import type { Quantization } from '../border/messages.ts';

/** Vectors read, and where nobody else works handed to the graph, at a time. */
const BATCH = 256;
/** A graph of fewer gets them one at a time: those that are added together do not know of each other, and some would never be found. */
const ALONE_BELOW = 1_000;
/** Else so many between two looks whether others need the machine. */
const PACED = 32;
/** A search that is to keep more asks for more. */
const EF_SEARCH_LEAST = 8;

/** How a builder goes about its work. */
export interface BuildSteps {
  /** Processors that it may take while nobody else works. The same throughout: the graph has room for so many at a time. */
  readonly threads: number;
  /** Nobody else works just now. */
  readonly isAlone: boolean;
  /**
   * Called every few vectors and before each longer piece of work, to hold it up where others need the machine more; where it
   * throws, the build ends and leaves no file behind.
   */
  pause(): void;
}

const UNPACED: BuildSteps = { threads: 1, isAlone: true, pause: () => {} };

export function buildSegment(job: IndexJob, steps = UNPACED): SegmentFile {
  steps.pause();
  const database = new DatabaseSync(job.databasePath, { readOnly: true, timeout: 5_000 });
  try {
    const start = startingPoint(job, hasPassages(database, job));
    const { to, places } = listEntries(database, job, start.from);
    const path = join(job.folder, segmentName(job.spaceId, job.level, job.from, to));
    try {
      const last = addVectors(database, start, places, job, `${path}.tmp.vectors`, steps);
      steps.pause();
      return save(start, job, to, path, last, steps);
    } catch (error) {
      for (const extension of extensionsOf(job)) {
        rmSync(`${path}.tmp.${extension}`, { force: true });
        rmSync(`${path}.${extension}`, { force: true });
      }
      throw error;
    }
  } finally {
    database.close();
  }
}

/** The description last: what it describes is there. */
function extensionsOf({ parameters }: IndexJob): readonly string[] {
  return [...dataExtensions(parameters.quantization), 'json'];
}

interface StartingPoint {
  readonly index: Index;
  /** Of the vectors that are in the graph, those of one context together. */
  readonly entries: number[];
  /** What comes after this entry is to be added. */
  readonly from: number;
  /** The segment that all this was read from. */
  readonly basePath: string | null;
}

/** Some of what is to be covered has several vectors. */
function hasPassages(database: DatabaseSync, { spaceId, level, from }: IndexJob): boolean {
  const found = database.prepare(`SELECT EXISTS (SELECT 1 FROM passages AS p CROSS JOIN contexts AS c ON c.seq = p.seq
    WHERE c.namespace_id = ? AND c.level = ? AND c.entry > ?) AS found`);
  return (found.get(spaceId, level, from) as { found: number }).found === 1;
}

/**
 * The graph that the job names as its base, or an empty one where there is none, it cannot be read, or it was made for one
 * vector of each context and there are several now.
 */
function startingPoint({ base, from, parameters }: IndexJob, isMulti: boolean): StartingPoint {
  const { dimension, quantization, m, efConstruction } = parameters;
  const hnsw = { m, efConstruction, efSearch: EF_SEARCH_LEAST };
  const empty = () => newIndex(dimension, quantization, hnsw, isMulti);
  const nothing = () => ({ index: empty(), entries: [], from, basePath: null });
  if (base === null || (isMulti && base.passageCount === 0)) return nothing();
  try {
    const index = empty();
    index.load(`${base.path}.usearch`);
    const entries = Array.from(readEntries(`${base.path}.entries`));
    if (index.size() === entries.length) return { index, entries, from: base.to, basePath: base.path };
  } catch {
    // The base is derived like everything here: without it the job takes longer.
  }
  return nothing();
}

type Place = [entry: number, seq: number];

/** What is to be added, and the newest entry that this covers. Both from one snapshot: later entries are larger. */
function listEntries(database: DatabaseSync, job: IndexJob, from: number): { to: number; places: Place[] } {
  database.exec('BEGIN');
  const { last } = database.prepare('SELECT last FROM sequence').get() as { last: number };
  const list = database.prepare(
    'SELECT entry, seq FROM contexts WHERE namespace_id = ? AND level = ? AND entry > ? ORDER BY entry',
  );
  list.setReturnArrays(true);
  const places = list.all(job.spaceId, job.level, from) as unknown as Place[];
  database.exec('COMMIT');
  return { to: last, places };
}

/**
 * Adds to `entries` what is added to the graph, and to the file of full vectors where the graph gets shortened ones;
 * gives the last vector of all.
 */
function addVectors(
  database: DatabaseSync,
  start: StartingPoint,
  places: readonly Place[],
  job: IndexJob,
  fullPath: string,
  steps: BuildSteps,
): Uint8Array | null {
  const { dimension, quantization } = job.parameters;
  const full = quantization === 'f32' ? null : openFullVectors(fullPath, start.basePath);
  try {
    let last: Uint8Array | null = null;
    for (const { keys, vectors } of readBatches(database, places, dimension)) {
      addBatch(start.index, keys, vectors, full === null ? 1 : steps.threads, steps);
      start.entries.push(...keys);
      const bytes = new Uint8Array(vectors.buffer, 0, vectors.byteLength);
      if (full !== null && writeSync(full, bytes) !== bytes.length)
        throw new Error('the disk took less than it was given');
      last = bytes.subarray(-dimension * 4);
    }
    return last;
  } finally {
    if (full !== null) closeSync(full);
  }
}

/** `threads`: 1 where the graph must have the vectors in their order. */
function addBatch(
  index: Index,
  keys: readonly number[],
  vectors: Float32Array,
  threads: number,
  steps: BuildSteps,
): void {
  const dimension = vectors.length / keys.length;
  const bigKeys = BigUint64Array.from(keys, BigInt);
  const add = (from: number, to: number) =>
    index.add(bigKeys.subarray(from, to), vectors.subarray(from * dimension, to * dimension), threads);
  for (let at = 0; at < keys.length; steps.pause()) {
    if (threads > 1 && steps.isAlone && index.size() >= ALONE_BELOW) {
      add(at, keys.length);
      return steps.pause();
    }
    // A call takes no more threads than it has vectors. To ask for fewer would take from the graph the room that more need later.
    for (const behind = Math.min(at + PACED, keys.length); at < behind; at++) add(at, at + 1);
  }
}

/** Vectors one after another from the start of their buffer. */
function* readBatches(
  database: DatabaseSync,
  places: readonly Place[],
  dimension: number,
): Generator<{ keys: number[]; vectors: Float32Array<ArrayBuffer> }> {
  let keys: number[] = [];
  let vectors = new Float32Array(BATCH * dimension);
  for (const [entry, bytes] of readVectors(database, places, dimension * 4)) {
    new Uint8Array(vectors.buffer).set(bytes, keys.length * dimension * 4);
    if (keys.push(entry) < BATCH) continue;
    yield { keys, vectors };
    keys = [];
    vectors = new Float32Array(BATCH * dimension);
  }
  if (keys.length > 0) yield { keys, vectors: vectors.subarray(0, keys.length * dimension) };
}

/** Each vector with the entry of its context, the first of each before those of its further passages. */
function* readVectors(
  database: DatabaseSync,
  places: readonly Place[],
  vectorBytes: number,
): Generator<[entry: number, vector: Uint8Array]> {
  // A context that has changed since has another entry: it is not this segment's any more.
  const read = database.prepare(
    'SELECT v.vector FROM contexts AS c JOIN vectors AS v ON v.seq = c.seq WHERE c.seq = ? AND c.entry = ?',
  );
  read.setReturnArrays(true);
  const passages = new StoredPassages(database, null);
  for (const [entry, seq] of places) {
    const row = read.get(seq, entry) as unknown as [Uint8Array] | undefined;
    if (row === undefined) continue;
    yield [entry, openVectors(null, 'vectors', seq, row[0])];
    const further = passages.readBytes(seq);
    for (let at = 0; further !== null && at < further.length; at += vectorBytes)
      yield [entry, further.subarray(at, at + vectorBytes)];
  }
}

/** A file that begins with the vectors of the base. */
function openFullVectors(path: string, basePath: string | null): number {
  if (basePath === null) return openSync(path, 'w');
  copyFileSync(`${basePath}.vectors`, path);
  return openSync(path, 'a');
}

const PRIVATE_FILE = 0o600;

function save(
  { index, entries }: StartingPoint,
  job: IndexJob,
  to: number,
  path: string,
  last: Uint8Array | null,
  steps: BuildSteps,
): SegmentFile {
  const { spaceId, level, from, parameters } = job;
  const temporary = `${path}.tmp`;
  index.save(`${temporary}.usearch`);
  writeFileSync(`${temporary}.entries`, new Uint8Array(Float64Array.from(entries).buffer));
  if (last !== null) checkVectors(temporary, parameters.quantization, entries.length, last);
  const measured = measure(job, index, entries, temporary, steps);
  const bytes = statSync(`${temporary}.usearch`).size;
  const graphCrc32 = filesChecksum(temporary, GRAPH);
  const beside = dataExtensions(parameters.quantization).filter((extension) => !GRAPH.includes(extension));
  const crc32 = filesChecksum(temporary, beside, graphCrc32);
  const { length: count } = entries;
  const passageCount = count - new Set(entries).size;
  const description = describeSegment({
    spaceId,
    level,
    from,
    to,
    count,
    passageCount,
    bytes,
    crc32,
    graphCrc32,
    parameters,
    measured,
  });
  writeFileSync(`${temporary}.json`, JSON.stringify(description));
  for (const extension of extensionsOf(job)) {
    // Whatever made it: the library that saves the graph asks nobody.
    chmodSync(`${temporary}.${extension}`, PRIVATE_FILE);
    syncFile(`${temporary}.${extension}`);
    renameSync(`${temporary}.${extension}`, `${path}.${extension}`);
  }
  return { ...description, path };
}

/** What is known of a smaller graph holds for this one until it is twice as large. */
function measure(
  { known, efs, seed, parameters }: IndexJob,
  index: Index,
  entries: readonly number[],
  path: string,
  steps: BuildSteps,
): Measured | null {
  if (known !== null && !isOutgrown(known, entries.length)) return known;
  const { dimension, quantization } = parameters;
  const vectors = new SegmentVectors(path, dimension, quantization);
  try {
    const options = { efs, seed, threads: steps.threads, betweenSteps: () => steps.pause() };
    const graph = { index, vectors, entries, dimension, isExact: quantization === 'f32' };
    return { recalls: measureRecall(graph, options), count: entries.length };
  } finally {
    vectors.close();
  }
}

/** The files must hold the vectors where searches read them: a binding that lays them out otherwise is found out here. */
function checkVectors(path: string, quantization: Quantization, count: number, last: Uint8Array): void {
  const vectors = new SegmentVectors(path, last.byteLength / 4, quantization);
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
