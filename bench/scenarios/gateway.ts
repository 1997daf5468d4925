import { once } from 'node:events';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { freePort } from '../../test/support/free-port.ts';
import { createCorpus } from '../support/corpus.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';
import { median, percentile } from '../support/statistics.ts';

const TOKEN = 'cmg_of-the-bench';
/** Above the upstream's own, in milliseconds. */
const OVERHEAD_MS_MAX = 5;
const TURNS_OF_A_SESSION = 20;
const SESSIONS_IN_TURN = 10;
const corpus = createCorpus(12);

export const gateway: Scenario = {
  name: 'gateway',
  about: 'a short completion through the gateway, with memory, above what its upstream takes by itself',
  fullDuration: '30 s',
  async run(bench) {
    const upstreamPort = await startUpstream(bench);
    const gatewayPort = await startGateway(bench, upstreamPort);
    const count = bench.quick ? 60 : 300;
    const rows: Row[] = [];
    const ports = [upstreamPort, gatewayPort];
    for (const isStream of [true, false]) {
      const kind = isStream ? 'streamed' : 'whole';
      // As of several users, each of whom takes longer to go on than what was said takes to be stored.
      const inTurn = (number: number): string => {
        const round = Math.floor(number / (SESSIONS_IN_TURN * TURNS_OF_A_SESSION));
        return `${kind}-${round}-${number % SESSIONS_IN_TURN}`;
      };
      const alone = (number: number): string => `${kind}-alone-${Math.floor(number / TURNS_OF_A_SESSION)}`;
      for (const [name, sessionOf] of [[kind, inTurn] as const, [`${kind}.same_session`, alone] as const]) {
        const ask = (port: number, number: number) => complete(port, sessionOf(number), isStream);
        await measure(ports, 40, ask);
        rows.push(...addedRows(bench, name, count, await measure(ports, count, ask)));
      }
    }
    return rows;
  },
};

function addedRows(bench: Bench, kind: string, count: number, [direct = [], through = []]: Times[][]): Row[] {
  return (['firstByteMs', 'wholeMs'] as const).map((part) => {
    const [own = 0, ours = 0] = [direct, through].map((times) => median(times.map((time) => time[part])));
    const sorted = through.map((time) => time[part]).sort((a, b) => a - b);
    return row({
      name: sized(
        bench,
        `gateway.${kind}.${part === 'firstByteMs' ? 'first_byte' : 'completion'}_p50.added`,
        `${count} requests`,
      ),
      value: ours - own,
      unit: 'ms',
      better: 'lower',
      target: OVERHEAD_MS_MAX,
      details: { p50Ms: ours, p99Ms: percentile(sorted, 0.99) },
    });
  });
}

interface Times {
  readonly firstByteMs: number;
  readonly wholeMs: number;
}

/** Each in turn, so that a slow spell of the machine hits all. */
async function measure(
  ports: readonly number[],
  count: number,
  ask: (port: number, number: number) => Promise<Times>,
): Promise<Times[][]> {
  const times: Times[][] = ports.map(() => []);
  for (let number = 0; number < count; number++)
    for (const [place, port] of ports.entries()) times[place]?.push(await ask(port, number));
  return times;
}

const agent = new Agent({ keepAlive: true });
let asked = 0;
/** What is answered is none of what is said. */
const OF_ANSWERS = 1_000_000;

function complete(port: number, session: string, isStream: boolean): Promise<Times> {
  const { promise, resolve, reject } = Promise.withResolvers<Times>();
  asked += 1;
  const body = JSON.stringify({
    model: 'm',
    stream: isStream,
    messages: [{ role: 'user', content: `${corpus.text(asked)} ${corpus.query(asked, asked)}?` }],
  });
  const startedMs = performance.now();
  const outgoing = request({
    port,
    host: '127.0.0.1',
    path: '/v1/chat/completions',
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${TOKEN}`,
      'x-session-id': session,
    },
  });
  outgoing.once('error', reject);
  outgoing.once('response', (incoming) => {
    if (incoming.statusCode !== 200) reject(new Error(`status ${incoming.statusCode}`));
    let firstByteMs = 0;
    incoming.on('data', () => (firstByteMs ||= performance.now() - startedMs));
    incoming.once('end', () => resolve({ firstByteMs, wholeMs: performance.now() - startedMs }));
  });
  outgoing.end(body);
  return promise;
}

/** Answers at once: what is left is the gateway's. */
async function startUpstream(bench: Bench): Promise<number> {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('end', () => {
      const { stream } = JSON.parse(Buffer.concat(chunks).toString()) as { stream: boolean };
      const words = corpus.text(OF_ANSWERS + asked).split(/(?= )/);
      if (!stream) {
        const message = { role: 'assistant', content: words.join('') };
        response.writeHead(200, { 'content-type': 'application/json' });
        return response.end(JSON.stringify({ id: 'x', choices: [{ index: 0, message, finish_reason: 'stop' }] }));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const content of words)
        response.write(
          `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
        );
      response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  bench.defer(() => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function startGateway(bench: Bench, upstreamPort: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-bench-'));
  bench.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const settings = [
    '[gateway]',
    'enabled = true',
    `port = ${port}`,
    `upstream_url = "http://127.0.0.1:${upstreamPort}/v1"`,
    '[[gateway.tokens]]',
    `token_hash = "${hashOfToken(TOKEN)}"`,
    'agent = "bench"',
  ];
  const file = join(folder, 'settings.toml');
  await writeFile(file, settings.join('\n'));
  const server = await startServerProcess({ settings: { CONFIG_PATH: file } });
  bench.defer(() => server.stop());
  return port;
}
