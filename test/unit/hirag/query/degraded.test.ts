import { describe, expect, it } from 'vitest';
import { LEVELS, type Level } from '../../../../src/base/context.ts';
import { CodedError } from '../../../../src/base/errors.ts';
import { DEFAULTS } from '../../../support/settings.ts';
import { createLocalProvider } from '../../../../src/embedding/local.ts';
import type { EmbeddingKind, EmbeddingProvider } from '../../../../src/embedding/provider.ts';
import type { QueryOutcome } from '../../../../src/hirag/types.ts';
import type { LevelFindings, SearchRequest, SearchResult } from '../../../../src/store/store.ts';
import { openMemory } from '../../../support/memory-fixture.ts';
import { FaultyStore } from '../../../support/faulty-store.ts';

const OWNER = { namespace: 'n', agentId: 'a', sessionId: 's' };
const DOWN = new CodedError('STORE_UNAVAILABLE', 'down');

/** The local embedder, which can be made to fail or to wait. */
class Embedder implements EmbeddingProvider {
  readonly #local = createLocalProvider({ dimension: DEFAULTS.vectorDb.vectorSize, table: null });
  readonly id = this.#local.id;
  readonly dimension = this.#local.dimension;
  readonly kind = 'lexical' as const;
  before: () => Promise<void> = () => Promise.resolve();

  async embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]> {
    await this.before();
    return this.#local.embed(texts, kind, signal);
  }
}

/** Stores whose search fails, or waits for ever, for some levels. */
class Levels extends FaultyStore {
  readonly failing = new Map<Level, CodedError>();
  readonly hanging = new Set<Level>();

  override search(request: SearchRequest): Promise<SearchResult> {
    if (request.levels.some((level) => this.hanging.has(level))) return new Promise(() => undefined);
    return this.#withFailures(request);
  }

  async #withFailures(request: SearchRequest): Promise<SearchResult> {
    const failures = request.levels.map((level) => this.failing.get(level));
    const first = failures.find((failure) => failure !== undefined);
    if (first !== undefined && !failures.includes(undefined)) throw first;
    const result = await super.search({
      ...request,
      levels: request.levels.filter((level) => !this.failing.has(level)),
    });
    const answered = result.levels[Symbol.iterator]();
    const levels = failures.map((error) =>
      error === undefined ? (answered.next().value as LevelFindings) : { searched: 0, denseMedian: null, error },
    );
    return { ...result, levels };
  }
}

async function start() {
  const store = new Levels();
  const embedder = new Embedder();
  const { memory } = await openMemory({ store, provider: embedder });
  // Without a session none is a neighbour of another, which would bring it along from a level that failed.
  for (const level of LEVELS) await memory.store({ namespace: 'n', agentId: 'a', text: `green tea, ${level}`, level });
  return { store, embedder, memory };
}

function seen({ contexts }: QueryOutcome): Level[] {
  return contexts.map(({ record }) => record.level).sort();
}

function degraded(outcome: QueryOutcome): string[] {
  return outcome.degraded.map(({ level, code }) => `${level} ${code}`);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );
}

