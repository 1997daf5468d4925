import { describe, expect, it } from 'vitest';
import type { Client, ClientEvents, ContextManagerError } from '../../../clients/typescript/src/index.ts';
import { closeClients, failure, open } from './open-client.ts';
import { rest, ScriptedServer } from './scripted-server.ts';

closeClients();

type Told = { [Name in keyof ClientEvents]: readonly [Name, ...ClientEvents[Name]] }[keyof ClientEvents];

/** Notes every event of a client, in the order in which it is told. */
function noted(client: Client): Told[] {
  const told: Told[] = [];
  client
    .on('connect', (event) => told.push(['connect', event]))
    .on('reconnect', (event) => told.push(['reconnect', event]))
    .on('close', (event) => told.push(['close', event]))
    .on('error', (error, event) => told.push(['error', error, event]));
  return told;
}

const names = (told: readonly Told[]): string[] => told.map(([name]) => name);
const ADDRESS = 'scripted:1';
const SERVER = 'scripted/1';

describe('what a client tells', () => {
  it('begins with the first connection, for whoever listens as soon as it is there', async () => {
    const told = noted(await open(new ScriptedServer()));
    await rest();
    expect(told).toEqual([['connect', { address: ADDRESS, server: SERVER }]]);
  });

  it('is each connection of a pool', async () => {
    const told = noted(await open(new ScriptedServer(), { pool: 3 }));
    await expect.poll(() => names(told)).toEqual(['connect', 'connect', 'connect']);
  });

  it('is that a connection was lost, why the attempts after it failed, and that another took its place', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    const told = noted(client);
    await rest();
    server.isDown = true;
    server.peers[0]?.cut();
    await expect.poll(() => told.length).toBeGreaterThan(5);
    expect(client.isReady).toBe(false);
    server.isDown = false;
    await expect.poll(() => names(told)).toContain('reconnect');
    expect(client.isReady).toBe(true);

    expect(names(told).slice(0, 3)).toEqual(['connect', 'error', 'close']);
    expect(names(told).slice(-2)).toEqual(['connect', 'reconnect']);
    const attempts = told.slice(3, -2);
    expect(new Set(names(attempts))).toEqual(new Set(['error']));
    const lost = expect.objectContaining({
      code: 'CONNECTION_LOST',
      details: { address: ADDRESS },
    }) as ContextManagerError;
    expect(told[1]).toEqual(['error', lost, { address: ADDRESS }]);
    expect(told[2]).toEqual(['close', { address: ADDRESS, server: SERVER, error: lost, reconnecting: true }]);
    for (const attempt of attempts)
      expect(attempt).toMatchObject([
        'error',
        { code: 'CONNECTION_FAILED', details: { address: ADDRESS } },
        { address: ADDRESS },
      ]);
    expect(told.at(-1)).toMatchObject([
      'reconnect',
      { address: ADDRESS, server: SERVER, attempts: attempts.length + 1 },
    ]);
    expect((told.at(-1)![1] as { downMs: number }).downMs).toBeGreaterThanOrEqual(0);
  });

  it('is no error where the server says that it shuts down: the next connection is there before the old one ends', async () => {
    const server = new ScriptedServer();
    const told = noted(await open(server));
    await rest();
    server.peers[0]?.send({ type: 'goaway', deadline_ms: 1_000, timestamp: Date.now() });
    await expect.poll(() => names(told).sort()).toEqual(['close', 'connect', 'connect', 'reconnect']);
    const close = told.find(([name]) => name === 'close');
    expect(close).toMatchObject(['close', { error: { code: 'SHUTTING_DOWN' }, reconnecting: true }]);
  });

  it('ends with what this client closed', async () => {
    const client = await open(new ScriptedServer(), { pool: 2 });
    const told = noted(client);
    await expect.poll(() => told.length).toBe(2);
    expect(client.isReady).toBe(true);
    await client.close();
    expect(client.isReady).toBe(false);
    await rest();
    const closed = ['close', { address: ADDRESS, server: SERVER, reconnecting: false }];
    expect(told.slice(2)).toEqual([closed, closed]);
  });

  it('goes on for hours where the server no longer lets it in', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    const refusal = new Promise<ContextManagerError>((resolve) =>
      client.on('error', (error) => error.code === 'AUTH_FAILED' && resolve(error)),
    );
    server.refuseWith = 'AUTH_FAILED';
    server.peers[0]?.cut();
    expect((await refusal).message).toContain(ADDRESS);
  });
});

describe('a listener', () => {
  it('is called until it is taken back, and only the next time where it listens once', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    const calls: string[] = [];
    const always = (): void => void calls.push('always');
    const taken = (): void => void calls.push('taken back');
    client
      .on('close', always)
      .once('close', () => calls.push('once'))
      .on('close', taken)
      .off('close', taken);
    for (const count of [1, 2]) {
      await expect.poll(() => client.isReady).toBe(true);
      server.peers.at(-1)?.cut();
      await expect.poll(() => calls.filter((call) => call === 'always').length).toBe(count);
    }
    expect(calls).toEqual(['always', 'once', 'always']);
  });

  it('is not needed: an error that nobody listens to ends nothing', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    server.isDown = true;
    server.peers[0]?.cut();
    await rest();
    server.isDown = false;
    expect(await client.ping()).toEqual({});
  });

  it('may close the client, or call it', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    const closed = new Promise<void>((resolve) => client.on('error', () => void client.close().then(resolve)));
    server.peers[0]?.cut();
    await closed;
    expect(await failure(client.ping())).toMatchObject({ code: 'CLOSED' });
  });

  it.each<[string, (client: Client) => unknown, string]>([
    ['an event that never comes', (client) => client.on('end' as never, () => undefined), '/event'],
    ['no event', (client) => client.once(undefined as never, () => undefined), '/event'],
    ['the name of a property', (client) => client.off('toString' as never, () => undefined), '/event'],
    ['no function', (client) => client.on('close', undefined as never), '/listener'],
  ])('is refused for %s', async (_what, listen, field) => {
    const client = await open(new ScriptedServer());
    expect(() => listen(client)).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        details: { fields: [{ field, reason: expect.any(String) as string }] },
      }),
    );
  });
});

describe('`await using`', () => {
  it('closes the client at the end of its block, when what is under way is done', async () => {
    const server = new ScriptedServer();
    let outside: Client;
    let pinged: Promise<unknown>;
    {
      await using client = await server.connect();
      outside = client;
      pinged = client.ping();
    }
    expect(await pinged).toEqual({});
    expect(outside.isReady).toBe(false);
    expect(await failure(outside.ping())).toMatchObject({ code: 'CLOSED' });
  });
});
