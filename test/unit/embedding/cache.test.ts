import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { noMetrics, type CounterName, type Metrics } from '../../../src/base/metrics.ts';
import { withCache, type CachedEmbeddingProvider, type EmbeddingCacheSettings } from '../../../src/embedding/cache.ts';
import {
  onlyVectors,
  type Embedded,
  type EmbeddingKind,
  type EmbeddingProvider,
  type OwnedText,
} from '../../../src/embedding/provider.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const SETTINGS: EmbeddingCacheSettings = { maxEntries: 100, ttlMs: 1000 };

/** A model whose vectors are made by the test, and whose answers can be held back. */
class Model implements EmbeddingProvider {
  readonly id = 'test';
  readonly dimension = 2;
  readonly kind = 'semantic' as const;
  readonly calls: {
    readonly texts: readonly string[];
    readonly kind: EmbeddingKind;
    readonly signal: AbortSignal | undefined;
  }[] = [];
  vectorOf: (text: string) => Embedded = (text) => Float32Array.of(text.length, 1);
  gate: Promise<void> = Promise.resolve();
  failure: Error | null = null;

  async embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Embedded[]> {
    this.calls.push({ texts, kind, signal });
    await this.gate;
    if (this.failure !== null) throw this.failure;
    return texts.map((text) => this.vectorOf(text));
  }

  get asked(): (readonly string[])[] {
    return this.calls.map(({ texts }) => texts);
  }
}

function cached(settings: Partial<EmbeddingCacheSettings> = {}, metrics: Metrics = noMetrics) {
  const model = new Model();
  const clock = new FakeClock();
  const cache = withCache(model, { ...SETTINGS, ...settings }, clock, metrics);
  return { model, clock, cache, provider: inNamespace(cache, 'n') };
}

