import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectTo, type Client } from '../support/client.ts';
import { interleave, runLoad } from '../support/load.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const BATCH = 100;
const MODULE = fileURLToPath(new URL('../floors/python_client.py', import.meta.url));
/** What `npm run test:python` makes. */
const INTERPRETERS = ['bin/python', 'Scripts/python.exe'].map((path) =>
  fileURLToPath(new URL(`../../clients/python/.venv/${path}`, import.meta.url)),
);

interface Operation {
  readonly name: 'ping' | 'store_batch';
  readonly inFlight: number;
  readonly call: (client: Client, takeNumber: () => number) => Promise<unknown>;
}

const OPERATIONS: readonly Operation[] = [
  { name: 'ping', inFlight: 64, call: (client) => client.ping() },
  {
    name: 'store_batch',
    inFlight: 8,
    call: (client, takeNumber) =>
      client.storeBatch({ contexts: Array.from({ length: BATCH }, () => ({ text: textOf(takeNumber()) })) }),
  },
];

export const python: Scenario = {
  name: 'python',
  about:
    'the Python SDK (asyncio, one connection) with 64 pings and 8 batches of 100 in flight, against the TypeScript SDK',
  fullDuration: '1 min',
  async run(bench) {
    const interpreter = INTERPRETERS.find((path) => existsSync(path));
    if (interpreter === undefined) {
      bench.note('no environment for Python: `npm run test:python` makes it');
      return [];
    }
    const server = await startServerProcess();
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    bench.defer(() => client.close());
    const other = await startPython(interpreter, server);
    bench.defer(() => other.stop());
    const rows: Row[] = [];
    let next = 0;
    for (const operation of OPERATIONS) rows.push(await measure(bench, operation, client, other, () => next++));
    return rows;
  },
};

async function measure(
  bench: Bench,
  { name, inFlight, call }: Operation,
  client: Client,
  other: Python,
  takeNumber: () => number,
): Promise<Row> {
  const [rounds, durationMs] = bench.quick ? [3, 300] : [7, 2_000];
  // Numbers that the other side takes are so far off that no text is stored twice.
  let from = 1_000_000_000;
  const subjects = [
    async () => (await runLoad({ inFlight, durationMs, call: () => call(client, takeNumber) })).perSec,
    async () => {
      const { per_sec: perSec, texts } = await other.ask({
        operation: name,
        in_flight: inFlight,
        duration_ms: durationMs,
        batch: BATCH,
        from,
      });
      from += texts;
      return perSec;
    },
  ];
  for (const subject of subjects) await subject();
  const [floor = [], ours = []] = await interleave(rounds, subjects);
  return row({
    name: sized(bench, `python.${name}`, 'short'),
    value: median(ours),
    unit: 'requests/s',
    better: 'higher',
    floor: median(floor),
    ratio: pairedRatio(ours, floor),
    target: 0.5,
    details: { throughputPerSec: median(ours) },
  });
}

function textOf(number: number): string {
  const words = Array.from({ length: 24 }, (_, place) => `w${(number * 31 + place * 17) % 5000}`);
  return `note ${number}: ${words.join(' ')}`;
}

interface Python {
  ask(order: object): Promise<{ readonly per_sec: number; readonly texts: number }>;
  stop(): Promise<void>;
}

async function startPython(interpreter: string, server: ServerProcess): Promise<Python> {
  const child = spawn(interpreter, [MODULE], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function ask(order: object): Promise<{ per_sec: number; texts: number }> {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the Python client ended');
    return JSON.parse(value) as { per_sec: number; texts: number };
  }
  const { host, port, secret } = server;
  await ask({ host, port, secret, key_id: 'default', sender: 'bench' });
  return {
    ask,
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