describe('a level that fails', () => {
  it('is named, and the others answer', async () => {
    const { store, memory } = await start();
    store.failing.set('short_term', new CodedError('OVERLOADED', 'full'));
    const outcome = await memory.query({ ...OWNER, query: 'green tea' });
    expect(seen(outcome)).toEqual(['immediate', 'long_term']);
    expect(degraded(outcome)).toEqual(['short_term OVERLOADED']);
  });

  it('by the time alone is named, and answers by words', async () => {
    const { store, memory } = await start();
    const search = store.search.bind(store);
    store.search = (request) => (request.createdWithin === undefined ? search(request) : Promise.reject(DOWN));
    const outcome = await memory.query({ ...OWNER, query: 'green tea yesterday' });
    expect(seen(outcome)).toEqual(['immediate', 'long_term', 'short_term']);
    expect(degraded(outcome)).toEqual(LEVELS.map((level) => `${level} STORE_UNAVAILABLE`));
  });

  it('fails the query only with all others asked for', async () => {
    const { store, memory } = await start();
    for (const level of LEVELS) store.failing.set(level, DOWN);
    const everyone = { namespace: 'n', query: 'green tea' };
    expect(await codeOf(memory.query(everyone))).toBe('STORE_UNAVAILABLE');
    expect(await codeOf(memory.query({ ...OWNER, query: 'green tea', levels: ['long_term'] }))).toBe(
      'STORE_UNAVAILABLE',
    );
    store.failing.delete('long_term');
    expect(seen(await memory.query(everyone))).toEqual(['long_term']);
  });

  it('fails the query where the whole store does', async () => {
    const { store, memory } = await start();
    for (const method of ['search', 'fetch', 'write', 'touch'] as const) store.failures.set(method, DOWN);
    for (const caller of [OWNER, { namespace: 'n' }])
      expect(await codeOf(memory.query({ ...caller, query: 'green tea' }))).toBe('STORE_UNAVAILABLE');
  });

  it('whose texts cannot be read is done without', async () => {
    const { store, memory } = await start();
    const tea = 'green tea, green tea, green tea, green tea, and green tea once more';
    for (const text of [tea, `${tea}, too`]) await memory.store({ ...OWNER, text, level: 'immediate' });
    // That both say the same is seen when the first texts are there, so that the next is read after them.
    store.beforeReply = (method) => {
      if (method === 'fetch') store.failures.set('fetch', DOWN);
      return Promise.resolve();
    };
    const outcome = await memory.query({ ...OWNER, query: 'green tea', limit: 4, explain: true });
    expect(seen(outcome)).toEqual(['immediate', 'immediate', 'short_term']);
    expect(degraded(outcome)).toEqual(['long_term STORE_UNAVAILABLE']);
    expect(outcome.receipts?.map(({ outcome: became }) => became)).toEqual([
      'included',
      'duplicate',
      'included',
      'included',
    ]);
  });

  it('fails the query where no text at all can be read', async () => {
    const { store, memory } = await start();
    store.failures.set('fetch', DOWN);
    for (const caller of [OWNER, { namespace: 'n' }])
      expect(await codeOf(memory.query({ ...caller, query: 'green tea' }))).toBe('STORE_UNAVAILABLE');
  });
});

describe('a deadline', () => {
  const late = new CodedError('DEADLINE_EXCEEDED', 'too late');

  it('fails the query where nothing has answered', async () => {
    const { store, memory } = await start();
    for (const level of LEVELS) store.hanging.add(level);
    const deadline = new AbortController();
    const query = codeOf(memory.query({ namespace: 'n', query: 'green tea' }, { signal: deadline.signal }));
    deadline.abort();
    expect(await query).toBe('DEADLINE_EXCEEDED');
    expect(await codeOf(memory.query({ ...OWNER, query: 'green tea' }, { signal: AbortSignal.abort(late) }))).toBe(
      'DEADLINE_EXCEEDED',
    );
  });

  it('fails the query whose embedder has not answered', async () => {
    const { embedder, memory } = await start();
    embedder.before = () => new Promise(() => undefined);
    const deadline = new AbortController();
    const query = codeOf(memory.query({ ...OWNER, query: 'green tea' }, { signal: deadline.signal }));
    await new Promise(setImmediate);
    deadline.abort(late);
    expect(await query).toBe('DEADLINE_EXCEEDED');
  });

  it('fails the query whose texts have not come', async () => {
    const { store, memory } = await start();
    const deadline = new AbortController();
    store.beforeCall = (method) => {
      if (method !== 'fetch') return Promise.resolve();
      deadline.abort(late);
      return new Promise(() => undefined);
    };
    expect(await codeOf(memory.query({ ...OWNER, query: 'green tea' }, { signal: deadline.signal }))).toBe(
      'DEADLINE_EXCEEDED',
    );
  });
});

