import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectSocket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KeySettings } from '../../src/config/keys.ts';
import { toSettings } from '../../src/config/settings.ts';
import { startServer, type RunningServer } from '../../src/main.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { WireClient } from '../support/wire-client.ts';
import { ADMIN } from '../support/wire-server.ts';

const KEY: KeySettings = {
  id: ADMIN.keyId,
  secret: ADMIN.secret.toString(),
  scopes: ['read', 'write', 'admin'],
  namespaces: ['*'],
};

let folder: string;
let clock: FakeClock;
let server: RunningServer;
let client: WireClient;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-'));
  clock = new FakeClock();
  const settings = toSettings({
    server: { port: 0, http_port: 0 },
    vector_db: { data_dir: folder },
    hirag: { gc_schedule: '*/20 * * * * *' },
  });
  server = await startServer({ settings, keys: [KEY] }, { clock });
  const socket = connectSocket({ port: server.port, host: '127.0.0.1', noDelay: true });
  client = await WireClient.over(socket, ADMIN, () => clock.nowMs());
});

afterEach(async () => {
  await Promise.all([client.close(), server.stop()]);
  expect(clock.pendingTimers).toBe(0);
  await rm(folder, { recursive: true, force: true });
});

/** Runs of a job so far, by outcome, as an operator sees them. */
async function runs(job: string, outcome = 'ok'): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  const line = page
    .split('\n')
    .find((row) => row.startsWith(`context_manager_jobs_total{job="${job}",outcome="${outcome}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function rises(read: () => Promise<number>, above: number): Promise<void> {
  while ((await read()) <= above) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('ends lifetimes at the times of its schedule, on the clock that the server was given', async () => {
  await client.request('context.store', { text: 'soon gone', ttl_ms: 1_000 });
  await client.request('context.store', { text: 'stays' });
  clock.advance(20_000);
  await rises(() => runs('expiry_sweep'), 0);
  expect((await client.request('stats', {})).counts.total).toBe(1);
});

it('are run by hand by `admin.gc`, and counted the same', async () => {
  await client.request('context.store', { text: 'soon gone', ttl_ms: 1_000 });
  clock.advance(2_000);
  expect(await client.request('admin.gc', {})).toEqual({ promoted: 0, deleted: 1 });
  expect(await runs('expiry_sweep')).toBe(1);
});

it('let requests through between the steps of a sweep, however much is due', async () => {
  const DUE = 20_000;
  const BATCH = 1_000;
  for (let i = 0; i < DUE / BATCH; i++) {
    const contexts = Array.from({ length: BATCH }, (_, j) => ({ text: `note ${i * BATCH + j}`, ttl_ms: 1_000 }));
    await client.request('context.store_batch', { contexts: contexts.map((one) => ({ ...one, level: 'long_term' })) });
  }
  clock.advance(2_000);
  let isDone = false;
  const sweep = client.request('admin.gc', {}).finally(() => (isDone = true));
  let answered = 0;
  while (!isDone) {
    await client.request('ping', {});
    const { id } = await client.request('context.store', { text: `meanwhile ${answered}`, level: 'long_term' });
    await client.request('context.query', { query: `meanwhile ${answered}`, limit: 1 });
    expect((await client.request('context.get', { id })).context.text).toBe(`meanwhile ${answered}`);
    if (!isDone) answered++;
  }
  const { deleted } = await sweep;
  expect(deleted).toBe(DUE);
  expect(answered).toBeGreaterThan(1);
});

it('write what was read how often', async () => {
  const { id } = await client.request('context.store', { text: 'often read' });
  await client.request('context.get', { id });
  const before = await runs('access_flush');
  clock.advance(1_000);
  await rises(() => runs('access_flush'), before);
  expect(await runs('access_flush', 'failed')).toBe(0);
});
