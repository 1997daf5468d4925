import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { World, type ServerProcess } from './support/processes.ts';

const OLDER = {
  HIRAG__FUSION__NEAR_WORD_WEIGHT: '0',
  EMBEDDING__PROVIDER: 'local-hash',
};
/** A start makes so many vectors itself. */
const AT_START = 5_000;
const QUESTION = 'When did their child begin school?';
const ANSWER = 'My kid started kindergarten.';

const world = new World();
afterAll(() => world.cleanUp());

async function storeMany(client: Client, count: number): Promise<void> {
  for (let from = 0; from < count; from += 200) {
    const contexts = Array.from({ length: Math.min(200, count - from) }, (_, i) => ({
      text: `order ${from + i} was shipped`,
      level: 'long_term' as const,
    }));
    await client.storeBatch({ contexts });
  }
  await client.store({ text: ANSWER, level: 'long_term' });
}

function embeddedBy(folder: string): string {
  const database = new DatabaseSync(join(folder, 'data', 'contexts.db'), { readOnly: true });
  try {
    return (database.prepare(`SELECT value FROM meta WHERE key = 'embedding_id'`).get() as { value: string }).value;
  } finally {
    database.close();
  }
}

const madeFiles = (folder: string): string[] =>
  readdirSync(join(folder, 'data')).filter((name) => /^contexts\.reembedded.*\.db$/.test(name));

async function upgradeOf({
  httpPort,
}: ServerProcess): Promise<{ reason: string; looked: number; total: number } | undefined> {
  const report = (await (await fetch(`http://127.0.0.1:${httpPort}/health`)).json()) as {
    components: Record<string, { reason: string; looked: number; total: number }>;
  };
  return report.components['embedding_upgrade'];
}

/** Or until there is nothing to be made: a kill came so late that the start made the rest. */
async function untilReady(server: ServerProcess): Promise<void> {
  for (;;) {
    const upgrade = await upgradeOf(server);
    if (upgrade === undefined || upgrade.reason.includes('the next start takes them')) return;
    await sleep(20);
  }
}

async function found(client: Client): Promise<{ text: string; score: number }[]> {
  const { contexts } = await client.query({ query: 'which order was shipped, 17?', limit: 5 });
  return contexts.map(({ text, relevance_score: score }) => ({ text, score }));
}

it('gives contexts of before the vectors of the new local embedder when it starts', async () => {
  const folder = world.folder();
  const old = await world.serve(folder, OLDER);
  const client = await old.connect();
  await storeMany(client, 50);
  expect((await client.query({ query: QUESTION })).contexts.map(({ text }) => text)).not.toContain(ANSWER);
  await client.close();
  await old.end('SIGTERM');
  expect(embeddedBy(folder)).toMatch(/^local-hash-v1-/);

  const server = await world.serve(folder);
  expect(await upgradeOf(server)).toBeUndefined();
  const again = await server.connect();
  expect((await again.query({ query: QUESTION })).contexts[0]?.text).toBe(ANSWER);
  await again.close();
  await server.end('SIGTERM');
  expect(embeddedBy(folder)).toMatch(/^local-semantic-v1-/);
  expect(madeFiles(folder)).toEqual([]);
});

it('makes those of many in the background, answers meanwhile as before, and goes on after a kill', async () => {
  const folder = world.folder();
  const old = await world.serve(folder, OLDER);
  const client = await old.connect();
  await storeMany(client, AT_START + 1_000);
  const before = await found(client);
  await client.close();
  await old.end('SIGTERM');

  const killed = await world.serve(folder);
  while (!madeFiles(folder).some((name) => existsSync(join(folder, 'data', `${name}-wal`)))) await sleep(1);
  await killed.end('SIGKILL');
  expect(embeddedBy(folder)).toMatch(/^local-hash-v1-/);

  const server = await world.serve(folder);
  const meanwhile = await server.connect();
  // A score tells how old a context is, too.
  const asked = await found(meanwhile);
  expect(asked.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
  await meanwhile.store({ text: 'stored meanwhile', level: 'long_term' });
  expect((await meanwhile.query({ query: 'meanwhile' })).contexts[0]?.text).toBe('stored meanwhile');
  await untilReady(server);
  expect(await found(meanwhile)).toMatchObject(before.map(({ text }) => ({ text })));
  await meanwhile.close();
  await server.end('SIGTERM');

  const next = await world.serve(folder);
  expect(await upgradeOf(next)).toBeUndefined();
  const last = await next.connect();
  expect((await last.query({ query: QUESTION })).contexts[0]?.text).toBe(ANSWER);
  expect((await last.query({ query: 'meanwhile' })).contexts[0]?.text).toBe('stored meanwhile');
  await last.close();
  await next.end('SIGTERM');
  expect(embeddedBy(folder)).toMatch(/^local-semantic-v1-/);
  expect(madeFiles(folder)).toEqual([]);
}, 120_000);
