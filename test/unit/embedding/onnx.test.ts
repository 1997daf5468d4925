import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { Bulkhead } from '../../../src/base/resilience/bulkhead.ts';
import { CircuitBreaker } from '../../../src/base/resilience/circuit-breaker.ts';
import { GuardedBackend } from '../../../src/base/resilience/guarded-backend.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { openOnnxProvider, type OnnxProviderOptions } from '../../../src/embedding/onnx.ts';

const STAND_IN = new URL('./stand-in-transformers.ts', import.meta.url).href;
const MODULES = [
  { type: 'sentence_transformers.models.Transformer' },
  { type: 'sentence_transformers.models.Pooling' },
];
const NORMALIZE = { type: 'sentence_transformers.models.Normalize' };

let folder: string;
let opened: Awaited<ReturnType<typeof openOnnxProvider>>[];
beforeEach(() => {
  opened = [];
  folder = mkdtempSync(join(tmpdir(), 'onnx-'));
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx']) put(file, {});
});
afterEach(async () => {
  for (const provider of opened) await provider.close();
  rmSync(folder, { recursive: true });
});

function put(file: string, json: unknown): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), JSON.stringify(json));
}

async function open(own: Partial<OnnxProviderOptions> = {}) {
  const backend = { name: 'embedding', title: 'the embedding model', code: 'EMBEDDING_UNAVAILABLE' } as const;
  const rules = { failureThreshold: 5, successThreshold: 1, timeoutMs: 1000, windowMs: 1000 };
  const breaker = new CircuitBreaker(backend, rules, { clock: systemClock, log: silentLog, metrics: noMetrics });
  const limits = { concurrencyMax: 1, queueMax: 100, queueBytesMax: 1e6 };
  const provider = await openOnnxProvider({
    model: folder,
    pooling: 'model',
    dimension: 64,
    needsUnitLength: false,
    batchSize: 3,
    backend: new GuardedBackend(breaker, new Bulkhead('the embedding model', limits), noMetrics),
    clock: systemClock,
    log: silentLog,
    packageName: STAND_IN,
    ...own,
  });
  opened.push(provider);
  return provider;
}

/** Of the sum of its tokens: length of words, and their places. */
function unit(first: number, second: number): number[] {
  const length = Math.hypot(first, second);
  return [first / length, second / length].map(Math.fround);
}

async function vectors(provider: Awaited<ReturnType<typeof open>>, texts: readonly string[]): Promise<number[][]> {
  const embedded = await provider.embed(texts, 'passage');
  return embedded.map((vector) => (vector instanceof Error ? [] : [...vector.subarray(0, 2)]));
}

describe('a model in ONNX format', () => {
  it.each([
    [{}, unit(3, 0.5)],
    [{ pooling_mode_mean_tokens: true, pooling_mode_cls_token: false }, unit(3, 0.5)],
    [{ pooling_mode_cls_token: true }, unit(2, 0)],
    [{ pooling_mode_lasttoken: true }, unit(4, 1)],
    [{ pooling_mode: 'lasttoken' }, unit(4, 1)],
  ])('pools as its files say, without the padding of longer texts: %j', async (config, expected) => {
    put('1_Pooling/config.json', config);
    const [, vector = []] = await vectors(await open(), ['a text of four', 'ab cdef']);
    expect(vector[0]).toBeCloseTo(expected[0] as number, 5);
    expect(vector[1]).toBeCloseTo(expected[1] as number, 5);
  });

  it('gives every text of several calls its own vector, and one without a token its error', async () => {
    const provider = await open({ pooling: 'cls' });
    expect(provider).toMatchObject({ id: expect.stringMatching(/^onnx-onnx-\w+-64-cls$/), kind: 'semantic' });
    const [many, one] = await Promise.all([
      vectors(provider, ['a', 'bb', 'ccc cc', 'dddd', 'e'.repeat(5)]),
      provider.embed(['', '...'], 'query'),
    ]);
    expect(many).toEqual([1, 2, 3, 4, 5].map(() => [1, 0]));
    expect(one).toEqual([
      expect.objectContaining({ code: 'BAD_REQUEST' }),
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    ]);
  });

  it('is refused at the start where vectors or files are not what the settings need', async () => {
    await expect(open({ dimension: 128 })).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining('vectors of 64 numbers'),
      remedy: expect.stringContaining('vector_db.vector_size = 64'),
    });
    await expect(open({ needsUnitLength: true })).rejects.toMatchObject({ remedy: expect.stringContaining('Cosine') });
    put('modules.json', [...MODULES, NORMALIZE]);
    expect(await vectors(await open({ needsUnitLength: true }), ['a'])).toEqual([[1, 0]]);
    put('modules.json', [...MODULES, { type: 'sentence_transformers.models.Dense' }]);
    await expect(open()).rejects.toThrow('vectors before Dense');
    put('1_Pooling/config.json', { pooling_mode_max_tokens: true });
    await expect(open()).rejects.toThrow('pooling_mode_max_tokens');
    rmSync(join(folder, 'onnx/model.onnx'));
    await expect(open()).rejects.toThrow('lacks onnx/model.onnx');
    await expect(open({ model: './nowhere' })).rejects.toThrow('does not exist');
    await expect(open({ model: 'some/model' })).rejects.toMatchObject({
      remedy: expect.stringContaining('hf download'),
    });
    await expect(open({ packageName: 'not-installed' })).rejects.toMatchObject({
      remedy: expect.stringContaining('npm install'),
    });
  });

  it('is away while its thread is, which another call starts again later', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    const provider = await open({ clock });
    await expect(provider.embed(['die'], 'passage')).rejects.toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
      retryable: true,
    });
    await expect(provider.embed(['a'], 'passage')).rejects.toMatchObject({ retryAfterMs: 10_000 });
    nowMs = 10_000;
    expect(await vectors(provider, ['a'])).toEqual([[1, 0]]);
  });
});
