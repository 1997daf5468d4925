import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { openVectors } from '../../src/store/embedded/database/sealed-values.ts';
import { ModelService, modelVector } from '../support/model-service.ts';
import { LAUNCHER, World, type Ended, type Variables } from './support/processes.ts';

const OLD = 'old-letters-64';
const NEW = 'newer-letters-96';
const READY = 'and start with the new settings';

const world = new World();
let service: ModelService;
beforeEach(async () => {
  service = await ModelService.start();
});
afterEach(() => service.close());
afterAll(() => world.cleanUp());

/** In the folder's `data`, whoever works there. */
function settings(model: string): Variables {
  return { ...service.variables(model), EMBEDDING__BATCH_SIZE: '16' };
}

async function serveWith(model: string, folder: string) {
  const server = await world.serve(folder, settings(model));
  return { server, client: await server.connect() };
}

async function stop(started: Awaited<ReturnType<typeof serveWith>>): Promise<void> {
  await started.client.close();
  expect(await started.server.end('SIGTERM')).toMatchObject({ code: 0 });
}

function reembed(folder: string, args: readonly string[] = [], variables: Variables = {}): Promise<Ended> {
  return world.run(['reembed', ...args], folder, { ...settings(NEW), ...variables });
}

/** Numbered texts, in a batch a hundred. */
async function storeMany(client: Client, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += 100) {
    const contexts = Array.from({ length: Math.min(100, count - from) }, (_, i) => ({ text: `apple ${from + i}` }));
    const { results } = await client.storeBatch({ contexts });
    for (const result of results) if ('id' in result) ids.push(result.id);
  }
  expect(ids).toHaveLength(count);
  return ids;
}

interface Stored {
  readonly model: string;
  /** Texts whose vector is not what the model makes of them. */
  readonly wrong: readonly string[];
  readonly count: number;
}

/** What the database of a stopped server holds. */
function stored(folder: string): Stored {
  const database = new DatabaseSync(join(folder, 'data', 'contexts.db'));
  try {
    const { value } = database.prepare(`SELECT value FROM meta WHERE key = 'embedding_id'`).get() as { value: string };
    const model = value.includes(NEW) ? NEW : OLD;
    const rows = database
      .prepare('SELECT c.seq, c.text, v.vector FROM contexts AS c LEFT JOIN vectors AS v ON v.seq = c.seq')
      .all() as { seq: number; text: string; vector: Uint8Array | null }[];
    const wrong = rows.filter(
      ({ seq, text, vector }) => vector === null || !isVectorOf(model, text, openVectors(null, 'vectors', seq, vector)),
    );
    return { model, wrong: wrong.map(({ text }) => text), count: rows.length };
  } finally {
    database.close();
  }
}

function isVectorOf(model: string, text: string, bytes: Uint8Array): boolean {
  const expected = modelVector(model, text);
  const norm = Math.hypot(...expected);
  const vector = new Float32Array(bytes.slice().buffer);
  return vector.length === expected.length && vector.every((value, i) => Math.abs(value - expected[i]! / norm) < 1e-5);
}

function newVectorFiles(folder: string): string[] {
  return readdirSync(join(folder, 'data')).filter((name) => name.startsWith('contexts.reembedded'));
}

/** Answers for the new model are held back once so many of its texts were asked for. */
function holdAfter(texts: number): { readonly held: Promise<void>; release(): void } {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  service.answer = async ({ model }) => {
    if (model === NEW && service.textsOf(NEW).length > texts) {
      held.resolve();
      await released.promise;
    }
    return 200;
  };
  return { held: held.promise, release: () => released.resolve() };
}

