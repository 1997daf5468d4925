import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { Client, Context } from '../../clients/typescript/src/index.ts';
import { World } from '../e2e/support/processes.ts';

const world = new World();
afterEach(() => world.cleanUp());

const CONTEXTS = 600;
const KILLS_MAX = 100;
/** Nothing is swept but by hand, and then in many steps. */
const SETTINGS = {
  HIRAG__L2_SIZE: '1000',
  HIRAG__L2_TTL_SECS: '1',
  HIRAG__PROMOTE_AFTER_ACCESSES: '1',
  HIRAG__ACCESS_FLUSH_MS: '10',
  HIRAG__GC_INTERVAL_SECS: '86400',
  HIRAG__GC_BATCH: '5',
};

async function all(client: Client): Promise<Context[]> {
  const contexts: Context[] = [];
  for await (const context of client.list({ agent_id: '*', limit: 1000 })) contexts.push(context);
  return contexts;
}

/** What it takes to be the same one, wherever it stands. */
const essence = ({ id, text, metadata, created_at, version, access_count }: Context): object => {
  return { id, text, metadata, created_at, version, access_count };
};

it('killed again and again while lifetimes end, it promotes what was read, and loses and doubles none of it', async () => {
  const folder = world.folder();
  let server = await world.serve(folder, SETTINGS);
  let client = await server.connect();
  const contexts = Array.from({ length: CONTEXTS }, (_, i) => ({
    text: `note ${i}`,
    level: 'short_term' as const,
    metadata: { i },
    created_at: 1_700_000_000_000 + i,
  }));
  const { results } = await client.storeBatch({ contexts });
  const ids = results.flatMap((result) => ('id' in result ? [result.id] : []));
  const read = ids.filter((_, i) => i % 2 === 0);
  await Promise.all(read.map((id) => client.get({ id })));
  await client.close();
  // At a stop all counts are written.
  await server.end('SIGTERM');
  server = await world.serve(folder, SETTINGS);
  client = await server.connect();
  const before = new Map((await all(client)).map((context) => [context.id, essence(context)]));
  await sleep(1_000);

  let sweptMidway = 0;
  for (let kills = 0, left = CONTEXTS; left > 0; kills++) {
    expect(kills).toBeLessThan(KILLS_MAX);
    const sweeping = client.gc().catch(() => undefined);
    await sleep(5 + 10 * kills);
    server.kill('SIGKILL');
    await server.ended;
    await client.close({ timeoutMs: 0 });
    await sweeping;
    server = await world.serve(folder, SETTINGS);
    client = await server.connect();
    const found = await all(client);
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(read));
    for (const context of found) {
      expect(essence(context)).toEqual(before.get(context.id));
      if (context.level === 'long_term') expect(read).toContain(context.id);
    }
    left = found.filter(({ level }) => level === 'short_term').length;
    if (left > 0 && left < CONTEXTS) sweptMidway += 1;
  }
  // Else nothing was tried.
  expect(sweptMidway).toBeGreaterThan(0);
  expect((await all(client)).map(({ id }) => id).sort()).toEqual(read.toSorted());
  await client.close();
  await server.end('SIGTERM');
});
