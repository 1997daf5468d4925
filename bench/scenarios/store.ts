import { join } from 'node:path';
import type { RowWriter, WriteRun } from '../floors/row-writer.ts';
import { startChild, type Child } from '../support/child-calls.ts';
import { connectMany, type Client } from '../support/client.ts';
import { createCorpus, type Corpus } from '../support/corpus.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const SEED = 2;
const CONNECTIONS = 4;
const IN_FLIGHT = 256;
const BATCH = 100;
const BATCHES_IN_FLIGHT = 8;
/** More than one process can embed and write in a second here; a round that uses them up just ends earlier. */
const TEXTS_PER_SEC = 20_000;

type Level = 'long_term';

interface Fixture {
  readonly server: ServerProcess;
  readonly clients: readonly Client[];
  readonly writer: Child<RowWriter>;
  readonly corpus: Corpus;
  readonly durationMs: number;
  readonly rounds: number;
  /** Where the next round's texts begin: no text is stored or embedded twice. */
  nextText: number;
}

export const store: Scenario = {
  name: 'store',
  about:
    'context.store with 256 in flight on 4 connections, and store_batch of 100, against the same rows written by one process',
  fullDuration: '2 min',
  async run(bench) {
    const fixture = await start(bench);
    await oneByOne(fixture, Math.min(fixture.durationMs, 1_000));
    const rows = [
      ...(await rowsOf(bench, fixture, 'store.256_in_flight', 0.6, () => oneByOne(fixture, fixture.durationMs))),
      ...(await rowsOf(bench, fixture, 'store_batch.100', 0.8, () => batches(fixture, fixture.durationMs))),
    ];
    if (!bench.quick) {
      const longTerm = (): Promise<Measured> => oneByOne(fixture, fixture.durationMs, 'long_term');
      rows.push(...(await rowsOf(bench, fixture, 'store.256_in_flight.long_term', undefined, longTerm)));
    }
    return rows;
  },
};

async function start(bench: Bench): Promise<Fixture> {
  const server = await startServerProcess();
  bench.defer(() => server.stop());
  const clients = await connectMany(server, CONNECTIONS);
  bench.defer(() => Promise.all(clients.map((client) => client.close())));
  const writer = startChild<RowWriter>(new URL('../floors/row-writer.ts', import.meta.url));
  bench.defer(() => writer.stop());
  // In the server's own folder: the same disk.
  await writer.call('open', { path: join(server.dataDir, 'floor.db') });
  const [rounds, durationMs] = bench.quick ? [3, 500] : [5, 4_000];
  return { server, clients, writer, corpus: createCorpus(SEED), durationMs, rounds, nextText: 0 };
}

async function rowsOf(
  bench: Bench,
  fixture: Fixture,
  name: string,
  target: number | undefined,
  run: () => Promise<Measured>,
): Promise<Row[]> {
  const ours: Measured[] = [];
  const floors: WriteRun[] = [];
  await interleave<void>(fixture.rounds, [
    async () => void floors.push(await writeRows(fixture)),
    async () => void ours.push(await run()),
  ]);
  const perSec = floors.map(({ rows, elapsedMs }) => (rows / elapsedMs) * 1_000);
  const contextsPerSec = ours.map((round) => round.perSec);
  return [
    row({
      name: sized(bench, name, 'short'),
      value: median(contextsPerSec),
      unit: 'contexts/s',
      better: 'higher',
      floor: median(perSec),
      ratio: pairedRatio(contextsPerSec, perSec),
      ...(target === undefined ? {} : { target }),
      details: detailsOf(ours),
    }),
  ];
}

async function writeRows({ writer, durationMs }: Fixture): Promise<WriteRun> {
  // The floor writes the round's first texts into a database of its own; the server never saw its embeddings.
  await writer.call('prepare', { seed: SEED, from: 0, count: textsFor(durationMs) });
  return writer.call('run', { durationMs });
}

function takeTexts(fixture: Fixture, durationMs: number): string[] {
  const count = textsFor(durationMs);
  const texts = fixture.corpus.texts(fixture.nextText, count);
  fixture.nextText += count;
  return texts;
}

function textsFor(durationMs: number): number {
  return Math.ceil((TEXTS_PER_SEC * durationMs) / 1_000);
}

function oneByOne(fixture: Fixture, durationMs: number, level?: Level): Promise<Measured> {
  const { server, clients } = fixture;
  const texts = takeTexts(fixture, durationMs);
  return measureLoad(server.pid, {
    inFlight: IN_FLIGHT,
    durationMs,
    callsMax: texts.length,
    call: (lane, call) =>
      clientOf(clients, lane).store({ text: texts[call] ?? '', ...(level === undefined ? {} : { level }) }),
  });
}

async function batches(fixture: Fixture, durationMs: number): Promise<Measured> {
  const { server, clients } = fixture;
  const texts = takeTexts(fixture, durationMs);
  const measured = await measureLoad(server.pid, {
    inFlight: BATCHES_IN_FLIGHT,
    durationMs,
    callsMax: Math.floor(texts.length / BATCH),
    async call(lane, call) {
      const contexts = texts.slice(call * BATCH, (call + 1) * BATCH).map((text) => ({ text }));
      const { results } = await clientOf(clients, lane).storeBatch({ contexts });
      if (results.some((result) => 'error' in result)) throw new Error('a context of a batch was refused');
    },
  });
  return { ...measured, perSec: measured.perSec * BATCH };
}

function clientOf(clients: readonly Client[], lane: number): Client {
  const client = clients[lane % clients.length];
  if (client === undefined) throw new Error('no connection');
  return client;
}
