import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { ERROR_TABLE } from '../../src/base/error-table.ts';
import { encodeBody, type BodyMap } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import { MESSAGES } from '../../src/protocol/message-table.ts';
import type { WireClient } from '../support/wire-client.ts';
import { settle, WireServer } from '../support/wire-server.ts';

// A failing run prints its seed and the path to the smallest case.

const server = new WireServer();
let bystander: WireClient;

beforeAll(async () => {
  bystander = await server.client();
});

/** Whatever was sent: known codes only, no defect, and the other connection still answered. */
async function expectOrder(client: WireClient): Promise<void> {
  client.duplex.end();
  await client.closed;
  client.duplex.destroy();
  for (const { type, payload } of client.unread as readonly { type: string; payload: { code: string } }[]) {
    if (type === 'error') expect(Object.keys(ERROR_TABLE)).toContain(payload.code);
  }
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  expect((await bystander.request('ping', {})).healthy).toBe(true);
  await settle(2);
  expect(server.handler.activeConnections).toBe(1);
}

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.uint8Array(),
    ),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 4 }),
  ),
})).any;

const fieldNames = [
  'text',
  'level',
  'id',
  'namespace',
  'agent_id',
  'session_id',
  'metadata',
  'tags',
  'ttl_ms',
  'created_at',
  'embedding',
  'contexts',
  'query',
  'max_tokens',
  'limit',
  'levels',
  'filter',
  'relevance_threshold',
  'priority',
  'explain',
  'if_version',
  'cursor',
]; // prettier-ignore

it('survives any bytes before and after authentication', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 4 }),
      fc.boolean(),
      async (pieces, known) => {
        const client = known ? await server.client() : server.stranger();
        for (const piece of pieces) client.sendBytes(piece);
        await expectOrder(client);
      },
    ),
    { numRuns: 150 },
  );
});

it('survives any body under a right tag', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 3 }), async (bodies) => {
      const client = await server.client();
      for (const body of bodies) client.sendBody(body);
      await expectOrder(client);
    }),
    { numRuns: 150 },
  );
});

it('survives requests with any payload', async () => {
  const type = fc.constantFrom(...MESSAGES.map((rule) => rule.type));
  const payload = fc.oneof(fc.dictionary(fc.constantFrom(...fieldNames), value, { maxKeys: 5 }), value);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ type, payload }), { maxLength: 5 }), async (requests) => {
      const client = await server.client();
      requests.forEach((request, id) => {
        client.send({ id, timestamp: server.clock.nowMs(), ...request });
      });
      await expectOrder(client);
    }),
    { numRuns: 150 },
  );
});

it('takes one flipped bit anywhere in a frame for what it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(7), async (place, bit) => {
      const client = await server.client();
      const body = encodeBody({ id: 1, type: 'ping', timestamp: server.clock.nowMs(), payload: {} });
      const frame = encodeFrame(client.outgoing!.sign(body), body);
      const at = place % frame.length;
      frame[at]! ^= 1 << bit;
      client.sendBytes(frame);
      client.duplex.end();
      await client.closed;
      // A length that became longer leaves the server waiting for the rest: then it says nothing.
      const answers = client.unread.map((message) => (message['payload'] as BodyMap)['code']);
      expect(answers.length).toBeLessThanOrEqual(1);
      if (at >= 4) expect(['AUTH_FAILED', 'BAD_FRAME']).toContain(answers[0]);
      await expectOrder(client);
    }),
    { numRuns: 150 },
  );
});