describe('reembed', () => {
  it('works beside a server that goes on with the old vectors, and the next start takes the new ones', async () => {
    const folder = world.folder();
    const old = await serveWith(OLD, folder);
    const ids = await storeMany(old.client, 300);
    const hold = holdAfter(100);
    const running = reembed(folder);
    await hold.held;
    // One that has its new vector already, one that has not, and a new one.
    await old.client.update({ id: ids[3]!, text: 'reworded early' });
    await old.client.update({ id: ids[290]!, text: 'reworded late' });
    await old.client.delete({ id: ids[5]! });
    await old.client.store({ text: 'stored meanwhile' });
    const { contexts } = await old.client.query({ query: 'meanwhile' });
    expect(contexts[0]?.text).toBe('stored meanwhile');
    hold.release();
    const ended = await running;
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain(READY);
    expect(service.textsOf(NEW)).toEqual(expect.arrayContaining(['reworded early', 'stored meanwhile']));

    await old.client.store({ text: 'stored afterwards' });
    expect((await old.client.query({ query: 'afterwards' })).contexts[0]?.text).toBe('stored afterwards');
    await stop(old);
    expect(stored(folder)).toMatchObject({ model: OLD, wrong: [], count: 301 });

    const fresh = await serveWith(NEW, folder);
    expect((await fresh.client.query({ query: 'early' })).contexts[0]?.text).toBe('reworded early');
    await stop(fresh);
    expect(stored(folder)).toEqual({ model: NEW, wrong: [], count: 301 });
    expect(newVectorFiles(folder)).toEqual([]);
    // No text was asked for twice; 'apple 290' may have been read before it was reworded.
    const texts = service.textsOf(NEW).filter((text) => /^(apple|reworded|stored)/.test(text));
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('goes on where it was killed, and without a server takes the new vectors at once', async () => {
    const folder = world.folder();
    const old = await serveWith(OLD, folder);
    await storeMany(old.client, 200);
    await stop(old);
    const hold = holdAfter(100);
    const child = spawn(process.execPath, [LAUNCHER, 'reembed'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, ...settings(NEW) },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    await hold.held;
    child.kill('SIGKILL');
    await exited;
    hold.release();
    expect(stored(folder)).toMatchObject({ model: OLD, wrong: [] });
    // The old server does not mind.
    await stop(await serveWith(OLD, folder));

    service.asked.length = 0;
    const ended = await reembed(folder, ['--json']);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'switched', contexts: 200, refused: [] });
    const again = service.textsOf(NEW).length;
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(104);
    expect(stored(folder)).toEqual({ model: NEW, wrong: [], count: 200 });
    expect(newVectorFiles(folder)).toEqual([]);

    const nothing = await reembed(folder, ['--json']);
    expect(JSON.parse(nothing.stdout)).toMatchObject({ state: 'nothing_to_do' });
    const fresh = await serveWith(NEW, folder);
    expect((await fresh.client.query({ query: 'apple 7' })).contexts.length).toBeGreaterThan(0);
    await stop(fresh);
  });

  it('that the service leaves alone keeps what is done, and so does a start', async () => {
    const folder = world.folder();
    const old = await serveWith(OLD, folder);
    await storeMany(old.client, 64);
    service.answer = ({ model }) => (model === NEW && service.textsOf(NEW).length > 32 ? 503 : 200);
    const failed = await reembed(folder, ['--patience', '0']);
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toContain('EMBEDDING_UNAVAILABLE');
    expect(failed.stderr).toContain('What was embedded is kept');
    const early = await world.failToServe(folder, settings(NEW));
    expect(early.stderr).toContain('in use by another server');
    service.answer = () => 200;
    expect(await reembed(folder)).toMatchObject({ code: 0 });
    expect(service.textsOf(NEW).filter((text) => text === 'apple 0')).toHaveLength(1);

    // What came since is missing at the next start.
    await old.client.store({ text: 'late' });
    await stop(old);
    service.answer = () => 503;
    const down = await world.failToServe(folder, settings(NEW));
    expect(down).toMatchObject({ code: 1 });
    expect(down.stderr).toContain('cannot be embedded with');
    service.answer = () => 200;
    await stop(await serveWith(OLD, folder));
    expect(stored(folder)).toMatchObject({ model: OLD, wrong: [] });
    await stop(await serveWith(NEW, folder));
    expect(stored(folder)).toEqual({ model: NEW, wrong: [], count: 65 });
  });

  it('names the texts that the new model refuses, and words find them still', async () => {
    const folder = world.folder();
    const old = await serveWith(OLD, folder);
    await storeMany(old.client, 40);
    const { id } = await old.client.store({ text: 'unreadable pear' });
    await stop(old);
    service.answer = ({ model, texts }) =>
      model === NEW && texts.some((text) => text === 'unreadable pear') ? 422 : 200;
    const ended = await reembed(folder, ['--json']);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(ended.stdout)).toMatchObject({
      state: 'switched',
      refused: [{ namespace: 'default', id, reason: expect.stringContaining('status 422') as string }],
    });
    const fresh = await serveWith(NEW, folder);
    expect((await fresh.client.query({ query: 'pear' })).contexts[0]?.id).toBe(id);
    await stop(fresh);
  });

  it('ends where the service refuses nearly everything, and switches nothing', async () => {
    const folder = world.folder();
    const old = await serveWith(OLD, folder);
    await storeMany(old.client, 40);
    await stop(old);
    service.answer = ({ model }) => (model === NEW ? 400 : 200);
    const ended = await reembed(folder);
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.stderr).toContain('the embedding service refused 16 of 16 texts');
    expect(stored(folder)).toMatchObject({ model: OLD, wrong: [] });
    const started = await world.failToServe(folder, settings(NEW));
    expect(started).toMatchObject({ code: 1 });
    expect(started.stderr).toContain('the embedding service refused 40 of 40 texts');
    expect(stored(folder)).toMatchObject({ model: OLD, wrong: [] });
    service.answer = () => 200;
    const again = await serveWith(NEW, folder);
    await stop(again);
    expect(stored(folder)).toMatchObject({ model: NEW, wrong: [] });
  });

  it('is what a start with another model names, and refuses what it cannot do', async () => {
    const folder = world.folder();
    const old = await serveWith(OLD, folder);
    await storeMany(old.client, 20);
    await stop(old);
    const refused = await world.failToServe(folder, settings(NEW));
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('context-manager reembed');
    // Looking at it is no start.
    expect(await reembed(folder, ['--patience', 'soon'])).toMatchObject({ code: 2 });
    const memory = await reembed(folder, [], { VECTOR_DB__DRIVER: 'memory' });
    expect(memory).toMatchObject({ code: 1 });
    expect(memory.stderr).toContain('nothing to re-embed');
    const hold = holdAfter(0);
    const first = reembed(folder);
    await hold.held;
    const second = await reembed(folder);
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('another process is re-embedding');
    hold.release();
    const ended = await first;
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(stored(folder)).toEqual({ model: NEW, wrong: [], count: 20 });
  });
});
