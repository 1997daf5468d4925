import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestType } from '../../src/protocol/messages.generated.ts';
import { MESSAGES } from '../../src/protocol/messages.ts';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import type { WireClient } from '../support/wire-client.ts';
import { openMemory, type MemoryFixture } from '../support/memory-fixture.ts';
import { WireServer } from '../support/wire-server.ts';

const ID_OF_A = '018f0000-0000-7000-8000-00000000000a';
const SECRET_TEXT = 'the treasure lies under the old oak';
const KEYS: KeyConfig[] = ['a', 'b'].map((name) => ({
  id: `key-${name}`,
  secret: `${name} `.repeat(40),
  scopes: ['read', 'write', 'admin'],
  namespaces: [name],
}));

/** Every request that key B can form to reach what is A's: by A's namespace, and by A's id in its own. */
const ATTEMPTS: { readonly [T in RequestType]: readonly object[] } = {
  ping: [{}],
  'context.store': [
    { text: 'overwritten', id: ID_OF_A, namespace: 'a' },
    { text: 'overwritten', id: ID_OF_A },
  ],
  'context.store_batch': [
    { contexts: [{ text: 'overwritten', id: ID_OF_A, namespace: 'a' }] },
    { contexts: [{ text: 'mine' }, { text: 'overwritten', id: ID_OF_A, namespace: 'a' }] },
    { contexts: [{ text: 'overwritten', id: ID_OF_A }] },
  ],
  'context.query': [
    { query: 'treasure', namespace: 'a' },
    { query: 'treasure', agent_id: '*' },
    { query: 'treasure', agent_id: 'agent-of-a', session_id: 'session-of-a', relevance_threshold: 0, explain: true },
    { query: 'treasure', agent_id: '*', filter: { must: [{ key: 'agent_id', match: { value: 'agent-of-a' } }] } },
  ],
  'context.get': [{ id: ID_OF_A, namespace: 'a' }, { id: ID_OF_A }],
  'context.update': [
    { id: ID_OF_A, namespace: 'a', text: 'overwritten' },
    { id: ID_OF_A, text: 'overwritten' },
  ],
  'context.delete': [
    { id: ID_OF_A, namespace: 'a' },
    { id: ID_OF_A },
    { filter: { must: [{ key: 'created_at', range: { gte: 0 } }] }, namespace: 'a' },
    { filter: { must: [{ key: 'created_at', range: { gte: 0 } }] } },
  ],
  'context.list': [{ namespace: 'a' }, { agent_id: '*' }, { agent_id: 'agent-of-a', session_id: 'session-of-a' }],
  'level.clear': [{ level: 'immediate', namespace: 'a' }, { level: 'immediate' }],
  stats: [{ namespace: 'a' }, {}],
  'admin.gc': [{}],
  'admin.cache_clear': [{}],
};

describe.each(['a double', 'the embedded store'])('two keys with different namespaces, over %s', (what) => {
  let fixture: MemoryFixture | null = null;
  let server: WireServer;
  let clientA: WireClient;
  let clientB: WireClient;

  beforeEach(async () => {
    if (what === 'the embedded store') fixture = await openMemory();
    server = new WireServer({ keys: KEYS, ...(fixture !== null && { memory: fixture.memory, clock: fixture.clock }) });
    clientA = await server.client({ keyId: 'key-a', secret: KEYS[0]!.secret, sender: 'agent-of-a' });
    clientB = await server.client({ keyId: 'key-b', secret: KEYS[1]!.secret, sender: 'agent-of-b' });
    await clientA.request('context.store', { id: ID_OF_A, text: SECRET_TEXT, session_id: 'session-of-a' });
  });

  afterEach(async () => {
    await fixture?.close();
    fixture = null;
  });

  it.each(MESSAGES.map(({ type }) => type))('cannot reach each other by %s', async (type) => {
    expect(ATTEMPTS[type].length).toBeGreaterThan(0);
    for (const payload of ATTEMPTS[type]) {
      const answer: unknown = await clientB.ask(type, payload).catch((error: unknown) => error);
      expect(JSON.stringify(answer)).not.toMatch(/treasure|agent-of-a|session-of-a/);
      if (JSON.stringify(payload).includes('"namespace":"a"')) expect(answer).toMatchObject({ code: 'FORBIDDEN' });
    }
    const { context } = await clientA.request('context.get', { id: ID_OF_A });
    expect(context).toMatchObject({ text: SECRET_TEXT, version: 1, namespace: 'a' });
    expect((await clientA.request('stats', {})).counts.total).toBe(1);
  });

  it('do not learn from refusals whether an id or a namespace exists', async () => {
    const payloads = async (attempts: readonly [string, object][]): Promise<unknown[]> =>
      Promise.all(
        attempts.map(([type, payload]) =>
          clientB.ask(type, payload).catch((error: unknown) => (error as { payload: unknown }).payload),
        ),
      );
    const elsewhere = ID_OF_A.replace('00a', '00f');
    expect(
      await payloads([
        ['context.get', { id: ID_OF_A }],
        ['context.get', { id: ID_OF_A, namespace: 'a' }],
      ]),
    ).toEqual(
      await payloads([
        ['context.get', { id: elsewhere }],
        ['context.get', { id: elsewhere, namespace: 'empty' }],
      ]),
    );
  });

  it('may hold the same id, each its own context', async () => {
    expect((await clientB.request('context.store', { id: ID_OF_A, text: 'of b' })).created).toBe(true);
    expect((await clientA.request('context.get', { id: ID_OF_A })).context.text).toBe(SECRET_TEXT);
    expect((await clientB.request('context.delete', { id: ID_OF_A })).deleted).toBe(1);
    expect((await clientA.request('context.get', { id: ID_OF_A })).context.text).toBe(SECRET_TEXT);
  });
});
