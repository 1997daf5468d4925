import { chmodSync, chownSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HealthReport, Readiness } from '../../src/fronts/http/health.ts';
import { startQdrantDouble, type QdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { WireClient } from '../support/wire-client.ts';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World, type ServerProcess } from './support/processes.ts';

const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;
const isPosix = process.platform !== 'win32';

const world = new World();
const doubles: QdrantDouble[] = [];
afterEach(async () => {
  closeEmbeddingServices();
  for (const double of doubles.splice(0)) await double.close();
});
afterAll(() => world.cleanUp());

interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

async function ask<T>(server: ServerProcess, path: string): Promise<Answer<T>> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/health${path}`);
  return { status: response.status, body: (await response.json()) as T };
}

const readiness = (server: ServerProcess): Promise<Answer<Readiness>> => ask(server, '/readiness');
const component = async (server: ServerProcess, name: string): Promise<unknown> =>
  (await ask<HealthReport>(server, '?fresh=1')).body.components?.[name];

async function isAlive(server: ServerProcess): Promise<void> {
  for (const path of ['/liveness', '/live']) expect((await ask(server, path)).status).toBe(200);
}

const READY = { status: 200, body: { ready: true } };
const notReady = (reason: RegExp): object => ({
  status: 503,
  body: { ready: false, reason: expect.stringMatching(reason) as string },
});

it('of a server where all is well names every component', async () => {
  const server = await world.serve(world.folder());
  const { status, body } = await ask<HealthReport>(server, '');
  expect(status).toBe(200);
  expect(body).toMatchObject({ phase: 'running' });
  expect(Object.keys(body.components)).toEqual([
    'embedding',
    'vector_database',
    'cache',
    'disk',
    'encryption',
    'event_loop',
    'jobs',
    'threads',
    'embedding_backlog',
  ]);
  expect(body.components['encryption']).toEqual({ status: 'healthy', mode: 'off' });
  expect(body.components['disk']).toMatchObject({ free_bytes: expect.any(Number) as number });
  // What it tried to write is gone again.
  expect(readdirSync(server.dataDir)).not.toContain('contexts.health');
  await server.end('SIGTERM');
});

describe.skipIf(!isPosix)('with its data folder', () => {
  it('removed, a server is alive and not ready, and is ready again when the folder is back', async () => {
    const server = await world.serve(world.folder());
    const client = await server.connect();
    await client.store({ text: 'kept' });
    expect(await readiness(server)).toEqual(READY);
    renameSync(server.dataDir, `${server.dataDir}-away`);
    await expect.poll(() => readiness(server)).toEqual(notReady(/data folder is gone/));
    await expect
      .poll(() => component(server, 'disk'))
      .toMatchObject({ status: 'unhealthy', reason: 'the data folder is gone' });
    expect((await ask(server, '')).status).toBe(503);
    await isAlive(server);
    renameSync(`${server.dataDir}-away`, server.dataDir);
    await expect.poll(() => readiness(server)).toEqual(READY);
    await client.store({ text: 'kept, too' });
    await client.close();
    await server.end('SIGTERM');
  });

  it('replaced by an empty one, a server is not ready', async () => {
    const server = await world.serve(world.folder());
    for (const name of readdirSync(server.dataDir)) rmSync(join(server.dataDir, name), { recursive: true });
    await expect
      .poll(() => readiness(server))
      .toEqual(notReady(/the store cannot answer: its data folder was removed or replaced/));
    await isAlive(server);
    server.kill('SIGKILL');
    await server.ended;
  });

  it.each([
    ['itself', '.', 0o500, 0o700],
    ['database', 'contexts.db', 0o400, 0o600],
  ])('read-only, %s, a server is not ready', async (_, name, mode, before) => {
    const folder = world.folder();
    if (isRoot) chownSync(folder, NOBODY.uid, NOBODY.gid);
    const server = await world.serve(folder, {}, isRoot ? NOBODY : {});
    expect(await readiness(server)).toEqual(READY);
    chmodSync(join(server.dataDir, name), mode);
    await expect.poll(() => readiness(server)).toEqual(notReady(/data folder cannot be written/));
    await expect.poll(() => component(server, 'disk')).toMatchObject({ status: 'unhealthy' });
    await isAlive(server);
    chmodSync(join(server.dataDir, name), before);
    await expect.poll(() => readiness(server)).toEqual(READY);
    await server.end('SIGTERM');
  });
});

describe('with its embedding service', () => {
  it('hanging, a server answers all the same, is ready, and asks it no more than once at a time', async () => {
    let hangs = false;
    const { asked, variables } = await embeddingService(() => (hangs ? null : 200));
    const server = await world.serve(world.folder(), variables);
    expect(await component(server, 'embedding')).toMatchObject({ status: 'healthy', state: 'closed' });
    hangs = true;
    const before = asked.length;
    await Promise.all(Array.from({ length: 3 }, () => ask(server, '?fresh=1')));
    expect(await component(server, 'embedding')).toMatchObject({
      status: 'unhealthy',
      reason: 'did not answer within 2500 ms',
    });
    expect(asked.length - before).toBeLessThanOrEqual(2);
    expect(await readiness(server)).toEqual(READY);
    await isAlive(server);
    hangs = false;
    await expect.poll(() => component(server, 'embedding')).toMatchObject({ status: 'healthy' });
    await server.end('SIGTERM');
  });

  it('away, a server that defers vectors is degraded and serves', async () => {
    const { variables, down } = await embeddingService(() => 200);
    const server = await world.serve(world.folder(), { ...variables, EMBEDDING__DEFER: 'true' });
    down();
    await expect.poll(() => component(server, 'embedding')).toMatchObject({ status: 'degraded' });
    const { status, body } = await ask<HealthReport>(server, '');
    expect({ status, is: body.status }).toEqual({ status: 200, is: 'degraded' });
    await server.end('SIGTERM');
  });
});

it('with Qdrant down a server is alive and not ready, until it is back', async () => {
  const double = await startQdrantDouble();
  doubles.push(double);
  const server = await world.serve(world.folder(), { VECTOR_DB__URL: double.url });
  expect(await readiness(server)).toEqual(READY);
  await double.stop();
  await expect.poll(() => readiness(server)).toEqual(notReady(/the store did not answer/));
  await expect.poll(() => component(server, 'vector_database')).toMatchObject({ status: 'unhealthy' });
  await isAlive(server);
  await double.resume();
  await expect.poll(() => readiness(server)).toEqual(READY);
  await server.end('SIGTERM');
});

it('while it drains a server is alive and not ready', async () => {
  const server = await world.serve(world.folder());
  const secret = readFileSync(join(server.dataDir, 'secret'), 'utf8').trim();
  const socket = connectSocket({ port: server.port, host: '127.0.0.1' });
  // One that does not go when it is told to.
  const client = await WireClient.over(socket, { keyId: 'default', secret });
  server.kill('SIGTERM');
  await expect.poll(() => readiness(server)).toEqual(notReady(/shutting down/));
  await isAlive(server);
  const { status, body } = await ask<HealthReport>(server, '');
  expect({ status, phase: body.phase }).toEqual({ status: 503, phase: 'draining' });
  socket.destroy();
  await client.closed;
  expect((await server.ended).code).toBe(0);
});
