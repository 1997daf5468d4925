import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider } from '../../../../src/embedding/provider.ts';
import { openMemory, type MemoryFixture } from '../../../support/memory-fixture.ts';

const DIMENSION = 64;
const OWNER = { namespace: 'n', agentId: 'a' };
const NEVER = new AbortController().signal;

/** Letters as vectors; what it cannot do the test says. */
class Model implements EmbeddingProvider {
  readonly id = 'letters';
  readonly dimension = DIMENSION;
  readonly kind = 'semantic' as const;
  readonly asked: (readonly string[])[] = [];
  isAway = true;
  hangs = false;
  /** Called with each request's texts before it is answered. */
  before: (texts: readonly string[]) => Promise<void> | void = () => undefined;
  answer: (text: string) => Embedded = letters;

  async embed(texts: readonly string[], _kind: EmbeddingKind, signal?: AbortSignal): Promise<Embedded[]> {
    this.asked.push(texts);
    if (this.hangs)
      await new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason as CodedError), { once: true }),
      );
    if (this.isAway) throw new CodedError('EMBEDDING_UNAVAILABLE', 'the embedding service cannot be reached');
    await this.before(texts);
    return texts.map(this.answer);
  }

  /** The texts of every call since the last look. */
  look(): (readonly string[])[] {
    return this.asked.splice(0);
  }
}

function letters(text: string): Float32Array {
  const vector = new Float32Array(DIMENSION).fill(0.001);
  for (const letter of text) vector[letter.charCodeAt(0) % DIMENSION]! += 1;
  return vector;
}

let open: MemoryFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function deferring(defer = true): Promise<{ model: Model; fixture: MemoryFixture }> {
  const model = new Model();
  open = await openMemory({ provider: model, deps: { defer } });
  return { model, fixture: open };
}

const refusal = new CodedError('BAD_REQUEST', 'refused');
const text = (words: string) => ({ ...OWNER, text: words });

describe('stores while the model is away', () => {
  it('fail and store nothing where that is not put off', async () => {
    const { fixture } = await deferring(false);
    await expect(fixture.memory.store(text('bananas'))).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
    await expect(fixture.memory.storeBatch([text('a b'), text('c d')])).rejects.toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
    });
    expect((await fixture.memory.list(OWNER)).records).toEqual([]);
  });

  it('are kept without vectors, found by their words, and embedded later', async () => {
    const { model, fixture } = await deferring();
    const { memory } = fixture;
    const first = await memory.store(text('the harbour of Porto'));
    await memory.storeBatch([text('the mountains of Nepal'), text('the harbour of Porto')]);
    await expect(memory.embedBacklog(NEVER)).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
    expect(memory.backlog).toEqual({ pending: 3, refused: 0 });
    const down = await memory.query({ ...OWNER, query: 'harbour' });
    expect(down.contexts.map(({ record }) => record.text)).toContain('the harbour of Porto');
    expect(new Set(down.degraded.map(({ code }) => code))).toEqual(new Set(['EMBEDDING_UNAVAILABLE']));
    model.isAway = false;
    expect(await memory.embedBacklog(NEVER)).toEqual({ pending: 0, refused: 0 });
    const up = await memory.query({ ...OWNER, query: 'harbour' });
    expect(up.degraded).toEqual([]);
    expect((await memory.get('n', first.id)).version).toBe(1);
    model.look();
    await memory.embedBacklog(NEVER);
    expect(model.look()).toEqual([]);
  });

  it('wait no longer for a model that hangs than they must', async () => {
    const { model, fixture } = await deferring();
    model.hangs = true;
    const storing = fixture.memory.store(text('bananas'), {
      signal: NEVER,
      deadlineAtMs: fixture.clock.monotonicMs() + 4_000,
    });
    await expect.poll(() => model.asked.length).toBe(1);
    fixture.clock.advance(2_000);
    expect(await storing).toMatchObject({ created: true });
    const patient = fixture.memory.store(text('cherries'));
    await expect.poll(() => model.asked.length).toBe(2);
    fixture.clock.advance(10_000);
    expect(await patient).toMatchObject({ created: true });
  });

  it('with a vector of the client need no model', async () => {
    const { model, fixture } = await deferring();
    await fixture.memory.store({ ...text('mine'), embedding: letters('mine') });
    expect(await fixture.memory.embedBacklog(NEVER)).toEqual({ pending: 0, refused: 0 });
    expect(model.look()).toEqual([]);
  });
});

