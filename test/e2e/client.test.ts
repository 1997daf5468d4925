import { createServer, connect as connectSocket, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, ContextManagerError, type Client } from '../../clients/typescript/src/index.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import { DECLARED } from '../support/declared-messages.ts';
import { callMethod } from './support/call-method.ts';
import { World, type ServerProcess } from './support/processes.ts';

const validators = createValidators();
const world = new World();
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  server = await world.serve(world.folder(), { PROTOCOL_SECRET: '0123456789abcdef0123456789abcdef' });
  client = await server.connect({ sender: 'agent-1', secret: '0123456789abcdef0123456789abcdef' });
});

afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  return error instanceof ContextManagerError ? error.code : 'none';
}

describe('against a real server', () => {
  it('every method answers every example of its request with what the schema of its reply says', async () => {
    // This server asks no backend over the network, so that it has no circuit; a card's id is made by the server.
    const absent: readonly string[] = ['admin.circuit_reset', 'session.expand'];
    for (const message of DECLARED) {
      if (absent.includes(message.type)) {
        expect(await codeOf(Promise.resolve().then(() => callMethod(client, message, message.examples[0]!)))).toBe(
          'NOT_FOUND',
        );
        continue;
      }
      for (const example of message.examples) {
        validators.reply(message.type, await callMethod(client, message, example));
      }
    }
  });

  it('what is stored is answered by every request that reads it, and gone when it is deleted', async () => {
    const text = 'Gr\u00fc\u00dfe an Zo\u00eb: the espresso machine was damaged, \u{1f600}';
    const stored = await client.store({
      text,
      session_id: 's',
      tags: ['damage'],
      metadata: { order: 4711, nested: { a: [1, null] } },
    });
    validators.reply('context.store', stored);
    expect(stored.created).toBe(true);
    const { context } = validators.reply('context.get', await client.get({ id: stored.id }));
    expect(context).toMatchObject({
      text,
      agent_id: 'agent-1',
      session_id: 's',
      tags: ['damage'],
      metadata: { order: 4711, nested: { a: [1, null] } },
    });
    const { results } = validators.reply(
      'context.store_batch',
      await client.storeBatch({
        contexts: [
          { text, id: stored.id },
          { text: 'other', id: stored.id },
        ],
      }),
    );
    expect(results[0]).toMatchObject({ created: false });
    expect(results[1]).toMatchObject({ error: { code: 'CONFLICT' } });
    const answer = validators.reply(
      'context.query',
      await client.query({ query: 'damaged espresso machine', explain: true }),
    );
    expect(answer.contexts[0]?.id).toBe(stored.id);
    expect(answer.receipts?.length).toBeGreaterThan(0);
    const updated = validators.reply(
      'context.update',
      await client.update({ id: stored.id, metadata: {}, if_version: 1 }),
    );
    expect(updated.context.version).toBe(2);
    expect(validators.reply('context.used', await client.used({ ids: [stored.id] }))).toEqual({ counted: 1 });
    validators.reply('context.list', await client.list().page());
    validators.reply('context.delete', await client.delete({ id: stored.id }));
    validators.reply('level.clear', await client.clearLevel({ level: 'immediate' }));
    expect(await codeOf(client.get({ id: stored.id }))).toBe('NOT_FOUND');
  });

  it('errors say which field is wrong, and where the call was made', async () => {
    const error = await client.query({ query: '' }).catch((reason: unknown) => reason as ContextManagerError);
    expect(error).toMatchObject({ code: 'BAD_REQUEST', details: { fields: [{ field: '/query' }] } });
    expect((error as Error).stack).toContain('client.test.ts');
  });

  it('a list goes through all pages, newest first', async () => {
    const contexts = Array.from({ length: 25 }, (_, i) => ({ text: `note ${i}`, created_at: 1_700_000_000_000 + i }));
    await client.storeBatch({ contexts, namespace: 'pages' });
    const seen: string[] = [];
    for await (const context of client.list({ namespace: 'pages', limit: 7 })) seen.push(context.text);
    expect(seen).toEqual(contexts.map(({ text }) => text).reverse());
  });

  it('a thousand calls at once all come back', async () => {
    const replies = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => client.request('stats', i % 2 === 0 ? {} : { namespace: 'default' })),
    );
    expect(replies.every(({ uptime_ms: uptimeMs }) => uptimeMs >= 0)).toBe(true);
  });

  it('a wrong secret and an address without a server are told apart', async () => {
    expect(await codeOf(server.connect({ secret: 'x'.repeat(32) }))).toBe('AUTH_FAILED');
    expect(await codeOf(connect({ host: '127.0.0.1', port: 1, keyId: 'default', secret: 'x'.repeat(32) }))).toBe(
      'CONNECTION_FAILED',
    );
  });
});

describe('over a link that is cut', () => {
  let link: Server;
  const sockets = new Set<Socket>();

  /** Passes bytes both ways until `cut` destroys what goes through it. */
  beforeAll(async () => {
    link = createServer((near) => {
      const far = connectSocket(server.port, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
        one.pipe(other);
      }
    });
    await new Promise<void>((resolve) => link.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    link.close();
    for (const socket of sockets) socket.destroy();
  });

  function cut(): void {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  }

  it('stores are made again and none is stored twice or lost', async () => {
    const { port } = link.address() as AddressInfo;
    const shaky = await connect({
      host: '127.0.0.1',
      port,
      keyId: 'default',
      secret: '0123456789abcdef0123456789abcdef',
      sender: 'shaky',
      namespace: 'shaky',
      pool: 2,
      backoff: { minMs: 5, maxMs: 50 },
    });
    const texts = Array.from({ length: 120 }, (_, i) => `fact number ${i}`);
    const stores: Promise<unknown>[] = [];
    for (const [i, text] of texts.entries()) {
      stores.push(shaky.store({ text, level: 'long_term' }));
      if (i % 15 === 14) await Promise.race(stores.slice(-5));
      if (i % 30 === 20) cut();
    }
    await Promise.all(stores);
    const seen: string[] = [];
    for await (const { text } of shaky.list({ limit: 50 })) seen.push(text);
    expect(seen.sort()).toEqual(texts.toSorted());
    await shaky.close();
  });
});
