import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import type { WireClient } from '../support/wire-client.ts';
import { DECLARED, EXAMPLE_ID, inNamespace, isNamespaced, type Declared } from '../support/declared-messages.ts';
import { openMemory, type MemoryFixture } from '../support/memory-fixture.ts';
import { WireServer } from '../support/wire-server.ts';

/** A's agent and session are those of the examples, so that they reach for it. */
const SESSION = 'trip-42';
const NAMESPACE = 'namespace-of-a';
const SECRET_TEXT = 'the treasure lies under the old oak, where Mara likes flights';
/** With the id and the names of the examples. */
const FACT = {
  subject: 'Mara',
  predicate: 'lives in',
  object: 'the treasure house',
  id: '018f0000-0000-7000-8000-00000000000b',
};
const KEYS: KeyConfig[] = ['a', 'b'].map((name) => ({
  id: `key-${name}`,
  secret: `${name} `.repeat(40),
  scopes: ['read', 'write', 'admin'],
  namespaces: [`namespace-of-${name}`],
}));

/**
 * Requests with which key B reaches for what is A's, of every type: its examples with A's namespace, and as they are,
 * which hold the id, the agent and the session of A's context.
 */
function attempts(message: Declared): { readonly payload: object; readonly forbidden: boolean }[] {
  return message.examples.flatMap((example) => [
    { payload: example, forbidden: message.namespace === 'server' },
    ...(isNamespaced(message) ? [{ payload: inNamespace(message, example, NAMESPACE), forbidden: true }] : []),
  ]);
}

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
    await clientA.request('context.store', { id: EXAMPLE_ID, text: SECRET_TEXT, session_id: SESSION });
    await clientA.request('fact.put', { facts: [FACT], agent_id: 'agent-2' });
  });

  afterEach(async () => {
    await fixture?.close();
    fixture = null;
  });

  it.each(DECLARED)('cannot reach each other by $type', async (message) => {
    for (const { payload, forbidden } of attempts(message)) {
      const answer: unknown = await clientB.ask(message.type, payload).catch((error: unknown) => error);
      expect(JSON.stringify(answer)).not.toMatch(/treasure|agent-of-a|namespace-of-a/);
      if (forbidden) expect(answer).toMatchObject({ code: 'FORBIDDEN' });
    }
    const { context } = await clientA.request('context.get', { id: EXAMPLE_ID });
    expect(context).toMatchObject({ text: SECRET_TEXT, version: 1, namespace: NAMESPACE });
    expect((await clientA.request('stats', {})).counts.total).toBe(1);
    const { facts } = await clientA.request('fact.list', { agent_id: '*' });
    expect(facts.map(({ object }) => object)).toEqual(what === 'a double' ? [] : [FACT.object]);
  });

  it('do not learn from refusals whether an id or a namespace exists', async () => {
    const payloads = async (attempts: readonly [string, object][]): Promise<unknown[]> =>
      Promise.all(
        attempts.map(([type, payload]) =>
          clientB.ask(type, payload).catch((error: unknown) => (error as { payload: unknown }).payload),
        ),
      );
    const elsewhere = EXAMPLE_ID.replace('00a', '00f');
    expect(
      await payloads([
        ['context.get', { id: EXAMPLE_ID }],
        ['context.get', { id: EXAMPLE_ID, namespace: NAMESPACE }],
      ]),
    ).toEqual(
      await payloads([
        ['context.get', { id: elsewhere }],
        ['context.get', { id: elsewhere, namespace: 'empty' }],
      ]),
    );
  });

  it('may hold the same id, each its own context', async () => {
    expect((await clientB.request('context.store', { id: EXAMPLE_ID, text: 'of b' })).created).toBe(true);
    expect((await clientA.request('context.get', { id: EXAMPLE_ID })).context.text).toBe(SECRET_TEXT);
    expect((await clientB.request('context.delete', { id: EXAMPLE_ID })).deleted).toBe(1);
    expect((await clientA.request('context.get', { id: EXAMPLE_ID })).context.text).toBe(SECRET_TEXT);
  });
});
