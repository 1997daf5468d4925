// Threads that die in a server that lives: what they held is told so or done elsewhere, they come back, and one that goes on
// dying makes the server unready.

import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toSettings } from '../../src/config/settings.ts';
import { startServer, type RunningServer } from '../../src/main.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { GatewayWorld } from '../support/gateway/gateway-world.ts';
import { WireClient } from '../support/wire-client.ts';
import { ADMIN } from '../support/wire-server.ts';

const KEY = {
  id: ADMIN.keyId,
  secret: ADMIN.secret.toString(),
  scopes: ['read', 'write', 'admin'] as const,
  namespaces: ['*'],
};

/** Of this process, as they were started. */
let threads: Worker[];
let onThread: (thread: Worker) => void;
const record = (message: unknown): void => {
  const { worker } = message as { worker: Worker };
  threads.push(worker);
  onThread(worker);
};
beforeEach(() => {
  threads = [];
  onThread = () => undefined;
  subscribe('worker_threads', record);
});
afterEach(() => void unsubscribe('worker_threads', record));

/** Before it takes the next message it dies of an error that nobody catches; resolves when it has. */
function dieAtNextMessage(thread: Worker): Promise<unknown> {
  const post = thread.postMessage.bind(thread);
  thread.postMessage = (message: unknown, transfer?: readonly never[]) => {
    post(null);
    post(message, transfer);
  };
  return new Promise((resolve) => thread.once('exit', resolve));
}

describe('a thread that serves requests', () => {
  let folder: string;
  let clock: FakeClock;
  let server: RunningServer;
  let client: WireClient;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'threads-'));
    clock = new FakeClock();
    const settings = toSettings({ server: { port: 0, http_port: 0 }, vector_db: { data_dir: folder } });
    server = await startServer({ settings, keys: [KEY] }, { clock });
    client = await connect();
  });
  afterEach(async () => {
    await Promise.all([client.close(), server.stop()]);
    expect(clock.pendingTimers).toBe(0);
    await rm(folder, { recursive: true, force: true });
  });

  const connect = (): Promise<WireClient> =>
    WireClient.over(connectSocket({ port: server.port, host: '127.0.0.1' }), ADMIN, () => clock.nowMs());
  const ready = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${server.httpPort}/health/ready`)).json();
  const http = async (path: string) => (await fetch(`http://127.0.0.1:${server.httpPort}${path}`)).text();
  const store = (id: string) => client.request('context.store', { id, text: `note ${id}` });

  it('for the store: what it held may be tried again, it comes back with all that it acknowledged, and three deaths are told', async () => {
    const known = randomUUID();
    await store(known);
    const held = [randomUUID(), randomUUID(), randomUUID()];
    for (let death = 1; death <= 3; death++) {
      const before = threads.length;
      const died = dieAtNextMessage(death === 1 ? (threads[0] as Worker) : (threads.at(-1) as Worker));
      const outcomes = await Promise.allSettled(held.map(store));
      await died;
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ reason: { payload: { code: 'STORE_UNAVAILABLE', retryable: true } } });
      // Also one that comes while it is away.
      await expect(store(randomUUID())).rejects.toMatchObject({
        payload: { code: 'STORE_UNAVAILABLE', retryable: true },
      });
      clock.advance(200);
      await expect.poll(() => threads.length).toBe(before + 1);
      await expect.poll(() => client.request('context.get', { id: known }).catch(() => null)).toBeTruthy();
    }
    expect(await ready()).toMatchObject({ reason: 'threads die again and again: store' });
    expect(JSON.parse(await http('/health?fresh=1'))).toMatchObject({
      status: 'unhealthy',
      components: { threads: { status: 'unhealthy', failing: 1 }, vector_database: { status: 'healthy' } },
    });
    expect(await http('/metrics')).toContain('context_manager_thread_deaths_total{thread="store"} 3');
    // It works all the same.
    for (const id of held) expect(await store(id)).toMatchObject({ id, created: true });
    const { contexts } = await client.request('context.list', {});
    expect(contexts.map(({ id }) => id).sort()).toEqual([known, ...held].sort());
    clock.advance(61_000);
    expect(await ready()).toMatchObject({ ready: true });
  });

  it('for the embedder: what it held is embedded without it, it comes back, and three deaths are told', async () => {
    for (let death = 1; death <= 3; death++) {
      const id = randomUUID();
      const next = new Promise<Worker>((resolve) => (onThread = resolve));
      clock.advance(10_000);
      await store(randomUUID());
      const thread = await next;
      // It is up.
      await new Promise((resolve) => thread.once('message', resolve));
      const died = dieAtNextMessage(thread);
      expect(await store(id)).toMatchObject({ created: true });
      await died;
      const { contexts } = await client.request('context.query', { query: `note ${id}` });
      expect(contexts[0]?.id).toBe(id);
    }
    expect(await ready()).toMatchObject({ reason: 'threads die again and again: embedding' });
    expect(await http('/metrics')).toContain('context_manager_thread_deaths_total{thread="embedding"} 3');
    clock.advance(61_000);
    expect(await ready()).toMatchObject({ ready: true });
  });

  it('for a snapshot: it may be asked for again', async () => {
    await store(randomUUID());
    onThread = (thread) => void thread.terminate();
    await expect(client.request('admin.snapshot', {})).rejects.toMatchObject({
      payload: { code: 'STORE_UNAVAILABLE', retryable: true },
    });
    onThread = () => undefined;
    expect(await client.request('admin.snapshot', {})).toMatchObject({ snapshot: { contexts: 1 } });
    expect(await ready()).toMatchObject({ ready: true });
  });
});

it('a thread that reads a document and dies fails that request alone, which may be made again', async () => {
  const world = await GatewayWorld.open();
  const ingest = () => world.post('/ingest', { document_id: 'd', text: 'Mara lives in Porto.', format: 'markdown' });
  onThread = (thread) => void thread.terminate();
  const failed = await ingest();
  expect(failed.status).toBe(503);
  expect(failed.headers.get('retry-after')).toBe('1');
  onThread = () => undefined;
  expect((await ingest()).status).toBe(200);
  await world.close();
});
