import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { ModelService, modelVector } from '../support/model-service.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { LAUNCHER, World, type Ended, type ServerProcess, type Variables } from './support/processes.ts';

const OLD = 'old-letters-64';
const NEW = 'newer-letters-96';
const LEVELS = ['immediate', 'short_term', 'long_term'];

const world = new World();
let service: ModelService;
let qdrant: QdrantDouble;
beforeEach(async () => {
  [service, qdrant] = await Promise.all([ModelService.start(), startQdrantDouble()]);
});
afterEach(async () => {
  await world.cleanUp();
  service.close();
  await qdrant.close();
});
afterAll(() => world.cleanUp());

function settings(model: string): Variables {
  return {
    ...service.variables(model),
    EMBEDDING__BATCH_SIZE: '16',
    VECTOR_DB__URL: qdrant.url,
    VECTOR_DB__COLLECTION_PREFIX: 'memory',
    HIRAG__L1_SIZE: '5',
  };
}

async function serveWith(model: string): Promise<{ server: ServerProcess; client: Client }> {
  const server = await world.serve(world.folder(), settings(model));
  return { server, client: await server.connect() };
}

async function stop({ server, client }: { server: ServerProcess; client: Client }): Promise<void> {
  await client.close();
  expect(await server.end('SIGTERM')).toMatchObject({ code: 0 });
}

function reembed(): Promise<Ended> {
  return world.run(['reembed', '--json'], world.folder(), settings(NEW));
}

async function failToServe(model: string): Promise<string> {
  const ended = await world.failToServe(world.folder(), settings(model));
  expect(ended).toMatchObject({ code: 1 });
  return ended.stderr;
}

async function storeMany(client: Client, count: number): Promise<string[]> {
  const contexts = Array.from({ length: count }, (_, i) => ({ text: `apple ${i}` }));
  const { results } = await client.storeBatch({ contexts });
  return results.flatMap((result) => ('id' in result ? [result.id] : []));
}

async function asked<T>(path: string, body?: object): Promise<T> {
  const how = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const reply = await fetch(`${qdrant.url}${path}`, { ...how, headers: { 'content-type': 'application/json' } });
  return ((await reply.json()) as { result: T }).result;
}

async function collections(): Promise<string[]> {
  const { collections: found } = await asked<{ collections: { name: string }[] }>('/collections');
  return found.map(({ name }) => name).sort();
}

interface Point {
  readonly payload: { readonly text: string };
  readonly vector: { readonly dense: readonly number[] };
}

/** Texts in the collections that are in use, and those whose vector is not what the model makes of them. */
async function stored(): Promise<{ model: string; texts: string[]; wrong: string[] }> {
  const [meta] = await asked<{ payload: { embedding_id: string; collections?: string } }[]>(
    '/collections/memory_meta/points',
    { ids: [1], with_payload: true },
  );
  const model = meta!.payload.embedding_id.includes(NEW) ? NEW : OLD;
  const stem = meta!.payload.collections ?? 'memory';
  const pages = await Promise.all(
    LEVELS.map((level) =>
      asked<{ points: Point[] }>(`/collections/${stem}_${level}/points/scroll`, { limit: 1_000, with_vector: true }),
    ),
  );
  const points = pages.flatMap((page) => page.points);
  const wrong = points.filter(({ payload, vector }) => !isVectorOf(model, payload.text, vector.dense));
  return { model, texts: textsOf(points), wrong: textsOf(wrong) };
}

function textsOf(points: readonly Point[]): string[] {
  return points.map(({ payload }) => payload.text).sort();
}

function isVectorOf(model: string, text: string, vector: readonly number[]): boolean {
  const expected = modelVector(model, text);
  const norm = Math.hypot(...expected);
  return vector.length === expected.length && vector.every((value, i) => Math.abs(value - expected[i]! / norm) < 1e-5);
}

/** Answers for the new model are held back once so many of its texts were asked for. */
function holdAfter(texts: number): { readonly held: Promise<void>; release(): void } {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  service.answer = async ({ model, texts: these }) => {
    if (model === NEW && these[0] !== 'query: ready?' && service.textsOf(NEW).length > texts) {
      held.resolve();
      await released.promise;
    }
    return 200;
  };
  return { held: held.promise, release: () => released.resolve() };
}

