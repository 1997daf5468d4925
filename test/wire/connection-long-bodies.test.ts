// Bodies that take more than one turn of the event loop to decode: what comes behind them, beside them and instead of them.

import { describe, expect, it } from 'vitest';
import { encodeBody } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import type { WireClient } from '../support/wire-client.ts';
import { settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;
const TAGS = Array.from({ length: 64 }, (_, n) => `t${n}`);
const contexts = (name: string, ...last: readonly unknown[]): readonly unknown[] => [
  ...Array.from({ length: 600 }, (_, n) => ({ text: `${name} ${n}`, tags: TAGS })),
  ...last,
];

function frameOf(client: WireClient, id: number, type: string, payload: object): Buffer {
  const body = encodeBody({ id, type, timestamp: NOW, payload });
  return encodeFrame(client.outgoing!.sign(body), body);
}

const methods = (server: WireServer): string[] => server.memory.calls.map(({ method }) => method);
const running = (server: WireServer): number => server.gauges.get('request_bytes_running')!();

describe('a request whose body takes several turns to decode', () => {
  it('is begun before those behind it, and keeps nobody else waiting', async () => {
    const server = new WireServer();
    const [client, other] = [await server.client(), await server.client()];
    const order: string[] = [];
    const answered = (id: number, name: string): Promise<unknown> => client.replyTo(id).then(() => order.push(name));
    const all = [answered(1, 'batch'), answered(2, 'ping')];
    client.sendBytes(
      Buffer.concat([
        frameOf(client, 1, 'context.store_batch', { contexts: contexts('a') }),
        frameOf(client, 2, 'stats', {}),
      ]),
    );
    await other.request('ping', {}).then(() => order.push('other'));
    await Promise.all(all);
    expect(methods(server)).toEqual(['storeBatch', 'stats']);
    expect(order[0]).toBe('other');
    expect(running(server)).toBe(0);
  });

  it('is told what is wrong with it, and where', async () => {
    const server = new WireServer();
    const client = await server.client();
    const wrong = client.request('context.store_batch', { contexts: contexts('a', { text: 1 }) as never });
    await expect(wrong).rejects.toMatchObject({
      payload: { code: 'BAD_REQUEST', details: { fields: [{ field: '/contexts/600/text' }] } },
    });
    const twice = encodeBody({
      id: 9,
      type: 'context.store_batch',
      timestamp: NOW,
      payload: { contexts: contexts('a') },
    });
    const cut = twice.subarray(0, twice.length - 1);
    const refused = client.replyTo(9);
    client.sendBody(cut);
    await expect(refused).rejects.toMatchObject({ payload: { code: 'BAD_REQUEST' } });
    expect(await client.request('ping', {})).toBeDefined();
    expect(running(server)).toBe(0);
  });

  it('is not begun where the connection ends first, and gives back what it held', async () => {
    const server = new WireServer();
    const client = await server.client();
    client.sendBytes(frameOf(client, 1, 'context.store_batch', { contexts: contexts('a') }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(running(server)).toBeGreaterThan(0);
    const stopped = server.handler.stop(1);
    server.clock.advance(2);
    await stopped;
    await settle();
    expect(methods(server)).toEqual([]);
    expect(running(server)).toBe(0);
  });

  it('is answered though the peer has closed its end', async () => {
    const server = new WireServer();
    const client = await server.client();
    const reply = client.replyTo(1);
    client.sendBytes(frameOf(client, 1, 'context.store_batch', { contexts: contexts('a') }));
    client.duplex.end();
    expect(await reply).toBeDefined();
    await client.closed;
  });

  it('is decoded when those of others are, however many there are', async () => {
    const server = new WireServer();
    const clients = await Promise.all(Array.from({ length: 8 }, () => server.client()));
    await Promise.all(
      clients.flatMap((client, n) => [
        client.request('context.store_batch', { contexts: contexts(`${n} a`) as never }),
        client.request('context.store_batch', { contexts: contexts(`${n} b`) as never }),
      ]),
    );
    expect(server.memory.records.size).toBe(8 * 2 * 600);
    expect(running(server)).toBe(0);
    expect(server.gauges.get('request_bytes_coming')!()).toBe(0);
  });
});
