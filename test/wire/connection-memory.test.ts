import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestType } from '../../src/protocol/messages.generated.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import { openMemory, type MemoryFixture } from '../support/memory-fixture.ts';
import type { WireClient } from '../support/wire-client.ts';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';

// Requests of section 5 over the real memory and the embedded store.

const ID = '018f0000-0000-7000-8000-000000000001';
const validators = createValidators();

let fixture: MemoryFixture;
let server: WireServer;
let client: WireClient;
let other: WireClient;

beforeAll(async () => {
  fixture = await openMemory();
  server = new WireServer({ memory: fixture.memory, clock: fixture.clock });
  client = await server.client();
  other = await server.client({ ...ADMIN, sender: 'agent-2' });
});

afterAll(() => fixture.close());

/** The reply, held against its schema. */
async function ask<T extends RequestType>(who: WireClient, type: T, payload: Parameters<typeof who.request<T>>[1]) {
  return validators.reply(type, await who.request(type, payload));
}

describe('one context', () => {
  it('is stored once, however often, and read back by any connection', async () => {
    const context = {
      id: ID,
      text: 'The invoice goes to Anna.',
      tags: ['invoice'],
      metadata: { amount: 12.5 },
      session_id: 's1',
    };
    expect(await ask(client, 'context.store', context)).toMatchObject({ id: ID, level: 'immediate', created: true });
    expect(await ask(other, 'context.store', context)).toMatchObject({ id: ID, created: false });
    await expect(client.request('context.store', { ...context, text: 'Another text.' })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    const found = await ask(other, 'context.get', { id: ID.toUpperCase() });
    expect(found.context).toMatchObject({ ...context, namespace: 'default', agent_id: 'agent-1', version: 1 });
  });

  it('is found by its agent, in its session, and by nobody else unasked', async () => {
    const query = { query: 'Who gets the invoice?', relevance_threshold: 0 };
    const ids = async (who: WireClient, more: object): Promise<string[]> =>
      (await ask(who, 'context.query', { ...query, ...more })).contexts.map(({ id }) => id);
    expect(await ids(client, {})).toEqual([ID]);
    expect(await ids(client, { session_id: 's1' })).toEqual([ID]);
    expect(await ids(client, { session_id: 's2' })).toEqual([]);
    expect(await ids(other, {})).toEqual([]);
    expect(await ids(other, { agent_id: '*' })).toEqual([ID]);
    expect(await ids(client, { namespace: 'elsewhere' })).toEqual([]);
  });

  it('is listed exactly by session and agent', async () => {
    const count = async (who: WireClient, payload: object): Promise<number> =>
      (await ask(who, 'context.list', payload)).contexts.length;
    expect(await count(client, { session_id: 's1' })).toBe(1);
    expect(await count(client, { session_id: 's2' })).toBe(0);
    expect(await count(other, {})).toBe(0);
    expect(
      await count(other, { agent_id: '*', filter: { must: [{ key: 'tags', match: { value: 'invoice' } }] } }),
    ).toBe(1);
  });

  it('is changed with a version, and deleted once', async () => {
    const { context } = await ask(client, 'context.update', { id: ID, tags: ['paid'], if_version: 1 });
    expect(context).toMatchObject({ version: 2, tags: ['paid'] });
    await expect(client.request('context.update', { id: ID, tags: [], if_version: 1 })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(await ask(client, 'context.delete', { id: ID })).toEqual({ deleted: 1 });
    expect(await ask(client, 'context.delete', { id: ID })).toEqual({ deleted: 0 });
    await expect(client.request('context.get', { id: ID })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(client.request('context.update', { id: ID, text: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('many contexts', () => {
  it('are stored in one request, each with its own outcome', async () => {
    const texts = Array.from({ length: 30 }, (_, n) => ({
      text: `Note number ${n} about the garden.`,
      level: 'long_term' as const,
    }));
    const wrong = { text: 'A vector of another model.', embedding: new Uint8Array(8) };
    const { results } = await ask(client, 'context.store_batch', { contexts: [...texts, wrong] });
    expect(results.slice(0, 30).every((result) => 'created' in result && result.created)).toBe(true);
    expect(results[30]).toMatchObject({ error: { code: 'BAD_REQUEST' } });
  });

  it('are paged newest first, and counted', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask(client, 'context.list', { limit: 7, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.contexts.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(30);
    expect(await ask(client, 'stats', { namespace: 'default' })).toMatchObject({
      counts: { long_term: 30, total: 30 },
    });
    await expect(client.request('context.list', { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('answer a query within its budget, with receipts', async () => {
    const reply = await ask(client, 'context.query', {
      query: 'garden note 7',
      max_tokens: 40,
      explain: true,
      relevance_threshold: 0,
    });
    expect(reply.contexts.length).toBeGreaterThan(0);
    expect(reply.total_tokens).toBeLessThanOrEqual(40);
    expect(reply.receipts!.filter(({ outcome }) => outcome === 'included')).toHaveLength(reply.contexts.length);
  });

  it('answer pipelined requests as they are done', async () => {
    const queries = Array.from({ length: 100 }, (_, n) =>
      ask(client, 'context.query', { query: `number ${n % 30}`, limit: 3 }),
    );
    expect((await Promise.all(queries)).every(({ contexts }) => contexts.length <= 3)).toBe(true);
  });

  it('are deleted by filter and by level', async () => {
    await ask(client, 'context.store', { text: 'A short note.', level: 'short_term' });
    const filter = { must: [{ key: 'level', match: { value: 'short_term' } }] };
    expect(await ask(client, 'context.delete', { filter })).toEqual({ deleted: 1 });
    expect(await ask(client, 'level.clear', { level: 'long_term' })).toEqual({ deleted: 30 });
    expect(await ask(client, 'stats', {})).toMatchObject({ counts: { total: 0 } });
  });
});

describe('administration', () => {
  it('ends lifetimes and clears caches', async () => {
    await ask(client, 'context.store', { text: 'Gone in a second.', ttl_ms: 1_000, level: 'long_term' });
    fixture.clock.advance(1_001);
    expect(await ask(client, 'admin.gc', {})).toEqual({ promoted: 0, deleted: 1 });
    expect((await ask(client, 'admin.cache_clear', {})).embeddings).toBeGreaterThan(0);
    expect(await ask(client, 'ping', {})).toMatchObject({ healthy: true });
  });

  it('logged no defect on the way', async () => {
    await settle();
    expect(server.logged.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });
});
