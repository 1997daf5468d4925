import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connectTo, loadTexts, type Loading } from '../support/client.ts';
import { createClusteredVectors } from '../support/clustered-vectors.ts';
import { createCorpus, type Corpus } from '../support/corpus.ts';
import { untilAtRest, untilIndexed } from '../support/index-state.ts';
import { detailsOf, measureLoad } from '../support/measured.ts';
import { readUsage } from '../support/process-usage.ts';
import { row, type Row } from '../support/report.ts';
import type { Bench, Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const SEED = 8;
const TOP = 10;
const IN_FLIGHT = 16;
const DIMENSION = 384;
/** Below, there is no index to wait for. */
const INDEXED_FROM = 4_000;
const SIZES = [10_000, 100_000];
const QUICK_SIZES = [3_000];
/** Of some 4,000 characters. */
const LONG_COUNT = 1_000;
const LONG_TEXTS_JOINED = 20;
/** For the size that it speaks of, as it was loaded and after questions. */
const MEMORY_TARGET = { contexts: 100_000, mib: 400 };
const BYTES_PER_MIB = 1_048_576;
const SNAPSHOT_TIMEOUT_MS = 3_600_000;

export const sizing: Scenario = {
  name: 'sizing',
  about: `what contexts with vectors of ${DIMENSION} numbers take: memory, disk, snapshot, start; SIZING_CONTEXTS=n,n for other sizes`,
  fullDuration: '6 min',
  onRequest: true,
  async run(bench) {
    const rows: Row[] = [];
    for (const count of sizesOf(bench)) rows.push(...(await measureSize(bench, count)));
    rows.push(...(await measureLongTexts(bench)));
    return rows;
  },
};

function sizesOf(bench: Bench): readonly number[] {
  const wanted = process.env['SIZING_CONTEXTS'] ?? '';
  if (wanted === '') return bench.quick ? QUICK_SIZES : SIZES;
  return wanted.split(',').map((text) => {
    const count = Number(text.trim());
    if (!Number.isInteger(count) || count < 1) throw new Error(`SIZING_CONTEXTS: ${text} is no number of contexts`);
    return count;
  });
}

async function measureSize(bench: Bench, count: number): Promise<Row[]> {
  const settings = { EMBEDDING__DIMENSION: String(DIMENSION) };
  const corpus = createCorpus(SEED);
  const vectors = createClusteredVectors(SEED, DIMENSION);
  const questionOf = (asked: number) => ({
    query: corpus.query(asked, count),
    embedding: vectors.vector(count + asked),
    limit: TOP,
  });
  const first = await startServerProcess({ settings });
  bench.defer(() => first.stop());
  const loaded = await load(bench, first, {
    count,
    text: (position) => corpus.text(position),
    embedding: (position) => vectors.vector(position),
  });
  const beginning = await connectTo(first);
  const askedAtOnce = await measureLoad(first.pid, {
    inFlight: IN_FLIGHT,
    durationMs: bench.quick ? 500 : 10_000,
    call: (_lane, call) => beginning.query(questionOf(call)),
  });
  await beginning.close();

  await first.stop({ keepData: true });
  const again = await startServerProcess({ settings, dataDir: first.dataDir });
  bench.defer(() => again.stop());
  const client = await connectTo(again);
  let asked = 0;
  const ask = (): Promise<unknown> => client.query(questionOf(++asked));
  // The first question reads the index into memory.
  await ask();
  const queries = await measureLoad(again.pid, { inFlight: 1, durationMs: bench.quick ? 500 : 10_000, call: ask });
  const [databaseBytes, indexBytes] = [
    await fileBytes(join(first.dataDir, 'contexts.db')),
    await folderBytes(join(first.dataDir, 'indexes')),
  ];
  await client.close();
  await again.stop();

  const figure = (what: string, value: number, unit: string): Row =>
    row({ name: `sizing.${count}.${what}`, value, unit, better: 'lower' });
  const target = count === MEMORY_TARGET.contexts ? { target: MEMORY_TARGET.mib } : {};
  const memory = (what: string, value: number): Row =>
    row({ name: `sizing.${count}.${what}`, value, unit: 'MiB', better: 'lower', ...target });
  return [
    memory('memory_after_load', loaded.rssMib),
    { ...memory('memory_after_questions', askedAtOnce.rssMib), details: detailsOf([askedAtOnce]) },
    { ...memory('memory_in_use', queries.rssMib), details: detailsOf([queries]) },
    figure('database', databaseBytes / BYTES_PER_MIB, 'MiB'),
    row({
      name: `sizing.${count}.disk_per_context`,
      value: (databaseBytes + indexBytes) / count,
      unit: 'bytes',
      better: 'lower',
      floor: textBytesOf(corpus, count) + 4 * DIMENSION,
    }),
    figure('indexes', indexBytes / BYTES_PER_MIB, 'MiB'),
    figure('snapshot', loaded.snapshotBytes / BYTES_PER_MIB, 'MiB'),
    figure('snapshot_time', loaded.snapshotSecs, 's'),
    row({ name: `sizing.${count}.load`, value: count / loaded.loadSecs, unit: 'contexts/s', better: 'higher' }),
    figure('until_indexed', loaded.untilIndexedSecs, 's'),
    figure('start', again.startupMs, 'ms'),
  ];
}

/** Of a text, on average. */
function textBytesOf(corpus: Corpus, count: number): number {
  const sampled = corpus.texts(0, Math.min(count, 1_000));
  return sampled.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / sampled.length;
}

/** What a context with a long text takes in the database, packed and as it is, beside its text and vector. */
async function measureLongTexts(bench: Bench): Promise<Row[]> {
  const corpus = createCorpus(SEED);
  const vectors = createClusteredVectors(SEED, DIMENSION);
  const text = (position: number): string => corpus.texts(position * LONG_TEXTS_JOINED, LONG_TEXTS_JOINED).join(' ');
  let textBytes = 0;
  for (let position = 0; position < LONG_COUNT; position++) textBytes += Buffer.byteLength(text(position));
  const rows: Row[] = [];
  for (const [what, threshold] of [
    ['packed', 1_024],
    ['unpacked', 0],
  ] as const) {
    bench.note(`storing ${LONG_COUNT} long texts, ${what}`);
    const settings = {
      EMBEDDING__DIMENSION: String(DIMENSION),
      VECTOR_DB__COMPRESSION_THRESHOLD_BYTES: String(threshold),
    };
    const server = await startServerProcess({ settings });
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    await loadTexts(client, { count: LONG_COUNT, text, embedding: (position) => vectors.vector(position) });
    await client.close();
    await server.stop({ keepData: true });
    const bytes = (await fileBytes(join(server.dataDir, 'contexts.db'))) / LONG_COUNT;
    const floor = textBytes / LONG_COUNT + 4 * DIMENSION;
    rows.push(
      row({ name: `sizing.long_texts.database.${what}`, value: bytes, unit: 'bytes/context', better: 'lower', floor }),
    );
    await server.stop();
  }
  return rows;
}

interface Loaded {
  readonly rssMib: number;
  readonly loadSecs: number;
  readonly untilIndexedSecs: number;
  readonly snapshotBytes: number;
  readonly snapshotSecs: number;
}

async function load(bench: Bench, server: ServerProcess, loading: Loading): Promise<Loaded> {
  const client = await connectTo(server);
  const startedMs = performance.now();
  const secsSince = (ms: number): number => (performance.now() - ms) / 1_000;
  bench.note(`storing ${loading.count} contexts`);
  await loadTexts(client, loading);
  const loadSecs = secsSince(startedMs);
  bench.note('waiting until the index is there and the server at rest');
  await (loading.count > INDEXED_FROM ? untilIndexed(server) : untilAtRest(server));
  const untilIndexedSecs = secsSince(startedMs);
  const { rssMib } = readUsage(server.pid);
  bench.note('making a snapshot');
  const snapshotMs = performance.now();
  const { snapshot } = await client.createSnapshot({}, { timeoutMs: SNAPSHOT_TIMEOUT_MS });
  const snapshotSecs = secsSince(snapshotMs);
  await client.close();
  return { rssMib, loadSecs, untilIndexedSecs, snapshotBytes: snapshot.bytes, snapshotSecs };
}

async function fileBytes(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Of all files in it; 0 where there is none. */
async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(names.map((name) => fileBytes(join(folder, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
