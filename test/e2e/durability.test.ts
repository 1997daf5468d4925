import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Client, Level } from '../../clients/typescript/src/index.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const LEVELS: readonly Level[] = ['immediate', 'short_term', 'long_term'];

async function all(client: Client): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  // Reads are counted, and the counts may lag: they are no part of what must come back.
  for await (const context of client.list({ agent_id: '*', limit: 500 }))
    found.set(context.id, { ...context, access_count: 0 });
  return found;
}

describe('a restart', () => {
  it('brings back all three levels, with every field', async () => {
    const folder = world.folder();
    const first = await world.serve(folder);
    const client = await first.connect({ sender: 'a1' });
    for (const level of LEVELS) {
      const contexts = Array.from({ length: 30 }, (_, place) => ({
        text: `${level} number ${place}`,
        level,
        session_id: place % 2 === 0 ? 's1' : 's2',
        tags: ['kept', `n${place}`],
        metadata: { place, nested: { list: [1, 'zwei', null, true] } },
        created_at: Date.UTC(2025, 0, 1) + place,
      }));
      await client.storeBatch({ contexts });
    }
    const before = await all(client);
    expect(before.size).toBe(90);
    await client.close();
    expect((await first.end('SIGTERM')).code).toBe(0);

    const second = await world.serve(folder);
    const again = await second.connect({ sender: 'a1' });
    expect(await all(again)).toEqual(before);
    const { counts } = await again.stats();
    expect(counts).toMatchObject({ immediate: 30, short_term: 30, long_term: 30 });
    for (const level of LEVELS) {
      const { contexts } = await again.query({ query: `${level} number 7`, levels: [level], session_id: 's2' });
      expect(contexts[0]?.text).toBe(`${level} number 7`);
    }
    await again.close();
    await second.end('SIGTERM');
  });

  it('does not forget what was deleted or changed', async () => {
    const folder = world.folder();
    const first = await world.serve(folder);
    const client = await first.connect();
    const { results } = await client.storeBatch({ contexts: [{ text: 'to be deleted' }, { text: 'to be changed' }] });
    const [deleted = '', changed = ''] = results.map((result) => ('id' in result ? result.id : ''));
    await client.delete({ id: deleted });
    await client.update({ id: changed, text: 'changed', tags: ['new'] });
    first.kill('SIGKILL');
    await first.ended;
    await client.close({ timeoutMs: 0 });

    const second = await world.serve(folder);
    const again = await second.connect();
    await expect(again.get({ id: deleted })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await again.get({ id: changed })).context).toMatchObject({ text: 'changed', tags: ['new'], version: 2 });
    await again.close();
    await second.end('SIGTERM');
  });
});

/** Mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `KILLS=100` tries longer. */
const KILLS = Number(process.env['KILLS'] ?? 3);
const BATCH = 5;
const LANES = 4;

/** Stores batches until the connection breaks; puts every id into `acknowledged` once the server has said that it is safe. */
async function importUntilCut(client: Client, round: number, acknowledged: Map<string, string>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const texts = Array.from(
        { length: BATCH },
        () => `round ${round} turn ${next++}: ${'and so on '.repeat(next % 20)}`,
      );
      const level = LEVELS[next % 3];
      const { results } = await client.storeBatch(
        { contexts: texts.map((text) => ({ text, level, session_id: `s${round}` })) },
        { timeoutMs: 60_000 },
      );
      for (const [place, result] of results.entries())
        if ('id' in result) acknowledged.set(result.id, texts[place] ?? '');
    }
  };
  await Promise.allSettled(Array.from({ length: LANES }, lane));
}

async function missingFrom(server: ServerProcess, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const client = await server.connect();
  const stored = new Map<string, string>();
  for await (const { id, text } of client.list({ agent_id: '*', limit: 1000 })) stored.set(id, text);
  await client.close();
  return [...acknowledged].filter(([id, text]) => stored.get(id) !== text).map(([id]) => id);
}

