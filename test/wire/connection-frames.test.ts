import { describe, expect, it } from 'vitest';
import { encodeBody } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import type { WireClient } from '../support/wire-client.ts';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';

function lengthOf(bytes: number): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes);
  return head;
}

function pingBody(client: WireClient, id = 1, extra: object = {}): Uint8Array {
  return encodeBody({ id, type: 'ping', timestamp: client.hello['timestamp'], payload: {}, ...extra });
}

/** Bytes of a map {id, type, timestamp, payload} whose payload nests arrays `levels` deep. */
function nestedBody(id: number, levels: number, idFirst: boolean): Uint8Array {
  const nest = Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.of(0xc0)]);
  const idField = Buffer.concat([Buffer.from('\xa2id', 'latin1'), Buffer.of(id)]);
  const payload = Buffer.concat([Buffer.from('\xa7payload\x81\xa1x', 'latin1'), nest]);
  return Buffer.concat([Buffer.of(0x82), ...(idFirst ? [idField, payload] : [payload, idField])]);
}

describe('frames', () => {
  it.each([
    ['length 0', lengthOf(0)],
    ['a value that is no array', Buffer.concat([lengthOf(1), Buffer.of(0xc0)])],
    ['an array of one', Buffer.concat([lengthOf(2), Buffer.of(0x91, 0xc0)])],
    [
      'a tag of 31 bytes',
      Buffer.concat([lengthOf(36), Buffer.of(0x92, 0xc4, 31), Buffer.alloc(31), Buffer.of(0xc4, 0)]),
    ],
    ['a body that is a string', Buffer.concat([lengthOf(3), Buffer.of(0x92, 0xc0, 0xa0)])],
    ['bytes after the body', Buffer.concat([lengthOf(5), Buffer.of(0x92, 0xc0, 0xc4, 0, 0)])],
  ])('answers %s with BAD_FRAME before and after authentication, and closes', async (_what, bytes) => {
    const server = new WireServer();
    const stranger = server.stranger();
    await stranger.readHello();
    const client = await server.client();
    for (const peer of [stranger, client]) {
      peer.sendBytes(bytes);
      expect(await peer.nextError()).toMatchObject({ code: 'BAD_FRAME', retryable: false });
      await peer.closed;
    }
  });

  it('refuses more than 4 KiB before authentication as soon as the length is known', async () => {
    const client = new WireServer().stranger();
    await client.readHello();
    client.sendBytes(lengthOf(4097));
    expect(await client.nextError()).toMatchObject({ code: 'FRAME_TOO_LARGE', details: { max_frame_bytes: 4096 } });
    await client.closed;
  });

  it('takes 4 KiB before authentication', async () => {
    const client = new WireServer().stranger();
    await client.readHello();
    client.sendBytes(lengthOf(4096));
    client.sendBytes(Buffer.alloc(4096, 0xc0));
    expect((await client.nextError()).code).toBe('BAD_FRAME');
  });

  it('refuses more than max_frame_bytes after authentication, and throws away what follows', async () => {
    const server = new WireServer({ limits: { maxFrameBytes: 100_000 } });
    const client = await server.client();
    client.sendBytes(lengthOf(100_001));
    for (let sent = 0; sent < 100_001; sent += 10_000) client.sendBytes(Buffer.alloc(10_000));
    expect(await client.nextError()).toMatchObject({ code: 'FRAME_TOO_LARGE', details: { max_frame_bytes: 100_000 } });
    await client.closed;
  });

  it.each([
    [4_500, 'AUTH_FAILED'],
    [4_501, 'FRAME_TOO_LARGE'],
  ])('answers a frame of %i bytes with %s where max_frame_bytes is 4,500', async (bytes, code) => {
    const server = new WireServer({ limits: { maxFrameBytes: 4_500 } });
    const client = await server.client();
    const body = new Uint8Array(bytes - 5);
    expect(encodeFrame(null, body).length).toBe(4 + bytes);
    client.sendFrame(null, body);
    expect((await client.nextError()).code).toBe(code);
  });

  it('reads frames whatever pieces they come in', async () => {
    const server = new WireServer();
    const client = await server.client();
    const body = pingBody(client, 9);
    const reply = client.replyTo(9);
    for (const byte of encodeFrame(client.outgoing!.sign(body), body)) client.sendBytes(Uint8Array.of(byte));
    expect(await reply).toMatchObject({ healthy: true });
  });
});

