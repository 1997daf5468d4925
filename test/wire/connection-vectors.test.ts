import { describe, expect, it } from 'vitest';
import type { RequestType } from '../../src/protocol/messages.generated.ts';
import { deriveKeys, TagSequence } from '../../src/protocol/proof.ts';
import type { WireClient } from '../support/wire-client.ts';
import { ADMIN, WireServer } from '../support/wire-server.ts';
import { hex, malformed, resolve, session } from './vector-files.ts';

// The vectors of proto-spec/, run against a server.

const nonce = new Uint8Array(hex(session.server_nonce));
const KEY = {
  id: 'default',
  secret: hex(session.secret),
  scopes: ['read', 'write', 'admin'],
  namespaces: ['*'],
} as const;

/** A server that hands out the nonce of the vectors, and a client that has sent their `auth` frame. */
async function recorded(): Promise<{ server: WireServer; client: WireClient }> {
  const random = { bytes: (count: number) => (count === nonce.length ? nonce : new Uint8Array(count)) };
  const server = new WireServer({ keys: [KEY], random });
  const client = server.stranger();
  await client.readHello();
  const keys = deriveKeys(KEY.secret, nonce, hex(session.client_nonce));
  client.incoming = new TagSequence(keys.serverToClient);
  client.outgoing = new TagSequence(keys.clientToServer);
  client.sendBytes(hex(session.frames.find(({ name }) => name === 'auth')!.frame));
  expect((await client.next())['type']).toBe('welcome');
  return { server, client };
}

describe('malformed frames', () => {
  it.each(malformed.frames.map((vector) => [`${vector.name} (${vector.stage})`, vector] as const))(
    '%s',
    async (_name, { stage, bytes, code }) => {
      const server = new WireServer();
      const client = stage === 'after_auth' ? await server.client() : server.stranger();
      if (stage === 'before_auth') await client.readHello();
      client.sendBytes(hex(bytes));
      expect((await client.nextError()).code).toBe(code);
      await client.closed;
    },
  );
});

describe('refused handshakes', () => {
  it.each(malformed.auths.map((vector) => [vector.name, vector] as const))('%s', async (_name, vector) => {
    const server = new WireServer();
    const client = server.stranger();
    const secret = vector.secret === undefined ? ADMIN.secret : hex(vector.secret);
    const timestamp = server.clock.nowMs() + (vector.timestamp_offset_ms ?? 0);
    await expect(client.authenticate({ ...ADMIN, secret }, { timestamp, ...vector.change })).rejects.toMatchObject({
      code: vector.code,
    });
    await client.closed;
  });
});

describe('wrong tags', () => {
  it.each(malformed.tags.map((vector) => [vector.name, vector] as const))('%s', async (_name, { frames, code }) => {
    const { client } = await recorded();
    for (const frame of frames) client.sendBytes(hex(frame));
    let last = await client.next();
    while (last['type'] === 'result') last = await client.next();
    expect(last).toMatchObject({ id: 0, type: 'error', payload: { code } });
    await client.closed;
  });
});

describe('malformed bodies', () => {
  it.each(malformed.bodies.map((vector) => [vector.name, vector] as const))(
    '%s',
    async (_name, { body, code, reply_id: id }) => {
      const client = await new WireServer().client();
      client.sendBody(hex(body));
      expect(await client.next()).toMatchObject({ id, type: 'error', payload: { code } });
      if (id === 0) await client.closed;
      else expect((await client.request('ping', {})).healthy).toBe(true);
    },
  );
});

describe('accepted bodies', () => {
  it.each(malformed.accepted_bodies.map((vector) => [vector.name, vector] as const))(
    '%s is kept exactly',
    async (_name, { body, n }) => {
      const client = await new WireServer().client();
      const stored = client.replyTo(5);
      client.sendBody(hex(body));
      const { id } = (await stored) as { id: string };
      expect((await client.request('context.get', { id })).context.metadata).toEqual({ n });
    },
  );
});

describe('payloads', () => {
  it.each(malformed.payloads.map((vector) => [`refuses ${vector.type}: ${vector.name}`, vector] as const))(
    '%s',
    async (_name, vector) => {
      const server = new WireServer();
      const client = await server.client();
      await expect(client.ask(vector.type, resolve(vector.payload))).rejects.toMatchObject({
        payload: { code: vector.code, details: { fields: [{ field: vector.field }] } },
      });
      expect(server.memory.calls).toEqual([]);
    },
  );

  it.each(malformed.accepted_payloads.map((vector) => [`takes ${vector.type}: ${vector.name}`, vector] as const))(
    '%s',
    async (_name, vector) => {
      const server = new WireServer();
      const client = await server.client();
      await client.request(vector.type as RequestType, resolve(vector.payload) as never).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'NOT_FOUND' });
      });
      expect(server.memory.calls).toHaveLength(1);
    },
  );
});