describe('reembed over Qdrant', () => {
  it('works beside servers of the old model, and the first start with the new one takes its collections', async () => {
    const old = await serveWith(OLD);
    const ids = await storeMany(old.client, 120);
    const hold = holdAfter(60);
    const running = reembed();
    await hold.held;
    await old.client.update({ id: ids[3]!, text: 'reworded early' });
    await old.client.update({ id: ids[110]!, text: 'reworded late' });
    await old.client.update({ id: ids[7]!, tags: ['kept'], level: 'short_term' });
    await old.client.delete({ id: ids[5]! });
    await old.client.store({ text: 'stored meanwhile' });
    expect((await old.client.query({ query: 'meanwhile' })).contexts[0]?.text).toBe('stored meanwhile');
    hold.release();
    const ended = await running;
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'ready', contexts: 120, refused: [] });
    expect(service.textsOf(NEW)).toEqual(expect.arrayContaining(['reworded early', 'stored meanwhile']));

    await old.client.store({ text: 'stored afterwards' });
    await old.client.delete({ id: ids[8]! });
    await stop(old);
    const before = await stored();
    expect(before).toMatchObject({ model: OLD, wrong: [] });
    const fresh = await serveWith(NEW);
    expect(await stored()).toEqual({ ...before, model: NEW });
    const names = await collections();
    expect(names).toHaveLength(5);
    const kept = names.filter((name) => name.startsWith('memory_'));
    expect(kept.toSorted()).toEqual(['memory_documents', 'memory_meta']);
    expect((await fresh.client.query({ query: 'afterwards' })).contexts[0]?.text).toBe('stored afterwards');
    const { context } = await fresh.client.get({ id: ids[7]! });
    expect(context).toMatchObject({ text: 'apple 7', tags: ['kept'], level: 'short_term' });
    await stop(fresh);
    const texts = service.textsOf(NEW).filter((text) => /^(apple|reworded|stored)/.test(text));
    expect(new Set(texts).size).toBe(texts.length);

    expect(await failToServe(OLD)).toContain('context-manager reembed');
    expect(await collections()).toEqual(names);
    await stop(await serveWith(NEW));
  });

  it('goes on where it was killed, and lets nobody in beside it', async () => {
    const old = await serveWith(OLD);
    await storeMany(old.client, 120);
    const hold = holdAfter(60);
    const child = spawn(process.execPath, [LAUNCHER, 'reembed'], {
      env: { PATH: process.env['PATH'], HOME: world.folder(), ...settings(NEW) },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    await hold.held;
    const second = await reembed();
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('another process is re-embedding');
    expect(await failToServe(NEW)).toContain('another process is re-embedding');
    child.kill('SIGKILL');
    await exited;
    hold.release();
    service.asked.length = 0;
    const ended = await reembed();
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    const again = service.textsOf(NEW).length;
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(72);
    await stop(old);
    await stop(await serveWith(NEW));
    expect(await stored()).toMatchObject({ model: NEW, wrong: [] });
  });

  it('is not followed by a switch while a server of the old model changes contexts, or without the service', async () => {
    const old = await serveWith(OLD);
    await storeMany(old.client, 20);
    expect(await failToServe(NEW)).toContain('context-manager reembed');
    expect(await reembed()).toMatchObject({ code: 0 });
    const { id } = await old.client.store({ text: 'late' });
    service.answer = ({ model }) => (model === NEW ? 503 : 200);
    expect(await failToServe(NEW)).toContain('cannot be embedded with');
    const hold = holdAfter(0);
    const starting = failToServe(NEW);
    await hold.held;
    await old.client.update({ id, text: 'changed while another starts' });
    hold.release();
    expect(await starting).toContain('another server runs with the configuration of before');
    expect(await stored()).toMatchObject({ model: OLD, wrong: [] });
    await stop(old);
    await stop(await serveWith(NEW));
    expect(await stored()).toMatchObject({ model: NEW, wrong: [] });
  });

  it.each([
    ['before the switch', 'PUT /collections/memory_meta/points', false],
    ['in the switch', 'PUT /collections/memory_meta/points', true],
    ['behind it', /^DELETE /, false],
  ] as const)('is whole wherever a kill comes: %s', async (_, on, isApplied) => {
    const old = await serveWith(OLD);
    await storeMany(old.client, 20);
    expect(await reembed()).toMatchObject({ code: 0 });
    await stop(old);
    const before = await stored();
    const isMeta = typeof on === 'string';
    const requests = (): number =>
      qdrant.requests.labels.filter((label) => (isMeta ? label === on : on.test(label))).length;
    // The claim is written to the same address: the switch comes behind it.
    if (isMeta) qdrant.faults.add({ kind: 'delay', delayMs: 1, on, times: 1 });
    qdrant.faults.add({ kind: 'hang', on, isApplied });
    qdrant.requests.reset();
    const child = spawn(process.execPath, [LAUNCHER, 'serve'], {
      env: {
        PATH: process.env['PATH'],
        HOME: world.folder(),
        ...settings(NEW),
        SERVER__PORT: '0',
        SERVER__HTTP_PORT: '0',
      },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    await expect.poll(requests, { timeout: 60_000 }).toBeGreaterThanOrEqual(isMeta ? 2 : 1);
    child.kill('SIGKILL');
    await exited;
    qdrant.faults.clear();
    const between = await stored();
    expect(between).toEqual({ ...before, model: between.model });
    await stop(await serveWith(NEW));
    expect(await stored()).toEqual({ ...before, model: NEW });
    expect(await collections()).toHaveLength(5);
  });
});