describe('a level that is switched off though contexts are in it', () => {
  it('is named by the queries of its namespace that would look there', async () => {
    const first = await openMemory();
    await first.memory.store({ ...OWNER, text: 'green tea, short_term', level: 'short_term' });
    await first.memory.store({ ...OWNER, text: 'green tea, immediate' });
    await first.memory.store({ ...OWNER, namespace: 'm', text: 'green tea, immediate' });
    expect(await first.memory.unsearched()).toEqual([]);
    const off = await first.restart({ l2Enabled: false });
    const { memory, clock } = off;
    expect(await memory.unsearched()).toEqual([{ level: 'short_term', count: 1 }]);
    const outcome = await memory.query({ ...OWNER, query: 'green tea' });
    expect(seen(outcome)).toEqual(['immediate']);
    expect(degraded(outcome)).toEqual(['short_term LEVEL_OFF']);
    expect(degraded(await memory.query({ namespace: 'm', query: 'green tea' }))).toEqual([]);
    expect(degraded(await memory.query({ ...OWNER, query: 'green tea', levels: ['immediate'] }))).toEqual([]);
    await memory.clearLevel('n', 'short_term');
    clock.advance(60_000);
    expect(degraded(await memory.query({ ...OWNER, query: 'green tea' }))).toEqual([]);
    await off.close();
  });

  it('is named with every level off, and does not fail the query', async () => {
    const first = await openMemory();
    await first.memory.store({ ...OWNER, text: 'green tea' });
    const off = await first.restart({ l1Enabled: false, l2Enabled: false, l3Enabled: false });
    const outcome = await off.memory.query({ ...OWNER, query: 'green tea' });
    expect([outcome.contexts, degraded(outcome)]).toEqual([[], ['immediate LEVEL_OFF']]);
    await off.close();
  });
});

describe('an embedder that fails', () => {
  it('leaves the words, and every level says so', async () => {
    const { embedder, memory } = await start();
    embedder.before = () => Promise.reject(new Error('connection refused'));
    for (const caller of [OWNER, { namespace: 'n' }]) {
      const outcome = await memory.query({ ...caller, query: 'green tea' });
      expect(seen(outcome)).toEqual([...LEVELS].sort());
      expect(degraded(outcome)).toEqual(LEVELS.map((level) => `${level} EMBEDDING_UNAVAILABLE`));
    }
  });

  it('fails a query that has no words to go by', async () => {
    const { embedder, memory } = await start();
    embedder.before = () => Promise.reject(new Error('connection refused'));
    for (const caller of [OWNER, { namespace: 'n' }]) {
      expect(await codeOf(memory.query({ ...caller, query: '???' }))).toBe('EMBEDDING_UNAVAILABLE');
    }
  });

  it('stores nothing', async () => {
    const { embedder, memory, store } = await start();
    embedder.before = () => Promise.reject(new Error('connection refused'));
    expect(await codeOf(memory.store({ ...OWNER, text: 'new' }))).toBe('EMBEDDING_UNAVAILABLE');
    expect((await store.stats()).counts).toEqual({ immediate: 1, short_term: 1, long_term: 1 });
  });
});

describe('a context that moves while it is searched for', () => {
  it('is in the answer once', async () => {
    const { store, memory } = await start();
    store.beforeCall = async (method) => {
      if (method !== 'search') return;
      store.beforeCall = () => Promise.resolve();
      const { records } = await memory.list({ namespace: 'n', levels: ['immediate'] });
      await memory.update({ namespace: 'n', id: records[0]?.id ?? '', level: 'short_term' });
    };
    const { contexts } = await memory.query({ namespace: 'n', query: 'green tea', relevanceThreshold: 0 });
    const ids = contexts.map(({ record }) => record.id);
    expect(ids).toHaveLength(new Set(ids).size);
  });
});