/** The cache as one namespace uses it. */
function inNamespace(cache: CachedEmbeddingProvider, namespace: string) {
  const owned = (text: string): OwnedText => ({ namespace, text });
  return {
    embed: async (texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal) =>
      onlyVectors(await cache.embed(texts.map(owned), kind, signal)),
    has: (text: string, kind: EmbeddingKind) => cache.has(owned(text), kind),
    counts: () => cache.counts(namespace),
    clear: () => cache.clear(),
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

describe('the embedding cache', () => {
  it('asks once for a text, and again for the other kind', async () => {
    const { model, provider } = cached();
    const [first] = await provider.embed(['a'], 'query');
    const [second] = await provider.embed(['a'], 'query');
    expect(second).toEqual(first);
    await provider.embed(['a'], 'passage');
    expect(model.calls.map(({ kind }) => kind)).toEqual(['query', 'passage']);
    expect(provider.has('a', 'query')).toBe(true);
    expect(provider.has('b', 'query')).toBe(false);
  });

  it('asks for all that is missing in one call, each text once, and answers in order', async () => {
    const { model, provider } = cached();
    await provider.embed(['bb'], 'passage');
    const vectors = await provider.embed(['a', 'bb', 'ccc', 'a'], 'passage');
    expect(model.asked).toEqual([['bb'], ['a', 'ccc']]);
    expect(vectors.map((vector) => Math.round((vector[0] ?? 0) / (vector[1] ?? 1)))).toEqual([1, 2, 3, 1]);
  });

  it('tells long texts apart', async () => {
    const { model, provider } = cached();
    const long = 'x'.repeat(5000);
    await provider.embed([long, `${long}y`], 'passage');
    await provider.embed([long], 'passage');
    expect(model.calls).toHaveLength(1);
  });

  it('forgets after its time and past its size', async () => {
    const { model, clock, provider } = cached({ maxEntries: 2 });
    await provider.embed(['a', 'b', 'c'], 'query');
    expect(provider.counts().entries).toBe(2);
    expect(provider.has('a', 'query')).toBe(false);
    clock.advance(1001);
    await provider.embed(['c'], 'query');
    expect(model.calls).toHaveLength(2);
  });

  it('keeps nothing with size 0', async () => {
    const { model, provider } = cached({ maxEntries: 0 });
    await provider.embed(['a'], 'query');
    await provider.embed(['a'], 'query');
    expect(model.calls).toHaveLength(2);
    expect(await provider.clear()).toBe(0);
  });

  it('counts hits and misses, and empties on demand', async () => {
    const counted: Partial<Record<CounterName, number>> = {};
    const metrics: Metrics = {
      ...noMetrics,
      count: (name, _labels, by = 1) => void (counted[name] = (counted[name] ?? 0) + by),
    };
    const { provider } = cached({}, metrics);
    await provider.embed(['a', 'b'], 'query');
    await provider.embed(['a', 'c'], 'query');
    expect(provider.counts()).toEqual({ entries: 3, hits: 1, misses: 3 });
    expect(counted).toEqual({ embedding_cache_hits_total: 1, embedding_cache_misses_total: 3 });
    expect(await provider.clear()).toBe(3);
    expect(provider.has('a', 'query')).toBe(false);
  });
});

describe('two namespaces', () => {
  it('share no vector, no call under way and no count', async () => {
    const { model, cache } = cached();
    const [red, blue] = [inNamespace(cache, 'red'), inNamespace(cache, 'blue')];
    await red.embed(['a', 'b', 'a'], 'query');
    expect(blue.has('a', 'query')).toBe(false);
    expect(blue.counts()).toEqual({ entries: 0, hits: 0, misses: 0 });
    await Promise.all([red.embed(['c'], 'query'), blue.embed(['c', 'a'], 'query')]);
    expect(model.asked).toEqual([['a', 'b'], ['c'], ['c', 'a']]);
    expect(red.counts()).toEqual({ entries: 3, hits: 1, misses: 3 });
    expect(blue.counts()).toEqual({ entries: 2, hits: 0, misses: 2 });
    expect(cache.counts()).toEqual({ entries: 5, hits: 1, misses: 5 });
  });

  it('are asked for in one call of the provider, each with its own vector', async () => {
    const { model, cache } = cached();
    const texts = ['red', 'blue', 'red'].map((namespace) => ({ namespace, text: 'a' }));
    const [first, second, third] = await cache.embed(texts, 'passage');
    expect(model.asked).toEqual([['a', 'a']]);
    expect(third).toBe(first);
    expect(second).not.toBe(first);
    expect(cache.counts('red')).toEqual({ entries: 1, hits: 1, misses: 1 });
  });

  it('lose their entries to time, size and clearing, and are counted down', async () => {
    const { clock, cache } = cached({ maxEntries: 3 });
    const [red, blue] = [inNamespace(cache, 'red'), inNamespace(cache, 'blue')];
    await red.embed(['a', 'b'], 'query');
    await blue.embed(['a', 'b'], 'query');
    expect([red.counts().entries, blue.counts().entries, cache.counts().entries]).toEqual([1, 2, 3]);
    clock.advance(1001);
    await blue.embed(['a', 'b'], 'query');
    expect([red.counts().entries, blue.counts().entries]).toEqual([1, 2]);
    expect(await cache.clear()).toBe(3);
    expect([red.counts().entries, blue.counts().entries, cache.counts().entries]).toEqual([0, 0, 0]);
  });
});

describe('concurrent requests for one text', () => {
  it('share one call', async () => {
    const { model, provider } = cached();
    const gate = Promise.withResolvers<void>();
    model.gate = gate.promise;
    const both = Promise.all([provider.embed(['a', 'b'], 'query'), provider.embed(['b', 'c'], 'query')]);
    gate.resolve();
    const [[, first], [second]] = (await both) as [[Float32Array, Float32Array], [Float32Array]];
    expect(second).toBe(first);
    expect(model.asked).toEqual([['a', 'b'], ['c']]);
  });

  it('do not lose it when one of them gives up', async () => {
    const { model, provider } = cached();
    const gate = Promise.withResolvers<void>();
    model.gate = gate.promise;
    const impatient = new AbortController();
    const first = provider.embed(['a'], 'query', impatient.signal);
    const second = provider.embed(['a'], 'query');
    impatient.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    expect(await codeOf(first)).toBe('DEADLINE_EXCEEDED');
    expect(model.calls[0]?.signal?.aborted).toBe(false);
    gate.resolve();
    expect(await second).toHaveLength(1);
    expect(model.calls).toHaveLength(1);
  });

  it('are aborted when all of them give up, and the next asks anew', async () => {
    const { model, provider } = cached();
    const gate = Promise.withResolvers<void>();
    model.gate = gate.promise;
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map((controller) => codeOf(provider.embed(['a'], 'query', controller.signal)));
    for (const controller of controllers) controller.abort();
    expect(await Promise.all(waiting)).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
    expect(model.calls[0]?.signal?.aborted).toBe(true);
    const again = provider.embed(['a'], 'query');
    gate.resolve();
    await again;
    expect(model.calls).toHaveLength(2);
  });

  it('start nothing where the signal has fired already', async () => {
    const { model, provider } = cached();
    expect(await codeOf(provider.embed(['a'], 'query', AbortSignal.abort()))).toBe('DEADLINE_EXCEEDED');
    expect(model.calls).toHaveLength(0);
  });

  it('all get an error, which is not kept', async () => {
    const { model, provider } = cached();
    model.failure = new Error('connection reset');
    const codes = await Promise.all([codeOf(provider.embed(['a'], 'query')), codeOf(provider.embed(['a'], 'query'))]);
    expect(codes).toEqual(['EMBEDDING_UNAVAILABLE', 'EMBEDDING_UNAVAILABLE']);
    model.failure = null;
    expect(await provider.embed(['a'], 'query')).toHaveLength(1);
  });
});

describe('a text that the model refuses', () => {
  it('has its error in its place, which is not kept, and costs the others nothing', async () => {
    const { model, cache, provider } = cached();
    const refusal = new CodedError('PAYLOAD_TOO_LARGE', 'too long');
    model.vectorOf = (text) => (text === 'bad' ? refusal : Float32Array.of(0, 1));
    const texts = ['good', 'bad', 'fine', 'bad'].map((text) => ({ namespace: 'n', text }));
    const vector = Float32Array.of(0, 1);
    expect(await cache.embed(texts, 'passage')).toEqual([vector, refusal, vector, refusal]);
    expect(provider.counts().entries).toBe(2);
    expect(await codeOf(provider.embed(['good', 'bad'], 'passage'))).toBe('PAYLOAD_TOO_LARGE');
    expect(model.asked).toEqual([['good', 'bad', 'fine'], ['bad']]);
  });
});

describe('what a model returns', () => {
  it('is normalised; a zero vector stays one', async () => {
    const { model, provider } = cached();
    model.vectorOf = (text) => (text === '' ? Float32Array.of(0, 0) : Float32Array.of(3, 4));
    const [vector, zero] = await provider.embed(['a', ''], 'passage');
    expect([...(vector ?? [])].map((value) => value.toFixed(6))).toEqual(['0.600000', '0.800000']);
    expect([...(zero ?? [])]).toEqual([0, 0]);
  });

  it('is refused in another dimension, with a number that is none, or in another count', async () => {
    const { model, provider } = cached();
    model.vectorOf = () => Float32Array.of(1, 2, 3);
    expect(await codeOf(provider.embed(['a'], 'query'))).toBe('EMBEDDING_UNAVAILABLE');
    model.vectorOf = () => Float32Array.of(1, Number.NaN);
    expect(await codeOf(provider.embed(['a'], 'query'))).toBe('EMBEDDING_UNAVAILABLE');
    model.embed = () => Promise.resolve([]);
    expect(await codeOf(provider.embed(['a'], 'query'))).toBe('EMBEDDING_UNAVAILABLE');
    expect(provider.counts().entries).toBe(0);
  });
});
