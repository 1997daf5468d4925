import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressText, parseAddress } from '../../../clients/typescript/src/addresses.ts';
import { connectWith } from '../../../clients/typescript/src/connect-with.ts';
import type { Client, HowToConnect } from '../../../clients/typescript/src/index.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { failure } from './open-client.ts';
import { ScriptedServer, SECRET } from './scripted-server.ts';

const ADDRESSES = ['one:1', 'two:2', 'three:3'];

describe('a client of several servers', () => {
  let servers: ScriptedServer[];
  /** Ports in the order in which they were tried. */
  let tried: number[];
  let clients: Client[];
  beforeEach(() => {
    servers = ADDRESSES.map(() => new ScriptedServer());
    tried = [];
    clients = [];
  });
  afterEach(() => Promise.all(clients.map((client) => client.close({ timeoutMs: 0 }))));

  const open = async (options: Partial<HowToConnect> = {}): Promise<Client> => {
    const how = { keyId: 'default', secret: SECRET, backoff: { minMs: 1, maxMs: 8 }, addresses: ADDRESSES, ...options };
    const client = await connectWith(how, {
      openStream: ({ port }) => {
        tried.push(port);
        return (servers[port - 1] as ScriptedServer).openStream();
      },
      clock: systemClock,
      random: systemRandom,
    });
    clients.push(client);
    return client;
  };
  const down = (...places: number[]): void => {
    servers.forEach((server, place) => (server.isDown = places.includes(place)));
  };
  /** Ends what the server has, and lets nobody in. */
  const kill = (place: number): void => {
    const server = servers[place] as ScriptedServer;
    server.isDown = true;
    for (const peer of server.peers) peer.cut();
  };

  it('takes the first that answers', async () => {
    down(0);
    const client = await open();
    expect(tried).toEqual([1, 2]);
    await client.ping();
    expect(servers[1]?.requests).toHaveLength(1);
  });

  it('moves to the next when one dies, makes again what may be, and comes back when that one dies', async () => {
    const client = await open();
    (servers[0] as ScriptedServer).script = () => kill(0);
    const moved = (servers[1] as ScriptedServer).script;
    const [read, update] = await Promise.allSettled([client.stats(), client.update({ id: ID, text: 'new' })]);
    expect(read.status).toBe('fulfilled');
    expect(update).toMatchObject({ reason: { code: 'CONNECTION_LOST' } });
    expect(tried).toEqual([1, 2]);
    down();
    (servers[0] as ScriptedServer).script = moved;
    (servers[1] as ScriptedServer).script = () => kill(1);
    (servers[2] as ScriptedServer).isDown = true;
    await client.stats();
    expect(tried.slice(0, 4)).toEqual([1, 2, 3, 1]);
    expect(servers[0]?.requests.at(-1)?.type).toBe('stats');
  });

  it('goes to the next when one says that it shuts down', async () => {
    const client = await open();
    servers[0]?.peers[0]?.send({ type: 'goaway', deadline_ms: 1_000, timestamp: Date.now() });
    await expect.poll(() => tried).toEqual([1, 2]);
    await client.ping();
    expect(servers[1]?.requests).toHaveLength(1);
  });

  it('names every address that was no good, and why', async () => {
    down(0, 1, 2);
    const error = await failure(open());
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    for (const address of ADDRESSES) expect(error.message).toContain(address);
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.details?.['addresses']).toMatchObject(ADDRESSES.map((address) => ({ address })));
    expect(tried).toEqual([1, 2, 3]);
  });

  it('is refused for good where every server refuses it, and not where one is only away', async () => {
    for (const server of servers) server.refuseWith = 'AUTH_FAILED';
    expect(await failure(open())).toMatchObject({ code: 'AUTH_FAILED', retryable: false });
    down(1);
    const error = await failure(open());
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(error.message).toContain('AUTH_FAILED');
  });

  it('says what it tried when no server came back in the time of a call', async () => {
    const client = await open();
    down(0, 1, 2);
    for (const place of [0, 1, 2]) kill(place);
    const error = await failure(client.stats({}, { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    for (const address of ADDRESSES) expect(error.message).toContain(address);
    down(0, 1);
    expect(await client.ping()).toEqual({});
  });

  it('pauses once each was tried, also where each lets it in and cuts it off', async () => {
    for (const server of servers) server.script = (_request, peer) => peer.cut();
    const client = await open();
    const error = await failure(client.ping({ timeoutMs: 200 }));
    expect(['TIMEOUT', 'CONNECTION_LOST']).toContain(error.code);
    // Without pauses there would be thousands.
    expect(tried.length).toBeLessThan(500);
  });
});

const ID = '018f0000-0000-7000-8000-00000000000a';

describe('an address', () => {
  it.each([
    ['memory.internal:7420', { host: 'memory.internal', port: 7420 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
  ])('%s is one', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(addressText(address)).toBe(text);
  });

  it.each(['memory', 'memory:', ':7420', '::1:7420', 'a:0', 'a:65536', 'a:1x', 'http://a:1', 'a b:1', ''])(
    '%s is none',
    async (text) => {
      expect(parseAddress(text)).toBeNull();
      const how = { keyId: 'default', secret: SECRET, addresses: ['a:1', text] };
      const deps = { openStream: () => new ScriptedServer().openStream(), clock: systemClock, random: systemRandom };
      expect(await failure(connectWith(how, deps))).toMatchObject({
        code: 'BAD_REQUEST',
        details: { fields: [{ field: '/addresses' }] },
      });
    },
  );

  it('stands beside no host and no port, and a list is not empty', async () => {
    const deps = { openStream: () => new ScriptedServer().openStream(), clock: systemClock, random: systemRandom };
    const both = { keyId: 'default', secret: SECRET, host: 'a', port: 1, addresses: ['a:1'] };
    expect(await failure(connectWith(both as never, deps))).toMatchObject({
      details: { fields: [{ field: '/host' }, { field: '/port' }] },
    });
    const none = { keyId: 'default', secret: SECRET, addresses: [] };
    expect(await failure(connectWith(none, deps))).toMatchObject({ details: { fields: [{ field: '/addresses' }] } });
  });
});
