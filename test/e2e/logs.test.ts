import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WireClient } from '../support/wire-client.ts';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterEach(() => closeEmbeddingServices());
afterAll(() => world.cleanUp());

type Line = Readonly<Record<string, unknown>>;

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

const linesIn = (path: string): Line[] => (existsSync(path) ? linesOf(readFileSync(path, 'utf8')) : []);
const said = (lines: readonly Line[], message: string): Line[] => lines.filter(({ msg }) => msg === message);

/** Knocks with a wrong secret. */
async function intrude(server: ServerProcess, keyId: string): Promise<void> {
  const socket = connectSocket({ port: server.port, host: '127.0.0.1' });
  await WireClient.over(socket, { keyId, secret: 'w'.repeat(32) }).catch(() => undefined);
  socket.destroy();
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

describe('the log of a server', () => {
  it('says in each line of a request which one it is, and of slow ones where the time went', async () => {
    const { variables } = await embeddingService(() => 503);
    const server = await world.serve(world.folder(), {
      ...variables,
      EMBEDDING__MAX_RETRIES: '0',
      EMBEDDING__CIRCUIT__FAILURE_THRESHOLD: '1',
      LOGGING__LEVEL: 'debug',
      LOGGING__SLOW_REQUEST_MS: '1',
    });
    const client = await server.connect();
    await client.store({ text: 'nobody embeds this' }, { traceparent: TRACEPARENT }).catch(() => undefined);
    await client.query({ query: 'found by words alone' });
    await client.close();
    const { stderr } = await server.end('SIGTERM');
    const lines = linesOf(stderr);
    // The circuit knows nothing of requests, and opens because of this one.
    const ofRequest = lines.filter(({ trace_id: id }) => id === TRACE);
    const messages = ofRequest.map(({ msg }) => String(msg));
    expect(messages).toContain('request failed');
    expect(messages.some((message) => message.startsWith('circuit open'))).toBe(true);
    for (const line of ofRequest)
      expect(line).toMatchObject({ connection: 1, request: expect.any(Number) as number, door: 'socket' });
    const slow = said(lines, 'slow request').filter(({ type }) => type === 'context.query');
    expect(slow).toMatchObject([
      {
        outcome: 'ok',
        took_ms: expect.any(Number) as number,
        stages_ms: { 'store.search': expect.any(Number) as number },
      },
    ]);
    expect(Object.keys(slow[0]?.['stages_ms'] as object)).toEqual(
      expect.arrayContaining(['plan', 'store.search', 'rank', 'assemble']),
    );
    expect(stderr).not.toContain('nobody embeds this');
    expect(stderr).not.toContain('hunter2');
  });

  it('names address and key of who could not log in, but not as often as he likes', async () => {
    const server = await world.serve(world.folder(), { RATE_LIMIT__MAX_AUTH_DELAY_MS: '0' });
    for (let turn = 0; turn < 60; turn++) await intrude(server, 'mallory');
    const { stderr } = await server.end('SIGTERM');
    const lines = said(linesOf(stderr), 'authentication failed');
    expect(lines[0]).toMatchObject({
      level: 'warn',
      address: expect.stringContaining('127.0.0.1') as string,
      key: 'mallory',
      code: 'AUTH_FAILED',
    });
    expect(lines.length).toBeGreaterThanOrEqual(20);
    expect(lines.length).toBeLessThan(60);
    expect(stderr).not.toContain('wwww');
  });

  it.skipIf(process.platform === 'win32')(
    'in a file goes on after it was renamed or truncated, and takes another level, at SIGHUP',
    async () => {
      const folder = world.folder();
      mkdirSync(join(folder, 'config'));
      const configure = (level: string): void =>
        writeFileSync(
          join(folder, 'config', 'default.toml'),
          `[logging]\nlevel = "${level}"\nfile = "logs/server.log"\n`,
        );
      configure('info');
      const path = join(folder, 'logs', 'server.log');
      // The world's own level would win over the file's.
      const server = await world.serve(folder, { LOGGING__LEVEL: '' });
      await expect.poll(() => said(linesIn(path), 'listening')).toHaveLength(1);
      renameSync(path, `${path}.1`);
      configure('debug');
      server.kill('SIGHUP');
      await expect.poll(() => said(linesIn(path), 'reloaded')).toMatchObject([{ log_level: 'debug' }]);
      await (await server.connect()).close();
      await expect.poll(() => said(linesIn(path), 'authenticated')).toHaveLength(1);
      truncateSync(path);
      await (await server.connect()).close();
      await expect.poll(() => said(linesIn(path), 'authenticated')).toHaveLength(1);
      writeFileSync(join(folder, 'config', 'default.toml'), 'this is no TOML');
      server.kill('SIGHUP');
      await expect
        .poll(() => said(linesIn(path), 'the configuration cannot be read again: all stays as it was'))
        .toHaveLength(1);
      await (await server.connect()).ping();
      const { code, stderr } = await server.end('SIGTERM');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(said(linesIn(path), 'stopped')).toHaveLength(1);
    },
  );

  it('that cannot be written is told at the start', async () => {
    const folder = world.folder();
    writeFileSync(join(folder, 'logs'), 'a file');
    const { code, stderr } = await world.failToServe(folder, { LOGGING__FILE: 'logs/server.log' });
    expect(code).toBe(1);
    expect(stderr).toContain('logging.file');
  });
});

describe('the audit log of a server', () => {
  it('says who changed what where, who logged in, and who was not let', async () => {
    const folder = world.folder();
    const server = await world.serve(folder, { AUDIT__FOLDER: 'audit' });
    const client = await server.connect({ sender: 'agent-7' });
    await client.store({ text: 'the secret of the shop', namespace: 'shop' }, { traceparent: TRACEPARENT });
    const contexts = ['a', 'b', 'a'].map((namespace) => ({ text: `in ${namespace}`, namespace }));
    await client.storeBatch({ contexts });
    await client.query({ query: 'secret', namespace: 'shop' });
    await client.gc();
    await client.update({ id: '018f0000-0000-7000-8000-000000000001', namespace: 'shop' }).catch(() => undefined);
    await client.close();
    await intrude(server, 'mallory');
    await server.end('SIGTERM');
    const [name = ''] = readdirSync(join(folder, 'audit'));
    expect(name).toMatch(/^audit-\d{4}-\d\d-\d\d\.jsonl$/);
    const text = readFileSync(join(folder, 'audit', name), 'utf8');
    expect(linesOf(text)).toMatchObject([
      { key: 'default', type: 'auth', outcome: 'ok', address: expect.stringContaining('127.0.0.1') as string },
      { key: 'default', type: 'context.store', namespaces: ['shop'], outcome: 'ok', connection: 1, trace_id: TRACE },
      { key: 'default', type: 'context.store_batch', namespaces: ['a', 'b'], outcome: 'ok' },
      { key: 'default', type: 'admin.gc', namespaces: ['*'], outcome: 'ok' },
      {
        key: 'default',
        type: 'context.update',
        namespaces: ['shop'],
        outcome: expect.stringMatching(/BAD_REQUEST|NOT_FOUND/) as string,
      },
      { key: 'mallory', type: 'auth', outcome: 'AUTH_FAILED', connection: 2 },
    ]);
    expect(text).not.toContain('the secret of the shop');
  });
});
