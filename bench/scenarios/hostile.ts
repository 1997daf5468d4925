import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../support/child-calls.ts';
import { connectTo, loadTexts, type Client } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import type { HostileClients, Hostility } from '../support/hostile-clients.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { pairedRatio } from '../support/statistics.ts';

const SEED = 11;
const CONTEXTS = 1_000;
const IN_FLIGHT = 4;
const STORES_OF = 8;
const QUERIES_OF = 4;

const HOSTILITIES: readonly Hostility[] = [
  'reads_nothing',
  'byte_a_second',
  'half_handshakes',
  'connects',
  'garbage',
  'wrong_clock',
];

interface Stage {
  readonly server: ServerProcess;
  readonly clients: readonly Client[];
  readonly ask: (lane: number, call: number) => Promise<unknown>;
}

export const hostile: Scenario = {
  name: 'hostile',
  about:
    'what others notice of a client that reads nothing, one that drips, 1,000 half handshakes, 2,000 connects a second, 1,000 that send garbage, a clock that is an hour wrong',
  fullDuration: '4 min',
  async run(bench) {
    const stage = await setUp(bench);
    const child = startChild<HostileClients>(new URL('../support/hostile-clients.ts', import.meta.url));
    bench.defer(() => child.stop());
    const { host, port, secret } = stage.server;
    await measure(bench, stage);
    const rows: Row[] = [];
    for (const kind of HOSTILITIES) {
      const alone: Measured[] = [];
      const beside: Measured[] = [];
      let made = 0;
      for (let round = 0; round < (bench.quick ? 2 : 7); round++) {
        alone.push(await measure(bench, stage));
        await child.call('begin', { kind, target: { host, port, secret } });
        beside.push(await measure(bench, stage));
        made += await child.call('end', undefined);
        await sleep(100);
      }
      bench.note(`${kind}: ${made} connections`);
      rows.push(...rowsOf(bench, kind, alone, beside));
    }
    return rows;
  },
};

async function setUp(bench: Bench): Promise<Stage> {
  const server = await startServerProcess({ settings: { LOGGING__LEVEL: 'error' } });
  bench.defer(() => server.stop());
  const clients: Client[] = [];
  for (let count = 0; count < IN_FLIGHT; count++) {
    const client = await connectTo(server);
    bench.defer(() => client.close());
    clients.push(client);
  }
  const corpus = createCorpus(SEED);
  await loadTexts(clients[0]!, { count: CONTEXTS, text: (position) => corpus.text(position) });
  const ask = (lane: number, call: number): Promise<unknown> => {
    const client = clients[lane]!;
    if (call % STORES_OF === 0) return client.store({ text: corpus.text(CONTEXTS + call), namespace: 'others' });
    if (call % QUERIES_OF === 0) return client.query({ query: corpus.query(call, CONTEXTS), limit: 10 });
    return client.ping();
  };
  return { server, clients, ask };
}

function measure(bench: Bench, { server, ask }: Stage): Promise<Measured> {
  return measureLoad(server.pid, { inFlight: IN_FLIGHT, durationMs: bench.quick ? 500 : 4_000, call: ask });
}

function rowsOf(bench: Bench, kind: Hostility, alone: readonly Measured[], beside: readonly Measured[]): Row[] {
  const [was, is] = [detailsOf(alone), detailsOf(beside)];
  const quickSize = 'short rounds';
  const ratioOf = (pick: (round: Measured) => number): number => pairedRatio(beside.map(pick), alone.map(pick));
  return [
    row({
      name: sized(bench, `hostile.${kind}_p50`, quickSize),
      value: is.p50Ms,
      unit: 'ms',
      better: 'lower',
      floor: was.p50Ms,
      ratio: ratioOf(({ p50 }) => p50),
    }),
    row({
      name: sized(bench, `hostile.${kind}_p99`, quickSize),
      value: is.p99Ms,
      unit: 'ms',
      better: 'lower',
      floor: was.p99Ms,
      ratio: ratioOf(({ p99 }) => p99),
    }),
    row({
      name: sized(bench, `hostile.${kind}_throughput`, quickSize),
      value: is.throughputPerSec,
      unit: 'calls/s',
      better: 'higher',
      floor: was.throughputPerSec,
      ratio: ratioOf(({ perSec }) => perSec),
      details: is,
    }),
  ];
}
