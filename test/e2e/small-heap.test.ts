import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Refused, WireClient } from '../support/wire-client.ts';
import { World, type ServerProcess } from './support/processes.ts';

// A real server with a small heap, and clients that send far more than it holds without waiting for answers.

const HEAP_MIB = 128;
/** Above what it has been seen to take, and far below what the clients send. */
const RESIDENT_MIB_MAX = 1_000;
/** Long, and of little work. */
const LONG_TEXT = 'x'.repeat(250_000);
const world = new World();
let server: ServerProcess;

beforeAll(async () => {
  server = await world.serve(world.folder(), {
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`,
    SERVER__SHUTDOWN_DEADLINE_MS: '1000',
  });
});

afterAll(() => world.cleanUp());

function connect(): Promise<WireClient> {
  const secret = readFileSync(join(server.dataDir, 'secret'), 'utf8').trim();
  return WireClient.connect(server.port, { keyId: 'default', secret });
}

function connectMany(count: number): Promise<WireClient[]> {
  return Promise.all(Array.from({ length: count }, () => connect()));
}

function residentMib(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** While `work` goes on, another client's pings are answered and the memory is looked at; the most that it took, in MiB. */
async function whilePinging(work: Promise<unknown>): Promise<number> {
  const bystander = await connect();
  let isOver = false;
  let most = 0;
  const watching = (async () => {
    do {
      expect((await bystander.request('ping', {})).active_connections).toBeGreaterThan(1);
      most = Math.max(most, residentMib());
      await new Promise((resolve) => setTimeout(resolve, 50));
    } while (!isOver);
  })();
  try {
    await Promise.race([work, watching]);
  } finally {
    isOver = true;
  }
  await watching;
  bystander.duplex.destroy();
  return most;
}

/** Stores that are all acknowledged or refused for want of room: the ids of the first. */
async function idsOf(replies: readonly Promise<string[]>[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(replies);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect((outcome.reason as Refused).code).toBe('OVERLOADED');
  }
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
}

async function expectStored(ids: readonly string[]): Promise<void> {
  const client = await connect();
  expect(ids.length).toBeGreaterThan(0);
  for (const id of ids) expect((await client.request('context.get', { id })).context.id).toBe(id);
  client.duplex.destroy();
}

describe(`a server with a heap of ${HEAP_MIB} MiB`, { timeout: 600_000 }, () => {
  it('is the process that was started, with what bounds its memory, and what it was started with', () => {
    const told = (file: string): string[] => readFileSync(`/proc/${server.pid}/${file}`, 'utf8').split('\0');
    expect(told('cmdline')).toEqual(
      expect.arrayContaining([
        ...['--max-semi-space-size=16', '--heap-growing-percent=40', '--no-flush-bytecode', '--expose-gc'],
        ...['serve', '--json'],
      ]),
    );
    expect(told('environ')).toEqual(
      expect.arrayContaining([
        'MALLOC_ARENA_MAX=2',
        'MALLOC_MMAP_THRESHOLD_=1048576',
        `NODE_OPTIONS=--max-old-space-size=${HEAP_MIB}`,
      ]),
    );
  });

  it('takes batches of 10 MiB as fast as it can, however many are sent at once', async () => {
    const contexts = Array.from({ length: 40 }, (_, n) => ({
      text: `${n} ${LONG_TEXT}`,
      level: 'long_term' as const,
    }));
    const clients = await connectMany(3);
    const replies = clients.flatMap((client) =>
      Array.from({ length: 5 }, () =>
        client
          .request('context.store_batch', { contexts })
          .then(({ results }) => results.map((result) => ('id' in result ? result.id : ''))),
      ),
    );
    const ids = idsOf(replies);
    expect(await whilePinging(ids)).toBeLessThan(RESIDENT_MIB_MAX);
    await expectStored((await ids).filter((_id, place) => place % 40 === 0));
    for (const client of clients) client.duplex.destroy();
  });

  it('takes batches of a thousand short contexts, whose vectors are a hundred times as long', async () => {
    const clients = await connectMany(4);
    const replies = clients.flatMap((client) =>
      Array.from({ length: 25 }, async (_each, batch) => {
        const contexts = Array.from({ length: 1_000 }, (_context, n) => ({
          text: `${batch} ${n}`,
          level: 'long_term' as const,
        }));
        const { results } = await client.request('context.store_batch', { contexts });
        return results.map((result) => ('id' in result ? result.id : ''));
      }),
    );
    const ids = idsOf(replies);
    expect(await whilePinging(ids)).toBeLessThan(RESIDENT_MIB_MAX);
    await expectStored((await ids).filter((_id, place) => place % 1_000 === 0));
    for (const client of clients) client.duplex.destroy();
  });

  it('takes stores of 256 KiB from 40 connections at once', async () => {
    const clients = await connectMany(40);
    const replies = clients.flatMap((client) =>
      Array.from({ length: 10 }, async (_, n) => [
        (await client.request('context.store', { text: `${n} ${LONG_TEXT}`, level: 'long_term' })).id,
      ]),
    );
    const ids = idsOf(replies);
    expect(await whilePinging(ids)).toBeLessThan(RESIDENT_MIB_MAX);
    await expectStored((await ids).filter((_id, place) => place % 10 === 0));
    for (const client of clients) client.duplex.destroy();
  });

  it('holds little of a hundred frames that never end, and serves the others', async () => {
    const clients = await connectMany(100);
    const start = Buffer.alloc(10 * 1024 * 1024 - 100, 0x61);
    start.writeUInt32BE(10 * 1024 * 1024);
    for (const client of clients) client.sendBytes(start);
    const honest = await connect();
    const stored = (async () => {
      const ids: string[] = [];
      for (let n = 0; n < 10; n++) ids.push((await honest.request('context.store', { text: `${n} ${LONG_TEXT}` })).id);
      return ids;
    })();
    expect(await whilePinging(stored)).toBeLessThan(RESIDENT_MIB_MAX);
    await expectStored(await stored);
    for (const client of clients) client.duplex.destroy();
    expect(await server.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});