describe('kill -9 in the middle of an import', () => {
  it(`loses no acknowledged context, ${KILLS} times`, { timeout: 900_000 }, async () => {
    const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 2 ** 31);
    const random = seeded(seed);
    const folder = world.folder();
    const acknowledged = new Map<string, string>();
    for (let round = 1; round <= KILLS; round++) {
      const server = await world.serve(folder);
      expect(await missingFrom(server, acknowledged), `seed ${seed}, before round ${round}`).toEqual([]);
      const client = await server.connect();
      const before = acknowledged.size;
      const importing = importUntilCut(client, round, acknowledged);
      // Some rounds are cut in their first commits, others later, but never before anything was acknowledged.
      while (acknowledged.size === before) await sleep(1);
      await sleep(random() * 150);
      server.kill('SIGKILL');
      await server.ended;
      await client.close({ timeoutMs: 0 });
      await importing;
    }
    const server = await world.serve(folder);
    expect(await missingFrom(server, acknowledged), `seed ${seed}, at the end`).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(KILLS * BATCH);
    expect((await server.end('SIGTERM')).code).toBe(0);
  });
});

describe('SIGTERM', () => {
  it('lets what is in flight finish, says goodbye, and ends with 0', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const client = await server.connect();
    const underWay = Array.from({ length: 40 }, (_, place) =>
      client.storeBatch(
        {
          contexts: Array.from({ length: 50 }, (_unused, item) => ({
            text: `batch ${place} item ${item}`,
            level: 'long_term',
          })),
        },
        { timeoutMs: 60_000 },
      ),
    );
    await Promise.race(underWay);
    const ending = server.end('SIGTERM');
    const outcomes = await Promise.allSettled(underWay);
    await client.close({ timeoutMs: 0 });
    expect(await ending).toMatchObject({ code: 0, signal: null });
    const stored = outcomes
      .flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value.results : []))
      .map((result) => ('id' in result ? result.id : ''));
    expect(stored.length).toBeGreaterThan(0);

    const again = await world.serve(folder);
    expect(await missingIds(again, stored)).toEqual([]);
    await again.end('SIGTERM');
  });

  it('takes the server out of rotation first', async () => {
    const server = await world.serve(world.folder(), { SERVER__SHUTDOWN_DEADLINE_MS: '60000' });
    // A connection that never authenticates must not hold the end up for its whole time.
    const idle = createConnection(server.port, '127.0.0.1');
    await once(idle, 'data');
    const closed = once(idle, 'close');
    idle.resume();
    const { code } = await server.end('SIGTERM');
    await closed;
    expect(code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${server.httpPort}/health/readiness`)).rejects.toThrow();
  });
});

describe('a defect that nobody caught', () => {
  it('is logged and ends the process with 1, losing nothing', async () => {
    const folder = world.folder();
    const trap = join(folder, 'trap.mjs');
    writeFileSync(trap, "process.on('SIGUSR2', () => void Promise.reject(new Error('a sudden defect')));");
    const server = await world.serve(folder, { NODE_OPTIONS: `--import=${pathToFileURL(trap).href}` });
    const client = await server.connect();
    const { id } = await client.store({ text: 'kept' });
    const { code, stderr } = await server.end('SIGUSR2');
    await client.close({ timeoutMs: 0 });
    expect(code).toBe(1);
    expect(stderr).toContain('a defect ends the process');
    expect(stderr).toContain('a sudden defect');

    const again = await world.serve(folder);
    expect(await missingIds(again, [id])).toEqual([]);
    await again.end('SIGTERM');
  });
});

async function missingIds(server: ServerProcess, ids: readonly string[]): Promise<string[]> {
  const client = await server.connect();
  const stored = new Set<string>();
  for await (const { id } of client.list({ agent_id: '*', limit: 1000 })) stored.add(id);
  await client.close();
  return ids.filter((id) => !stored.has(id));
}
