import { describe, expect, it } from 'vitest';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import { ADMIN_KEY, settle, WireServer } from '../support/wire-server.ts';

const SECRET = Buffer.from('a secret of thirty-two bytes or more');
const KEY: KeyConfig = { id: 'k', secret: SECRET, scopes: ['read', 'write'], namespaces: ['a'] };
const CREDENTIALS = { keyId: 'k', secret: SECRET };

function open(): WireServer {
  return new WireServer({ keys: [KEY], limits: { heartbeatMs: 1_000_000 } });
}

describe('a connection whose key is removed', () => {
  it('is closed, though it asks for nothing', async () => {
    const server = open();
    const [client, other] = [await server.client(CREDENTIALS), await server.client()];
    server.keys.replace([ADMIN_KEY]);
    server.clock.advance(600);
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
    await client.closed;
    expect(await other.request('ping', {})).toMatchObject({ healthy: true });
    await expect(server.client(CREDENTIALS)).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  });

  it('gets the replies to what it had asked for, and nothing of what it asks for then', async () => {
    const server = open();
    const client = await server.client(CREDENTIALS);
    server.memory.hold();
    const running = client.request('context.store', { text: 'before' });
    await settle();
    server.keys.replace([ADMIN_KEY]);
    client.request('context.store', { text: 'after' }).catch(() => undefined);
    client.request('context.store', { text: 'later still' }).catch(() => undefined);
    await settle();
    server.clock.advance(450);
    await settle();
    server.memory.release();
    expect(await running).toMatchObject({ created: true });
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
    await client.closed;
    expect([...server.memory.records.values()].map(({ text }) => text)).toEqual(['before']);
  });

  it('is closed within a second of that, whatever runs', async () => {
    const server = open();
    const client = await server.client(CREDENTIALS);
    server.memory.hold();
    client.request('context.store', { text: 'never answered' }).catch(() => undefined);
    await settle();
    server.clock.advance(300);
    server.keys.replace([ADMIN_KEY]);
    server.handler.keysChanged();
    await settle();
    expect(server.handler.activeConnections).toBe(1);
    server.clock.advance(500);
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
    await client.closed;
    server.memory.release();
  });

  it('is closed at once where it waits for nothing, and so is one whose key is disabled', async () => {
    const server = open();
    const client = await server.client(CREDENTIALS);
    server.keys.replace([ADMIN_KEY, { ...KEY, disabled: true }]);
    server.handler.keysChanged();
    expect((await client.nextError()).message).toMatch(/disabled/);
    await client.closed;
    await expect(server.client(CREDENTIALS)).rejects.toMatchObject({ code: 'AUTH_FAILED' });
    server.keys.replace([ADMIN_KEY, KEY]);
    expect(await (await server.client(CREDENTIALS)).request('ping', {})).toMatchObject({ healthy: true });
  });

  it('is closed by the secret that it used, where another one of the key stays', async () => {
    const server = open();
    const newer: KeyConfig = { ...KEY, secret: Buffer.from('another secret of thirty-two bytes') };
    const old = await server.client(CREDENTIALS);
    server.keys.replace([ADMIN_KEY, KEY, newer]);
    const rotated = await server.client({ keyId: 'k', secret: newer.secret });
    expect(await old.request('ping', {})).toMatchObject({ healthy: true });
    server.keys.replace([ADMIN_KEY, newer]);
    server.clock.advance(600);
    expect((await old.nextError()).code).toBe('AUTH_FAILED');
    expect(await rotated.request('ping', {})).toMatchObject({ healthy: true });
  });
});

it('what a key may do changes with its next request, on a connection that is open', async () => {
  const server = open();
  const client = await server.client(CREDENTIALS);
  await client.request('context.store', { text: 'in a' });
  server.keys.replace([ADMIN_KEY, { ...KEY, scopes: ['read'] }]);
  await expect(client.request('context.store', { text: 'no more' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  server.keys.replace([ADMIN_KEY, { ...KEY, namespaces: ['b'] }]);
  await expect(client.request('context.list', { namespace: 'a' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await client.request('context.store', { text: 'in b' });
  expect([...server.memory.records.values()].map(({ namespace }) => namespace)).toEqual(['a', 'b']);
});