describe('tags', () => {
  it('closes with AUTH_FAILED on an altered body, without decoding it', async () => {
    const server = new WireServer();
    const client = await server.client();
    const body = pingBody(client);
    const tag = client.outgoing!.sign(body);
    client.sendFrame(tag, Buffer.concat([body.subarray(0, -1), Buffer.of(0xc1)]));
    expect(await client.nextError()).toMatchObject({ code: 'AUTH_FAILED' });
    await client.closed;
    expect(server.counted.get('requests_total unknown BAD_REQUEST')).toBeUndefined();
  });

  it.each<[string, (client: WireClient) => void]>([
    ['a nil tag', (client) => client.sendFrame(null, pingBody(client))],
    [
      'a replayed frame',
      (client) => {
        const body = pingBody(client);
        const tag = client.outgoing!.sign(body);
        client.sendFrame(tag, body);
        client.sendFrame(tag, body);
      },
    ],
    [
      'frames in another order',
      (client) => {
        const bodies = [pingBody(client, 1), pingBody(client, 2)];
        const tags = bodies.map((body) => client.outgoing!.sign(body));
        client.sendFrame(tags[1]!, bodies[1]!);
        client.sendFrame(tags[0]!, bodies[0]!);
      },
    ],
    [
      'a dropped frame',
      (client) => {
        client.outgoing!.sign(pingBody(client));
        client.sendBody(pingBody(client, 2));
      },
    ],
  ])('closes with AUTH_FAILED on %s', async (_what, misbehave) => {
    const server = new WireServer();
    const [client, bystander] = [await server.client(), await server.client()];
    misbehave(client);
    let error = await client.next();
    if (error['type'] === 'result') error = await client.next();
    expect(error).toMatchObject({ id: 0, type: 'error', payload: { code: 'AUTH_FAILED' } });
    await client.closed;
    expect((await bystander.request('ping', {})).active_connections).toBeGreaterThanOrEqual(1);
  });

  it('does not take a frame of another connection', async () => {
    const server = new WireServer();
    const [client, other] = [await server.client(), await server.client()];
    const body = pingBody(client);
    client.sendFrame(other.outgoing!.sign(body), body);
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
  });
});

describe('bodies', () => {
  it.each([true, false])(
    'answers 33 levels of nesting with BAD_REQUEST under the id, and goes on (id first: %s)',
    async (idFirst) => {
      const server = new WireServer();
      const client = await server.client();
      const reply = client.replyTo(7);
      client.sendBody(nestedBody(7, 40, idFirst));
      if (idFirst) {
        await expect(reply).rejects.toMatchObject({ code: 'BAD_REQUEST' });
        expect((await client.request('ping', {})).healthy).toBe(true);
      } else {
        reply.catch(() => {});
        expect((await client.nextError()).code).toBe('BAD_REQUEST');
        await client.closed;
      }
    },
  );

  it.each([
    ['no MessagePack', Buffer.of(0xc1)],
    ['a body that ends early', Buffer.of(0x82, 0xa2)],
    ['an array header that claims four billion elements', Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['no map', Buffer.of(0x93, 1, 2, 3)],
    ['an ext type', Buffer.of(0x81, 0xa1, 0x78, 0xd4, 1, 1)],
    ['a key that is no string', Buffer.of(0x81, 1, 1)],
  ])('answers %s with BAD_REQUEST for the connection, as no id can be read, and closes', async (_what, body) => {
    const server = new WireServer();
    const client = await server.client();
    client.sendBody(body);
    expect((await client.nextError()).code).toBe('BAD_REQUEST');
    await client.closed;
  });

  it.each([
    ['a type that is no string', { type: 5 }, '/type'],
    ['a payload that is no map', { payload: [1] }, '/payload'],
    ['a payload of bytes', { payload: Buffer.of(1) }, '/payload'],
    ['a timestamp with a fraction', { timestamp: 1.5 }, '/timestamp'],
    ['a negative deadline', { deadline_ms: -1 }, '/deadline_ms'],
    ['a field that nobody knows', { priority: 1 }, '/priority'],
  ])('answers %s with BAD_REQUEST that names the field, and goes on', async (_what, change, field) => {
    const client = await new WireServer().client();
    const refused = await client.ask('ping', {}, change).catch((error: unknown) => error);
    expect(refused).toMatchObject({ payload: { code: 'BAD_REQUEST', details: { fields: [{ field }] } } });
    expect((await client.request('ping', {})).healthy).toBe(true);
  });

  it.each([0, -1, 4_294_967_296, 1.5, '1', null])('cannot answer the id %o, and closes', async (id) => {
    const client = await new WireServer().client();
    client.send({ id, type: 'ping', timestamp: client.hello['timestamp'], payload: {} });
    expect((await client.nextError()).code).toBe('BAD_REQUEST');
    await client.closed;
  });

  it.each([1, 4_294_967_295])('answers the id %i', async (id) => {
    const client = await new WireServer().client();
    expect(await client.ask('ping', {}, { id })).toMatchObject({ healthy: true });
  });
});

describe('bad input', () => {
  it('leaves the other connections untouched and no connection behind', async () => {
    const server = new WireServer();
    const bystander = await server.client();
    await bystander.request('context.store', { text: 'what was there before' });
    const garbage = [Buffer.alloc(64, 0xff), Buffer.of(0, 0, 0, 0), Buffer.from('GET / HTTP/1.1\r\n\r\n'), lengthOf(5)];
    for (const bytes of garbage) {
      for (const peer of [server.stranger(), await server.client()]) {
        peer.sendBytes(bytes);
        peer.duplex.end();
        await peer.closed;
      }
    }
    await settle();
    expect(server.handler.activeConnections).toBe(1);
    expect((await bystander.request('context.query', { query: 'before' })).contexts).toHaveLength(1);
  });

  it('logs no text of a request that failed', async () => {
    const server = new WireServer();
    const client = await server.client({ ...ADMIN, sender: 'quiet-agent' });
    const secret = 'do-not-log-me';
    await client.ask('context.store', { text: secret, tags: secret }).catch(() => {});
    await client.ask(secret, {}).catch(() => {});
    await client.ask('context.get', { id: secret }).catch(() => {});
    const text = JSON.stringify(server.logged);
    expect(server.logged.filter((line) => line.message === 'request refused')).toHaveLength(3);
    expect(text).not.toMatch(/do-not-log-me|quiet-agent/);
  });
});
