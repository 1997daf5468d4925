import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeySettings } from '../../src/config/keys.ts';
import { toSettings } from '../../src/config/settings.ts';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { readKeyUsage } from '../../src/jobs/key-usage.ts';
import type { ServerSetup } from '../../src/live-settings.ts';
import { startServer, type RunningServer } from '../../src/main.ts';
import { ScriptedUpstream } from '../support/gateway/scripted-upstream.ts';
import { WireClient } from '../support/wire-client.ts';

const TOKEN = 'cmg_of-a-test';
const keyOf = (id: string, more: Partial<KeySettings> = {}): KeySettings => ({
  id,
  secret: `${id} `.repeat(32),
  scopes: ['read', 'write', 'admin'],
  namespaces: ['*'],
  ...more,
});
const [ADMIN, BOT] = [keyOf('admin'), keyOf('bot', { namespaces: ['team-a:*'] })];
const REFUSED = expect.objectContaining({ code: 'AUTH_FAILED' }) as unknown;

let upstream: ScriptedUpstream;
let folder = '';
let server: RunningServer;
beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
});
afterAll(() => upstream.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'key-life-'));
  server = await startServer(setupOf([ADMIN, BOT]));
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function setupOf(keys: readonly KeySettings[], tokens = true): ServerSetup {
  const token = { token_hash: hashOfToken(TOKEN), key_id: 'bot', agent: 'bot', namespace: 'team-a:chat' };
  const settings = toSettings({
    server: { port: 0, http_port: 0, shutdown_timeout_secs: 0.1 },
    vector_db: { data_dir: folder },
    gateway: { enabled: true, port: 0, upstream_url: upstream.url, tokens: tokens ? [token] : [] },
  });
  return { settings, keys };
}

function wire({ id: keyId, secret }: KeySettings): Promise<WireClient> {
  return WireClient.over(connectSocket({ port: server.port, host: '127.0.0.1' }), { keyId, secret });
}

function chat(): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.gatewayPort}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
  });
}

/** An answer of which the beginning has come, and whose end never does. */
async function endlessChat(): Promise<Response> {
  upstream.answer((_asked, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
    );
  });
  return chat();
}

describe('a key that is revoked', () => {
  it.each([
    ['disabled', [ADMIN, { ...BOT, disabled: true as const }], true],
    ['removed, with its token', [ADMIN], false],
  ])('by being %s loses its connections, requests that wait and answers under way', async (_how, keys, tokens) => {
    const [bot, admin] = [await wire(BOT), await wire(ADMIN)];
    const answer = await endlessChat();
    expect(answer.status).toBe(200);
    server.reload(() => setupOf(keys, tokens));
    expect(await bot.nextError()).toEqual(REFUSED);
    await bot.closed;
    await expect(answer.text()).rejects.toThrow();
    expect((await chat()).status).toBe(401);
    await expect(wire(BOT)).rejects.toEqual(REFUSED);
    expect(await admin.request('ping', {})).toMatchObject({ healthy: true });
    server.reload(() => setupOf([ADMIN, BOT]));
    expect(await (await wire(BOT)).request('ping', {})).toMatchObject({ healthy: true });
  });

  it('waits for no poll of the monitor', async () => {
    const watcher = await wire(ADMIN);
    const { cursor } = await watcher.request('admin.monitor', { wait_ms: 1 });
    const poll = watcher.request('admin.monitor', { cursor, wait_ms: 30_000 });
    poll.catch(() => undefined);
    server.reload(() => setupOf([{ ...ADMIN, disabled: true }, BOT]));
    expect(await watcher.nextError()).toEqual(REFUSED);
    await watcher.closed;
  });

  it('whose token stays, while the key goes, is a fault that changes nothing', async () => {
    expect(() => server.reload(() => setupOf([ADMIN]))).toThrow(/no such key/);
    expect(await (await wire(BOT)).request('ping', {})).toMatchObject({ healthy: true });
  });
});

describe('a key of a prefix', () => {
  it('sees the namespaces behind it and no others, and must name one', async () => {
    const [bot, admin] = [await wire(BOT), await wire(ADMIN)];
    expect(bot.welcome).toMatchObject({ namespaces: ['team-a:*'] });
    for (const namespace of ['team-a', 'team-ab:x', 'team-a:y'])
      await admin.request('context.store', { text: `a text in ${namespace}`, namespace });
    await bot.request('context.store', { text: 'mine', namespace: 'team-a:x' });
    for (const namespace of ['team-a', 'team-ab:x', 'default', 'team-b:x'])
      await expect(bot.request('context.list', { namespace })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(bot.request('context.list', {})).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(bot.request('stats', {})).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    const { namespaces } = await bot.request('namespace.list', {});
    expect(namespaces.map(({ namespace }) => namespace)).toEqual(['team-a:x', 'team-a:y']);
    await expect(bot.request('admin.gc', {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('how much a key is used', () => {
  it('is counted at every door, kept over restarts, and of no other user’s business', async () => {
    const [bot, admin] = [await wire(BOT), await wire(ADMIN)];
    await bot.request('ping', {});
    await expect(bot.request('stats', {})).rejects.toThrow();
    upstream.answer((_asked, response) => response.writeHead(500).end());
    await (await chat()).text();
    await admin.request('ping', {});
    await server.stop();
    const path = join(folder, 'contexts.key-usage');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Object.fromEntries(readKeyUsage(folder))).toMatchObject({ bot: { requests: 3 }, admin: { requests: 1 } });
    server = await startServer(setupOf([ADMIN, BOT]));
    await (await wire(BOT)).request('ping', {});
    await server.stop();
    expect(readKeyUsage(folder).get('bot')).toMatchObject({ requests: 4 });
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 20));
    server = await startServer(setupOf([ADMIN, BOT]));
    await (await wire(BOT)).request('ping', {});
    await server.stop();
    expect(readKeyUsage(folder).get('bot')).toMatchObject({ requests: 1 });
  });
});