describe('a text that changes before its vector is made', () => {
  it('gets that of what it says then', async () => {
    const { model, fixture } = await deferring();
    const { memory, store } = fixture;
    const { id } = await memory.store(text('aaaa'));
    model.isAway = false;
    model.before = async (texts) => {
      if (texts.includes('aaaa')) await memory.update({ namespace: 'n', id, text: 'zzzz' });
    };
    await memory.embedBacklog(NEVER);
    const [loaded] = await store.load({ ...OWNER, sessionId: null }, 'immediate', fixture.clock.nowMs());
    expect(loaded).toMatchObject({ record: { text: 'zzzz', version: 2 } });
    const vector = loaded?.vector ?? new Float32Array(DIMENSION);
    expect(vector['z'.charCodeAt(0) % DIMENSION]).toBeGreaterThan(0.9);
    expect(memory.backlog).toEqual({ pending: 0, refused: 0 });
  });

  it('waits on where the model is away for the new one, too', async () => {
    const { model, fixture } = await deferring();
    const { id } = await fixture.memory.store(text('aaaa'));
    const updated = await fixture.memory.update({ namespace: 'n', id, text: 'bbbb' });
    expect(updated).toMatchObject({ text: 'bbbb', version: 2 });
    model.isAway = false;
    model.look();
    await fixture.memory.embedBacklog(NEVER);
    expect(model.look()).toEqual([['bbbb']]);
  });
});

describe('a text that the model has no vector for', () => {
  it('is refused for good, and asked about again when it says something else', async () => {
    const { model, fixture } = await deferring();
    const { memory } = fixture;
    const { id } = await memory.store(text('unreadable'));
    await memory.store(text('readable'));
    model.isAway = false;
    model.answer = (words) => (words === 'unreadable' ? refusal : letters(words));
    expect(await memory.embedBacklog(NEVER)).toEqual({ pending: 0, refused: 1 });
    model.look();
    await memory.embedBacklog(NEVER);
    expect(model.look()).toEqual([]);
    const { contexts } = await memory.query({ ...OWNER, query: 'unreadable' });
    expect(contexts[0]?.record.id).toBe(id);
    await memory.update({ namespace: 'n', id, text: 'readable now' });
    expect(await memory.embedBacklog(NEVER)).toEqual({ pending: 0, refused: 0 });
  });

  it('by a fault of the service waits, is asked about more and more rarely, and holds nobody up', async () => {
    const { model, fixture } = await deferring();
    const { memory } = fixture;
    await memory.storeBatch([text('broken'), text('whole')]);
    model.isAway = false;
    const fault = new CodedError('EMBEDDING_UNAVAILABLE', 'a vector of 3 numbers', { permanent: true });
    model.answer = (words) => (words === 'broken' ? fault : letters(words));
    expect(await memory.embedBacklog(NEVER)).toEqual({ pending: 1, refused: 0 });
    model.look();
    for (let run = 0; run < 20; run++) await memory.embedBacklog(NEVER);
    expect(model.look()).toHaveLength(5);
    model.isAway = true;
    await memory.store(text('new'));
    model.isAway = false;
    model.look();
    expect(await memory.embedBacklog(NEVER)).toEqual({ pending: 1, refused: 0 });
    expect(model.look()).toEqual([['broken', 'new']]);
    model.answer = letters;
    await expect.poll(() => memory.embedBacklog(NEVER)).toEqual({ pending: 0, refused: 0 });
  });

  it('and that brings its whole request down stands alone in the end', async () => {
    const { model, fixture } = await deferring();
    const { memory } = fixture;
    const words = Array.from({ length: 100 }, (_, i) => text(i === 10 ? 'poison' : `harmless ${i}`));
    await memory.storeBatch(words);
    model.isAway = false;
    model.before = (texts) => {
      if (texts.includes('poison')) throw new CodedError('EMBEDDING_UNAVAILABLE', 'status 500');
    };
    for (let run = 0; run < 40 && memory.backlog.pending !== 1; run++)
      await memory.embedBacklog(NEVER).catch(() => undefined);
    expect(memory.backlog).toEqual({ pending: 1, refused: 0 });
  });
});

it('a backlog outlives the process', async () => {
  const { model, fixture } = await deferring();
  await fixture.memory.storeBatch(Array.from({ length: 40 }, (_, i) => text(`number ${i}`)));
  open = await fixture.restart();
  model.isAway = false;
  model.look();
  expect(await open.memory.embedBacklog(NEVER)).toEqual({ pending: 0, refused: 0 });
  expect(model.look().flat()).toHaveLength(40);
});
