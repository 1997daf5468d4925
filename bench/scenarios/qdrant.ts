import { connectMany, loadTexts, type Client } from '../support/client.ts';
import { createCorpus, type Corpus } from '../support/corpus.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { newCollections } from '../support/qdrant-server.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const SEED = 7;
const CONNECTIONS = 4;
const BATCH = 100;
const BATCHES_IN_FLIGHT = 8;
const STORES_IN_FLIGHT = 256;
const QUERIES_IN_FLIGHT = 16;
const TOP = 10;
const TEXTS_PER_SEC = 20_000;

interface Contestant {
  readonly server: ServerProcess;
  readonly clients: readonly Client[];
  /** Where its next texts and questions begin: none comes twice. */
  next: number;
}

interface Fixture {
  readonly corpus: Corpus;
  readonly count: number;
  readonly durationMs: number;
  readonly rounds: number;
  readonly indexed: () => Promise<void>;
  readonly overQdrant: Contestant;
  readonly embedded: Contestant;
}

type Run = (contestant: Contestant) => Promise<Measured>;

export const qdrant: Scenario = {
  name: 'qdrant',
  about:
    'context.store, store_batch of 100 and context.query of 20,000 contexts over the Qdrant server at QDRANT_URL, against the embedded store',
  fullDuration: '4 min',
  needs: ['QDRANT_URL'],
  async run(bench) {
    const fixture = await start(bench);
    const { corpus, count, durationMs } = fixture;
    const query: Run = (contestant) =>
      measure(contestant, QUERIES_IN_FLIGHT, durationMs, (client) =>
        client.query({ query: corpus.query(contestant.next++, count), namespace: 'asked', limit: TOP }),
      );
    const one: Run = (contestant) =>
      measure(contestant, STORES_IN_FLIGHT, durationMs, (client) =>
        client.store({ text: corpus.text(contestant.next++) }),
      );
    const batch: Run = async (contestant) => {
      // Made before: the client shares the machine with what is measured.
      const batches = takeBatches(contestant, corpus, durationMs);
      const measured = await measure(contestant, BATCHES_IN_FLIGHT, durationMs, async (client, call) => {
        const contexts = batches[call % batches.length] ?? [];
        const { results } = await client.storeBatch({ contexts });
        if (results.some((result) => 'error' in result)) throw new Error('a context of a batch was refused');
      });
      return { ...measured, perSec: measured.perSec * BATCH };
    };
    const { overQdrant, embedded } = fixture;
    for (const contestant of [overQdrant, embedded]) {
      await loadTexts(contestant.clients[0] as Client, { namespace: 'asked', count, text: (at) => corpus.text(at) });
      contestant.next = count;
      await fixture.indexed();
      await query(contestant);
    }
    const size = `${count} contexts`;
    return [
      await compared(bench, fixture, { name: 'qdrant.query.hybrid', unit: 'queries/s', size, run: query }),
      await compared(bench, fixture, { name: 'qdrant.store_batch.100', unit: 'contexts/s', size: 'short', run: batch }),
      await compared(bench, fixture, {
        name: 'qdrant.store.256_in_flight',
        unit: 'contexts/s',
        size: 'short',
        run: one,
      }),
    ];
  },
};

async function start(bench: Bench): Promise<Fixture> {
  const collections = newCollections();
  bench.defer(() => collections.drop());
  const [count, rounds, durationMs] = bench.quick ? [3_000, 3, 500] : [20_000, 5, 4_000];
  return {
    corpus: createCorpus(SEED),
    count,
    rounds,
    durationMs,
    indexed: collections.indexed,
    overQdrant: await enter(bench, collections.settings),
    embedded: await enter(bench, { VECTOR_DB__DRIVER: 'embedded' }),
  };
}

async function enter(bench: Bench, settings: Readonly<Record<string, string>>): Promise<Contestant> {
  const server = await startServerProcess({ settings });
  bench.defer(() => server.stop());
  const clients = await connectMany(server, CONNECTIONS);
  bench.defer(() => Promise.all(clients.map((client) => client.close())));
  return { server, clients, next: 0 };
}

async function compared(
  bench: Bench,
  { rounds, overQdrant, embedded }: Fixture,
  { name, unit, size, run }: { name: string; unit: string; size: string; run: Run },
): Promise<Row> {
  const ours: Measured[] = [];
  const floors: Measured[] = [];
  await interleave<void>(rounds, [
    async () => void floors.push(await run(embedded)),
    async () => void ours.push(await run(overQdrant)),
  ]);
  const [own, floor] = [ours, floors].map((measured) => measured.map((round) => round.perSec)) as [number[], number[]];
  return row({
    name: sized(bench, name, size),
    value: median(own),
    unit,
    better: 'higher',
    floor: median(floor),
    ratio: pairedRatio(own, floor),
    details: detailsOf(ours),
  });
}

function measure(
  { server, clients }: Contestant,
  inFlight: number,
  durationMs: number,
  call: (client: Client, call: number) => Promise<unknown>,
): Promise<Measured> {
  return measureLoad(server.pid, {
    inFlight,
    durationMs,
    call: (lane, number) => call(clients[lane % clients.length] as Client, number),
  });
}

function takeBatches(contestant: Contestant, corpus: Corpus, durationMs: number): { text: string }[][] {
  const batches = Math.ceil((TEXTS_PER_SEC * durationMs) / 1_000 / BATCH);
  return Array.from({ length: batches }, () =>
    Array.from({ length: BATCH }, () => ({ text: corpus.text(contestant.next++) })),
  );
}
