import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { Browser } from './support/browser.ts';
import { runCommand } from './support/command-line.ts';
import { LAUNCHER, World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const SECRETS = {
  default: 'secret of the operator, who sees it all',
  blind: 'secret of an operator who reads nothing',
  support: 'secret of the agents in support, only',
};
const KEYS = {
  KEYS__0__ID: 'default',
  KEYS__0__SECRET: SECRETS.default,
  KEYS__1__ID: 'blind',
  KEYS__1__SECRET: SECRETS.blind,
  KEYS__1__SCOPES: '["admin"]',
  KEYS__2__ID: 'support',
  KEYS__2__SECRET: SECRETS.support,
  KEYS__2__NAMESPACES: '["support"]',
  // Whatever takes a moment is slow.
  LOGGING__SLOW_REQUEST_MS: '1',
};

const folder = world.folder();
const secretFile = join(folder, 'operator');
let server: ServerProcess;
let operator: Client;
let blind: Client;
let support: Client;
beforeAll(async () => {
  writeFileSync(secretFile, SECRETS.default, { mode: 0o600 });
  server = await world.serve(folder, KEYS);
  const connect = (keyId: keyof typeof SECRETS) => server.connect({ keyId, secret: SECRETS[keyId], sender: keyId });
  [operator, blind, support] = await Promise.all([connect('default'), connect('blind'), connect('support')]);
});

const LONG = `The customer wants invoices by post ${'and nothing else '.repeat(50)}`;
const ID = '018f0000-0000-7000-8000-0000000000aa';

describe('a monitor', () => {
  it('tells of requests from its first poll on, once each, with what they ask in short', async () => {
    await support.ping();
    const first = await operator.monitor({ wait_ms: 0 });
    expect(first).toMatchObject({ requests: [], lost: 0 });
    await support.store({ text: LONG, tags: ['billing', 'post'], metadata: { private: 'matter' }, session_id: 's1' });
    await expect(support.get({ id: ID })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(support.query({ query: 'x', namespace: 'other' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const second = await operator.monitor({ cursor: first.cursor });
    expect(second).toMatchObject({
      requests: [
        {
          type: 'context.store',
          outcome: 'ok',
          door: 'socket',
          address: '127.0.0.1',
          key_id: 'support',
          namespaces: ['support'],
          text: LONG.slice(0, 80),
        },
        { type: 'context.get', outcome: 'NOT_FOUND', summary: `id=${ID}` },
        { type: 'context.query', outcome: 'FORBIDDEN', namespaces: ['other'] },
      ],
      lost: 0,
    });
    expect(second.requests[0]!.summary).toMatch(/^id=\S+ session_id=s1 text\[\d+ chars\] tags\[2\] metadata\{1\}$/);
    expect(JSON.stringify(second)).not.toMatch(/private|matter|billing/);
    expect(await operator.monitor({ cursor: second.cursor, wait_ms: 0 })).toEqual({
      requests: [],
      cursor: second.cursor,
      lost: 0,
    });
  });

  it('waits for the next one, and is not seen by others that watch', async () => {
    const { cursor } = await operator.monitor({ wait_ms: 0 });
    const waiting = operator.monitor({ cursor, wait_ms: 30_000 });
    const other = blind.monitor({ cursor, wait_ms: 30_000 });
    await support.ping();
    for (const { requests } of await Promise.all([waiting, other]))
      expect(requests.map(({ type, key_id }) => [type, key_id])).toEqual([['ping', 'support']]);
  });

  it('shows how texts begin to those alone who may read them', async () => {
    const { cursor } = await blind.monitor({ wait_ms: 0 });
    await support.query({ query: 'when does the vault open?', agent_id: '*' });
    const [seen] = (await blind.monitor({ cursor })).requests;
    expect(seen).toMatchObject({ type: 'context.query', summary: 'agent_id=* query[25 chars]' });
    expect(seen).not.toHaveProperty('text');
    const [read] = (await operator.monitor({ cursor })).requests;
    expect(read).toMatchObject({ text: 'when does the vault open?' });
  });

  it('tells what nobody saw, as more came than are kept', async () => {
    const { cursor } = await operator.monitor({ wait_ms: 0 });
    for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 50 }, () => support.ping()));
    const page = await operator.monitor({ cursor, limit: 1000 });
    expect(page.requests).toHaveLength(1000);
    expect(page.lost).toBe(1500 - 1024);
    const rest = await operator.monitor({ cursor: page.cursor, limit: 1000 });
    expect(rest).toMatchObject({ cursor: cursor + 1500, lost: 0 });
    expect(rest.requests).toHaveLength(24);
    // A cursor that this server never gave.
    expect(await operator.monitor({ cursor: 9_007_199_254_740_991, wait_ms: 0 })).toMatchObject({
      lost: 0,
      requests: [],
    });
  });

  it('is for keys that administrate every namespace', async () => {
    for (const call of [() => support.monitor({ wait_ms: 0 }), () => support.slowlog({})])
      await expect(call()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('costs its watcher a place of few, and gives it back when he goes', async () => {
    const { cursor } = await operator.monitor({ wait_ms: 0 });
    const others = await Promise.all(
      Array.from({ length: 17 }, () => server.connect({ keyId: 'default', secret: SECRETS.default })),
    );
    const waiting = others.map((client) =>
      client.monitor({ cursor, wait_ms: 30_000 }, { timeoutMs: 5_000 }).then(
        ({ requests }) => requests.length,
        (error: { code: string }) => error.code,
      ),
    );
    await Promise.all(others.slice(0, 8).map((client) => client.close({ timeoutMs: 0 })));
    await vi.waitFor(async () => {
      const polled = await operator.monitor({ cursor, wait_ms: 100 }, { timeoutMs: 90 }).catch(() => null);
      expect(polled === null || polled.requests.length === 0).toBe(true);
    });
    await support.ping();
    const outcomes = await Promise.all(waiting);
    expect(outcomes.filter((outcome) => outcome === 1).length).toBeGreaterThan(0);
    await Promise.all(others.map((client) => client.close()));
  });

  it('does not hold up the end of the server', async () => {
    const own = await world.serve(world.folder(), KEYS);
    const client = await own.connect({ keyId: 'default', secret: SECRETS.default });
    const waiting = client.monitor({ wait_ms: 30_000 }, { timeoutMs: 300_000 });
    const browser = new Browser(own);
    await browser.login('default', SECRETS.default);
    const running = async () => ((await browser.ask('/api/overview')).body as { requests: object }).requests;
    await expect.poll(running).toMatchObject({ in_flight: 1 });
    const startedMs = performance.now();
    const ended = await own.end('SIGTERM');
    expect(performance.now() - startedMs).toBeLessThan(25_000);
    expect(ended.code).toBe(0);
    expect(await waiting).toMatchObject({ requests: [], lost: 0 });
    await client.close();
  });
});

describe('the requests that took long', () => {
  it('are told with where, whose, how large and what took the time, until they are forgotten', async () => {
    await operator.slowlog({ reset: true });
    const { total } = await operator.slowlog({});
    await support.storeBatch({ contexts: [{ text: LONG }, { text: 'secret recipe' }] });
    const one = new Browser(server);
    await one.login('default', SECRETS.default);
    const reply = await vi.waitFor(async () => {
      await support.store({ text: LONG });
      const found = await operator.slowlog({ limit: 1000 });
      expect(found.requests.map(({ type }) => type)).toContain('context.store');
      return found;
    });
    expect(reply).toMatchObject({ threshold_ms: 1 });
    expect(reply.total).toBeGreaterThan(total);
    const store = reply.requests.find(({ type }) => type === 'context.store')!;
    expect(store).toMatchObject({
      outcome: 'ok',
      door: 'socket',
      address: '127.0.0.1',
      connection: expect.any(Number) as number,
      request_id: expect.any(Number) as number,
      key_id: 'support',
      namespaces: ['support'],
      contexts: 1,
    });
    expect(store.duration_ms).toBeGreaterThanOrEqual(1);
    expect(store.request_bytes).toBeGreaterThan(LONG.length);
    expect(Object.keys(store.stages_ms)).toContain('embed');
    expect(JSON.stringify(reply)).not.toMatch(/invoices|recipe/);
    const times = reply.requests.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    // The dashboard shows the same.
    const shown = await one.request('admin.slowlog', { limit: 1000 });
    expect((shown.body as typeof reply).total).toBeGreaterThanOrEqual(reply.total);
    expect((await operator.slowlog({ limit: 1 })).requests).toHaveLength(1);
    await operator.slowlog({ reset: true });
    const left = await operator.slowlog({ limit: 1000 });
    expect(left.requests.map(({ type }) => type)).not.toContain('context.store');
    expect(left.total).toBeGreaterThanOrEqual(reply.total);
  });
});

describe('on the command line', () => {
  it('slowlog shows a row for each, and forgets them', async () => {
    await vi.waitFor(async () => {
      await support.store({ text: LONG });
      expect((await operator.slowlog({})).requests.map(({ type }) => type)).toContain('context.store');
    });
    const shown = await runCommand(server, folder, ['slowlog', '--reset', '--secret-file', secretFile]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/\d+ ms {2}context\.store +ok +support +127\.0\.0\.1 +support +\S+ \d/);
    expect(shown.stdout).toMatch(/requests? took 1 ms or longer since the server started\n$/);
    const json = await runCommand(server, folder, ['slowlog', '--json', '--limit', '5', '--secret-file', secretFile]);
    expect(JSON.parse(json.stdout)).toMatchObject({ threshold_ms: 1 });
    expect((await runCommand(server, folder, ['slowlog', '--limit', '0'])).code).toBe(2);
  });

  it('monitor ends after so many, a line for each', async () => {
    const args = ['monitor', '--count', '2', '--secret-file', secretFile];
    const both = ['', '--json'].map((json) => runCommand(server, folder, json === '' ? args : [...args, json]));
    let isOver = false;
    const ended = Promise.all(both).finally(() => (isOver = true));
    while (!isOver) await support.query({ query: 'the\u001b[31m harbour', agent_id: '*' });
    const [text, json] = await ended;
    expect(text).toMatchObject({ code: 0, stderr: '' });
    const line =
      /^\d{4}-\d\d-\d\dT[\d:.]+Z support 127\.0\.0\.1 context\.query support agent_id=\* query\[\d+ chars\] "the \[31m harbour" ok [\d.]+ ms$/;
    expect(text!.stdout.trimEnd().split('\n')).toEqual(Array<unknown>(2).fill(expect.stringMatching(line)));
    expect(json).toMatchObject({ code: 0, stderr: '' });
    const objects = json!.stdout
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as object);
    expect(objects).toEqual(
      Array<unknown>(2).fill(expect.objectContaining({ type: 'context.query', key_id: 'support' })),
    );
  });

  it.skipIf(process.platform === 'win32')('monitor ends well with Ctrl-C', async () => {
    const child = spawn(
      process.execPath,
      [LAUNCHER, 'monitor', '--json', '--port', String(server.port), '--secret-file', secretFile],
      { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = Promise.withResolvers<number | null>();
    child.once('close', ended.resolve);
    await vi.waitFor(
      async () => {
        await support.ping();
        expect(said).toContain('"type":"ping"');
      },
      { timeout: 120_000 },
    );
    child.kill('SIGINT');
    expect(await ended.promise).toBe(0);
    expect(
      said
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('{')),
    ).toBe(true);
  });
});
