import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import type { EmbeddingProvider } from '../../../src/embedding/provider.ts';
import type { StoreInput, StoreOutcome } from '../../../src/hirag/types.ts';
import { openMemory, type FixtureOptions, type MemoryFixture } from '../../support/memory-fixture.ts';
import { FaultyStore } from '../../support/faulty-store.ts';

const OWNER = { namespace: 'n', agentId: 'a', sessionId: 's' };

const opened: MemoryFixture[] = [];

async function fixture(options: FixtureOptions = {}): Promise<MemoryFixture> {
  const made = await openMemory(options);
  opened.push(made);
  return made;
}

afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

function text(value: string, changes: Partial<StoreInput> = {}): StoreInput {
  return { ...OWNER, text: value, ...changes };
}

async function errorOf(work: Promise<unknown>): Promise<CodedError> {
  const outcome = await work.then(
    () => new Error('no error'),
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(CodedError);
  return outcome as CodedError;
}

/** A model of two dimensions that answers when the test says so. */
function slowModel() {
  const gate = Promise.withResolvers<void>();
  const provider: EmbeddingProvider = {
    id: 'slow',
    dimension: 2,
    kind: 'lexical',
    async embed(texts) {
      await gate.promise;
      return texts.map(() => Float32Array.of(1, 0));
    },
  };
  return { provider, answer: () => gate.resolve() };
}

describe('store', () => {
  it('gives a context an id, a token count and the time, and keeps what it was given', async () => {
    const { memory, clock } = await fixture();
    const outcome = await memory.store(text('four letters make one token', { metadata: { a: 1 }, tags: ['t'] }));
    expect(outcome).toMatchObject({ level: 'immediate', tokenCount: 6, createdAtMs: clock.nowMs(), created: true });
    expect(outcome.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const record = await memory.get('n', outcome.id);
    expect(record).toMatchObject({
      ...OWNER,
      text: 'four letters make one token',
      metadata: { a: 1 },
      tags: ['t'],
      version: 1,
      expiresAtMs: null,
    });
  });

  it('of a known id is a success with the same text and a conflict with another', async () => {
    const { memory } = await fixture();
    const id = '0190e4a0-0000-7000-8000-000000000001';
    expect(await memory.store(text('one', { id }))).toMatchObject({ id, created: true });
    expect(await memory.store(text('one', { id, level: 'long_term' }))).toMatchObject({
      id,
      created: false,
      level: 'immediate',
    });
    expect((await errorOf(memory.store(text('two', { id })))).code).toBe('CONFLICT');
    expect(await memory.store(text('two', { id, namespace: 'other' }))).toMatchObject({ id, created: true });
  });

  it('takes an embedding of the client, normalised, and refuses one that cannot be', async () => {
    const { memory, embedding, store } = await fixture();
    const own = new Float32Array(embedding.dimension).fill(3);
    const { id } = await memory.store(text('mine', { embedding: own }));
    expect(embedding.counts().misses).toBe(0);
    const [loaded] = await store.load(OWNER, 'immediate', 0);
    expect(loaded?.record.id).toBe(id);
    expect(loaded?.vector[0]).toBeCloseTo(1 / Math.sqrt(embedding.dimension));
    for (const bad of [
      new Float32Array(3).fill(1),
      new Float32Array(embedding.dimension),
      own.map((_, i) => (i === 5 ? NaN : 1)),
    ]) {
      const error = await errorOf(memory.store(text('bad', { embedding: bad })));
      expect(error.code).toBe('BAD_REQUEST');
      expect(error.details).toMatchObject({ fields: [{ field: '/embedding' }] });
    }
  });

  it('refuses a level that is off, and chooses the highest that is on', async () => {
    const { memory } = await fixture({ settings: { l1Enabled: false, l3Enabled: false } });
    expect(await memory.store(text('x'))).toMatchObject({ level: 'short_term' });
    const error = await errorOf(memory.store(text('y', { level: 'long_term' })));
    expect(error).toMatchObject({ code: 'BAD_REQUEST', details: { fields: [{ field: '/level' }] } });
    expect((await errorOf(memory.query({ ...OWNER, query: 'x', levels: ['immediate'] }))).code).toBe('BAD_REQUEST');
  });

  it('stores nothing once it has said that the deadline passed', async () => {
    const { provider, answer } = slowModel();
    const { memory } = await fixture({ provider });
    const deadline = new AbortController();
    const storing = errorOf(memory.store(text('late'), { signal: deadline.signal }));
    deadline.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    expect((await storing).code).toBe('DEADLINE_EXCEEDED');
    answer();
    await memory.store(text('in time'));
    const { records } = await memory.list({ namespace: 'n' });
    expect(records.map((record) => record.text)).toEqual(['in time']);
    expect((await errorOf(memory.store(text('x'), { signal: AbortSignal.abort() }))).code).toBe('DEADLINE_EXCEEDED');
  });

  it('reports what it stored though the deadline passed while it was written', async () => {
    const store = new FaultyStore();
    const { memory } = await fixture({ store });
    const deadline = new AbortController();
    store.beforeCall = (method) => {
      if (method === 'write') deadline.abort();
      return Promise.resolve();
    };
    expect(await memory.store(text('just made it'), { signal: deadline.signal })).toMatchObject({ created: true });
    expect((await store.stats()).counts.immediate).toBe(1);
  });
});

describe('a blank text', () => {
  it.each(['', ' \n', '\u200b\u2060\ufeff', '\u3164', '\u2800', '\u0000'])(
    '%j is refused wherever it comes',
    async (blank) => {
      const { memory } = await fixture();
      const { id } = await memory.store(text('something'));
      const refused = { code: 'BAD_REQUEST', details: { fields: [{ field: '/text', reason: 'is blank' }] } };
      expect(await errorOf(memory.store(text(blank)))).toMatchObject(refused);
      expect(await errorOf(memory.store(text(blank, { embedding: new Float32Array(1024).fill(1) })))).toMatchObject(
        refused,
      );
      expect(await errorOf(memory.update({ namespace: 'n', id, text: blank }))).toMatchObject(refused);
      const outcomes = await memory.storeBatch([text('good'), text(blank)]);
      expect(outcomes[0]).toMatchObject({ created: true });
      expect(outcomes[1]).toMatchObject(refused);
      expect((await memory.list({ namespace: 'n' })).records).toHaveLength(2);
    },
  );
});

describe('store_batch', () => {
  it('answers each in its place, with its own error', async () => {
    const { memory, embedding } = await fixture();
    const id = '0190e4a0-0000-7000-8000-000000000002';
    const outcomes = await memory.storeBatch([
      text('first', { id }),
      text('first', { id }),
      text('another text', { id }),
      text('bad vector', { embedding: new Float32Array(2) }),
      text('last', { level: 'long_term', namespace: 'm' }),
    ]);
    const brief = outcomes.map((outcome) =>
      outcome instanceof CodedError ? outcome.code : (outcome as StoreOutcome).created,
    );
    expect(brief).toEqual([true, false, 'CONFLICT', 'BAD_REQUEST', true]);
    expect(embedding.counts().misses).toBe(3);
    expect((await memory.list({ namespace: 'm' })).records).toHaveLength(1);
  });

  it('says where each context is after what overflowed has moved on', async () => {
    const { memory } = await fixture({ settings: { l1Size: 2, l2Size: 1 } });
    const outcomes = await memory.storeBatch(['a', 'b', 'c', 'd'].map((value) => text(value)));
    expect(outcomes.map((outcome) => (outcome as StoreOutcome).level)).toEqual([
      'long_term',
      'short_term',
      'immediate',
      'immediate',
    ]);
  });

  it('fails whole where nothing can be embedded', async () => {
    const provider: EmbeddingProvider = { ...slowModel().provider, embed: () => Promise.reject(new Error('no route')) };
    const { memory } = await fixture({ provider });
    expect((await errorOf(memory.storeBatch([text('a'), text('b')]))).code).toBe('EMBEDDING_UNAVAILABLE');
    expect((await memory.list({ namespace: 'n' })).records).toEqual([]);
  });
});

describe('update', () => {
  it('embeds a new text, counts its tokens, and is found by it', async () => {
    const { memory } = await fixture();
    const { id } = await memory.store(text('we met in Berlin'));
    const updated = await memory.update({
      namespace: 'n',
      id,
      text: 'we met in Lisbon, at the harbour',
      tags: ['moved'],
    });
    expect(updated).toMatchObject({
      version: 2,
      text: 'we met in Lisbon, at the harbour',
      tokenCount: 8,
      tags: ['moved'],
    });
    for (const caller of [OWNER, { namespace: 'n' }]) {
      const { contexts } = await memory.query({ ...caller, query: 'harbour Lisbon' });
      expect(contexts[0]?.record.text).toContain('Lisbon');
      expect(contexts[0]?.scores.similarity).toBeGreaterThan(0.8);
    }
  });

  it('does not embed what stays as it is', async () => {
    const { memory, embedding } = await fixture();
    const { id } = await memory.store(text('same'));
    expect(await memory.update({ namespace: 'n', id, text: 'same', metadata: { b: 2 } })).toMatchObject({
      version: 2,
      metadata: { b: 2 },
    });
    expect(embedding.counts().misses).toBe(1);
  });

  it('refuses another version than the one named, and says which there is', async () => {
    const { memory } = await fixture();
    const { id } = await memory.store(text('x'));
    await memory.update({ namespace: 'n', id, tags: ['one'], ifVersion: 1 });
    expect(await errorOf(memory.update({ namespace: 'n', id, tags: ['two'], ifVersion: 1 }))).toMatchObject({
      code: 'CONFLICT',
      details: { version: 2 },
    });
    const races = await Promise.allSettled(
      ['three', 'four'].map((tag) => memory.update({ namespace: 'n', id, tags: [tag], ifVersion: 2 })),
    );
    expect(races.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('knows nothing of other namespaces', async () => {
    const { memory } = await fixture();
    const { id } = await memory.store(text('x'));
    expect((await errorOf(memory.update({ namespace: 'm', id, text: 'y' }))).code).toBe('NOT_FOUND');
    expect((await errorOf(memory.get('m', id))).code).toBe('NOT_FOUND');
    expect(await memory.delete('m', { id })).toBe(0);
  });

  it('moves between levels, within their bounds', async () => {
    const { memory } = await fixture({ settings: { l1Size: 1 } });
    const { id } = await memory.store(text('old', { level: 'long_term' }));
    const { id: other } = await memory.store(text('new'));
    expect(await memory.update({ namespace: 'n', id, level: 'immediate' })).toMatchObject({
      level: 'immediate',
      expiresAtMs: null,
    });
    expect(await memory.get('n', other)).toMatchObject({ level: 'short_term', expiryAction: 'promote' });
  });

  it('sets a lifetime that counts from now, and keeps it over moves', async () => {
    const { memory, clock } = await fixture({ settings: { l1Size: 1 } });
    const { id } = await memory.store(text('x'));
    clock.advance(5000);
    const expiresAtMs = clock.nowMs() + 1000;
    expect(await memory.update({ namespace: 'n', id, ttlMs: 1000 })).toMatchObject({
      expiresAtMs,
      expiryAction: 'delete',
    });
    expect(await memory.update({ namespace: 'n', id, level: 'short_term' })).toMatchObject({
      expiresAtMs,
      expiryAction: 'delete',
    });
    expect(await memory.update({ namespace: 'n', id, level: 'immediate' })).toMatchObject({ expiresAtMs });
    await memory.store(text('pushes it out'));
    expect(await memory.get('n', id)).toMatchObject({ level: 'short_term', expiresAtMs, expiryAction: 'delete' });
    clock.advance(1001);
    expect((await errorOf(memory.get('n', id))).code).toBe('NOT_FOUND');
  });
});

describe('the rest', () => {
  it('deletes by id and by filter, in one namespace', async () => {
    const { memory } = await fixture();
    const { id } = await memory.store(text('a', { tags: ['x'] }));
    await memory.store(text('b', { tags: ['y'] }));
    await memory.store(text('c', { tags: ['y'], namespace: 'm' }));
    expect(await memory.delete('n', { id })).toBe(1);
    expect(await memory.delete('n', { id })).toBe(0);
    const filter = { must: [{ key: 'tags', match: { value: 'y' } }] };
    expect(await memory.delete('n', { filter })).toBe(1);
    expect((await memory.list({ namespace: 'm' })).records).toHaveLength(1);
    expect(
      (await errorOf(memory.delete('n', { filter: { must: [{ key: 'text', match: { value: 'y' } }] } }))).code,
    ).toBe('BAD_REQUEST');
  });

  it('clears one level of one namespace', async () => {
    const { memory } = await fixture();
    await memory.store(text('blue whales'));
    await memory.store(text('blue whales in another namespace', { namespace: 'm' }));
    await memory.store(text('blue whales, long ago', { level: 'long_term' }));
    await memory.query({ ...OWNER, query: 'whales' });
    expect(await memory.clearLevel('n', 'immediate')).toBe(1);
    const { contexts } = await memory.query({ ...OWNER, query: 'whales' });
    expect(contexts.map(({ record }) => record.level)).toEqual(['long_term']);
    expect((await memory.query({ ...OWNER, namespace: 'm', query: 'whales' })).contexts).toHaveLength(1);
  });

  it('pages through a list, newest first', async () => {
    const { memory, clock } = await fixture();
    for (let i = 0; i < 5; i++) {
      await memory.store(text(`t${i}`));
      clock.advance(10);
    }
    const first = await memory.list({ ...OWNER, limit: 3 });
    const second = await memory.list({
      ...OWNER,
      limit: 3,
      ...(first.cursor === undefined ? {} : { cursor: first.cursor }),
    });
    expect([...first.records, ...second.records].map((record) => record.text)).toEqual(['t4', 't3', 't2', 't1', 't0']);
    expect(second.cursor).toBeUndefined();
  });

  it('tells counts by level and what is cached, and empties the caches', async () => {
    const { memory } = await fixture();
    await memory.store(text('a'));
    await memory.store(text('b', { level: 'long_term' }));
    await memory.query({ ...OWNER, query: 'a' });
    const stats = await memory.stats('n');
    expect(stats.store.counts).toEqual({ immediate: 1, short_term: 0, long_term: 1 });
    expect(stats.cache).toEqual({ embeddingEntries: 3, embeddingHits: 0, embeddingMisses: 3 });
    await memory.query({ ...OWNER, namespace: 'm', query: 'a' });
    expect(await memory.stats('n')).toEqual(stats);
    expect((await memory.stats('m')).cache).toEqual({ embeddingEntries: 1, embeddingHits: 0, embeddingMisses: 1 });
    expect((await memory.stats()).cache.embeddingEntries).toBe(4);
    expect(await memory.clearCaches()).toEqual({ embeddings: 4 });
    expect((await memory.stats('n')).cache).toEqual({ embeddingEntries: 0, embeddingHits: 0, embeddingMisses: 3 });
    expect((await memory.query({ ...OWNER, query: 'a' })).contexts).not.toEqual([]);
  });

  it('is healthy where the store answers', async () => {
    const store = new FaultyStore();
    const { memory } = await fixture({ store });
    expect(await memory.healthy()).toBe(true);
    store.failures.set('ping', new CodedError('STORE_UNAVAILABLE', 'down'));
    expect(await memory.healthy()).toBe(false);
  });

  it('starts no timer', async () => {
    const made = await openMemory({ store: new FaultyStore() });
    expect(made.clock.pendingTimers).toBe(0);
    await made.close();
  });
});
