import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { StartupError } from '../../../src/base/errors.ts';
import { silentLog, type Log } from '../../../src/base/log.ts';
import { openOnnxProvider, type OnnxProviderOptions } from '../../../src/embedding/onnx.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { Bulkhead } from '../../../src/base/resilience/bulkhead.ts';
import { GuardedBackend } from '../../../src/base/resilience/guarded-backend.ts';
import { onlyVectors } from '../../../src/embedding/provider.ts';
import { testBackend } from '../../support/test-backend.ts';
import { testBreaker } from '../../support/test-breaker.ts';
import { axisOf, TINY_DIMENSION, TINY_WINDOW, writeTinyModel } from '../../support/tiny-model.ts';
import { NO_REAL_PACKAGE, PACKAGES, STAND_IN_PACKAGE } from '../../support/transformers-packages.ts';

const POOLING = '1_Pooling/config.json';
const moduleOf = (name: string) => ({ type: `sentence_transformers.models.${name}` });

let root: string;
let folder: string;
let opened: Provider[];
beforeEach(() => {
  opened = [];
  root = mkdtempSync(join(tmpdir(), 'onnx-'));
  folder = join(root, 'tiny');
});
afterEach(async () => {
  for (const provider of opened) await provider.close();
  rmSync(root, { recursive: true });
});

type Provider = Awaited<ReturnType<typeof openOnnxProvider>>;

async function open(packageName: string, own: Partial<OnnxProviderOptions> = {}): Promise<Provider> {
  const provider = await openOnnxProvider({
    model: folder,
    pooling: 'model',
    dimension: TINY_DIMENSION,
    needsUnitLength: false,
    batchSize: 3,
    cacheFolder: join(root, 'models'),
    hub: { silenceMs: 10_000 },
    backend: testBackend({ concurrencyMax: 1 }),
    clock: systemClock,
    log: silentLog,
    packageName,
    ...own,
  });
  opened.push(provider);
  return provider;
}

/** Of length 1, with so much on the axis of each word. */
function vectorOf(words: Readonly<Record<string, number>>): Float32Array {
  const vector = new Float32Array(TINY_DIMENSION);
  const length = Math.hypot(...Object.values(words));
  for (const [word, share] of Object.entries(words)) vector[axisOf(word)] = share / length;
  return vector;
}

function expectVector(vector: Float32Array | undefined, words: Readonly<Record<string, number>>): void {
  expect(vector).toHaveLength(TINY_DIMENSION);
  const expected = vectorOf(words);
  vector?.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 5));
}

const ENDS = { '[CLS]': 1, '[SEP]': 1 };

describe.each(PACKAGES)('a model in ONNX format, run by $title', ({ url }) => {
  const embed = async (provider: Provider, ...texts: string[]) => onlyVectors(await provider.embed(texts, 'passage'));

  it.each([
    [{}, { ...ENDS, ship: 1 }],
    [
      { pooling_mode_mean_tokens: true, pooling_mode_cls_token: false },
      { ...ENDS, ship: 1 },
    ],
    [{ pooling_mode_cls_token: true }, { '[CLS]': 1 }],
    [{ pooling_mode_lasttoken: true }, { '[SEP]': 1 }],
    [{ pooling_mode: 'lasttoken' }, { '[SEP]': 1 }],
  ])('pools as its files say, without the padding of longer texts: %j', async (config, expected) => {
    writeTinyModel(folder, { files: { [POOLING]: config } });
    const provider = await open(url);
    const [, vector] = await embed(provider, 'the bread of the harbour with flour', 'vessel');
    expectVector(vector, expected);
  });

  it.each(['mean', 'cls', 'last_token'] as const)(
    'pools as the settings say, whatever its files do: %s',
    async (pooling) => {
      writeTinyModel(folder, { files: { [POOLING]: { pooling_mode: 'weighted' } } });
      const expected = { mean: { ...ENDS, ship: 1 }, cls: { '[CLS]': 1 }, last_token: { '[SEP]': 1 } };
      const [vector] = await embed(await open(url, { pooling }), 'boat');
      expectVector(vector, expected[pooling]);
    },
  );

  it('leaves the pooling to a model that does it itself', async () => {
    writeTinyModel(folder, {
      output: 'sentence_embedding',
      poolsItself: true,
      files: { [POOLING]: { pooling_mode: 'max' } },
    });
    await expect(open(url)).rejects.toThrow('asks for max');
    writeTinyModel(folder, { output: 'sentence_embedding', poolsItself: true, files: { [POOLING]: {} } });
    const [vector] = await embed(await open(url), 'boat');
    expectVector(vector, { ...ENDS, ship: 1 });
  });

  it('gives each text of several calls its own vector, whatever else comes with it', async () => {
    writeTinyModel(folder);
    const provider = await open(url);
    const texts = ['ship', 'bread', 'night', 'harbour', 'flour', 'query', 'passage', 'baked'];
    const [many, one] = await Promise.all([embed(provider, ...texts), embed(provider, 'arrives')]);
    texts.forEach((word, i) => expectVector(many[i], { ...ENDS, [word]: 1 }));
    expectVector(one[0], { ...ENDS, enters: 1 });
  });

  it('does not put more tokens into a run than there is memory for, however few characters they are', async () => {
    writeTinyModel(folder);
    const long = Array.from({ length: 70 }, () => '船'.repeat(TINY_WINDOW - 2));
    const texts = [...long.slice(0, 30), 'ship', ...long.slice(30), 'bread'];
    const vectors = await embed(await open(url, { batchSize: 2048 }), ...texts);
    expectVector(vectors[30], { ...ENDS, ship: 1 });
    expectVector(vectors[71], { ...ENDS, bread: 1 });
    expectVector(vectors[70], { ...ENDS, '[UNK]': TINY_WINDOW - 2 });
  });

  it('puts before texts what the model of this name is trained with, or what the settings say', async () => {
    folder = join(root, 'e5-tiny');
    writeTinyModel(folder);
    const provider = await open(url);
    const [asked] = onlyVectors(await provider.embed(['ship'], 'query'));
    expectVector(asked, { ...ENDS, query: 1, '[UNK]': 1, ship: 1 });
    expectVector((await embed(provider, 'ship'))[0], { ...ENDS, passage: 1, '[UNK]': 1, ship: 1 });
    const [plain] = await embed(await open(url, { passagePrefix: '' }), 'ship');
    expectVector(plain, { ...ENDS, ship: 1 });
  });

  it.each([
    ['', 0],
    [' \n\t ', 0],
    ['\0', 0],
    ['\ud800', 0],
    ['ship\udfff', undefined],
    ['🙂', 1],
  ])('makes a vector of any text: %j', async (text, unknown) => {
    writeTinyModel(folder);
    const [vector] = await embed(await open(url), text);
    expect(vector).toHaveLength(TINY_DIMENSION);
    if (unknown !== undefined) expectVector(vector, { ...ENDS, '[UNK]': unknown });
  });

  it('reads the beginning of a text that is too long for it, and how texts end', async () => {
    writeTinyModel(folder, { files: { 'sentence_bert_config.json': { max_seq_length: 12 } } });
    const text = `${'ship '.repeat(10)}${'bread '.repeat(200_000)}`;
    const [vector] = await embed(await open(url), text);
    expectVector(vector, { ...ENDS, ship: 10 });
    const [last] = await embed(await open(url, { pooling: 'last_token' }), text);
    expectVector(last, { '[SEP]': 1 });
    writeTinyModel(folder, { files: { 'sentence_bert_config.json': {} } });
    const [whole] = await embed(await open(url), `${'ship '.repeat(TINY_WINDOW - 2)}bread`);
    expectVector(whole, { ...ENDS, ship: TINY_WINDOW - 2 });
  });

  it('refuses such a text where longer ones are to be cut, for it to be cut smaller', async () => {
    writeTinyModel(folder);
    const warnings: object[] = [];
    const log: Log = { ...silentLog, warn: (fields) => warnings.push(fields) };
    const provider = await open(url, { maxInputTokens: 1000, log });
    expect(warnings).toEqual([{ max_input_tokens: 1000, model_tokens: TINY_WINDOW }]);
    expect(provider.textTokensMax?.passage).toBe(TINY_WINDOW - 2);
    const fits = 'ship '.repeat(TINY_WINDOW - 2);
    const [first, second, third] = await provider.embed([fits, `${fits}ship`, 'bread'], 'passage');
    expectVector(first as Float32Array, { ...ENDS, ship: TINY_WINDOW - 2 });
    expect(second).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { fields: [{ field: '/text' }] } });
    expectVector(third as Float32Array, { ...ENDS, bread: 1 });
  });

  it('is called after what decides its vectors, not after where it lies', async () => {
    writeTinyModel(folder);
    const { id } = await open(url);
    expect(id).toMatch(/^onnx-tiny-64-[0-9a-f]{16}$/);
    const elsewhere = join(root, 'other', 'tiny');
    cpSync(folder, elsewhere, { recursive: true });
    expect((await open(url, { model: elsewhere })).id).toBe(id);
    expect((await open(url, { pooling: 'mean' })).id).toBe(id);
    expect((await open(url, { pooling: 'cls' })).id).not.toBe(id);
    writeTinyModel(elsewhere, { scale: 1.5 });
    expect((await open(url, { model: elsewhere })).id).not.toBe(id);
  });

  it('must make vectors of the length that the settings say', async () => {
    writeTinyModel(folder);
    await expect(open(url, { dimension: 128 })).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining('vectors of 64 numbers') as unknown,
      remedy: expect.stringContaining('vector_db.vector_size = 64') as unknown,
    });
    await expect(open(url, { needsUnitLength: true })).rejects.toMatchObject({
      remedy: expect.stringContaining('Cosine') as unknown,
    });
    writeTinyModel(folder, { files: { 'modules.json': ['Transformer', 'Pooling', 'Normalize'].map(moduleOf) } });
    expectVector((await embed(await open(url, { needsUnitLength: true }), 'ship'))[0], { ...ENDS, ship: 1 });
  });

  it.each([
    ['no folder', () => rmSync(folder, { recursive: true }), 'does not exist'],
    ['no weights', () => rmSync(join(folder, 'onnx/model.onnx')), 'lacks onnx/model.onnx'],
    ['weights cut off', () => truncateSync(join(folder, 'onnx/model.onnx'), 100), 'cannot be loaded'],
    ['no weights in their file', () => truncateSync(join(folder, 'onnx/model.onnx'), 0), 'cannot be loaded'],
    ['noise', () => writeFileSync(join(folder, 'onnx/model.onnx'), '\x99'.repeat(5000)), 'cannot be loaded'],
    [
      'a configuration cut off',
      () => writeFileSync(join(folder, 'config.json'), '{"model_type": '),
      'cannot be loaded',
    ],
    ['no tokenizer', () => writeFileSync(join(folder, 'tokenizer.json'), '{}'), 'cannot be loaded: Tokenizer must'],
    [
      'an unknown layer',
      () => writeTinyModel(folder, { files: { 'modules.json': [moduleOf('Dense')] } }),
      'before Dense',
    ],
    [
      'unknown pooling',
      () => writeTinyModel(folder, { files: { [POOLING]: { pooling_mode_max_tokens: true } } }),
      'max_tokens',
    ],
    [
      'another output',
      () => writeTinyModel(folder, { output: 'other_output' }),
      'no vectors of tokens, but other_output',
    ],
  ])('does not start with %s, and says what to do', async (_, spoil, message) => {
    writeTinyModel(folder);
    spoil();
    const failure = await open(url).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartupError);
    expect((failure as StartupError).message).toContain(message);
    expect((failure as StartupError).remedy).toMatch(/hf download|Export it|embedding\.pooling/);
  });
});

it.skipIf(NO_REAL_PACKAGE)(
  'all of it on @huggingface/transformers, too: TRANSFORMERS_PACKAGE names its entry file',
  () => {
    expect(PACKAGES.filter(({ isReal }) => isReal)).toHaveLength(1);
  },
);

describe('the thread of a model in ONNX format', () => {
  const { url } = STAND_IN_PACKAGE;
  beforeEach(() => writeTinyModel(folder));

  it('needs the package', async () => {
    await expect(open('not-installed')).rejects.toMatchObject({
      name: 'StartupError',
      remedy: expect.stringContaining('npm install @huggingface/transformers@4') as unknown,
    });
  });

  it('is away when it has ended, and started again by a later call', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    let deaths = 0;
    const provider = await open(url, { clock, onDeath: () => deaths++ });
    await expect(provider.embed(['die'], 'passage')).rejects.toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
      retryable: true,
    });
    expect(deaths).toBe(1);
    await expect(provider.embed(['ship'], 'passage')).rejects.toMatchObject({ retryable: true, retryAfterMs: 10_000 });
    nowMs = 10_000;
    expectVector(onlyVectors(await provider.embed(['ship'], 'passage'))[0], { ...ENDS, ship: 1 });
  });

  it('does not come back with another model', async () => {
    let nowMs = 0;
    const errors: unknown[] = [];
    const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
    const provider = await open(url, { clock: { ...systemClock, monotonicMs: () => nowMs }, log });
    writeTinyModel(folder, { scale: 1.5 });
    await provider.embed(['die'], 'passage').catch(() => undefined);
    // A call that comes before the thread has ended for good is still given to it, and starts none.
    const restarted = async (): Promise<string> => {
      nowMs += 10_000;
      await expect(provider.embed(['ship'], 'passage')).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
      return JSON.stringify(errors.map((each) => String((each as { err?: unknown }).err)));
    };
    await expect.poll(restarted).toContain('are others than those');
    writeTinyModel(folder);
    const back = async () => {
      nowMs += 10_000;
      return provider.embed(['ship'], 'passage').then(onlyVectors, () => []);
    };
    await expect.poll(back).toHaveLength(1);
    expectVector((await back())[0], { ...ENDS, ship: 1 });
  });

  it('stops at a call that nobody waits for, which counts neither for nor against it', async () => {
    const limits = { concurrencyMax: 1, queueMax: 10, queueBytesMax: 1e9 };
    const breaker = testBreaker({ failureThreshold: 1 });
    const backend = new GuardedBackend(breaker, new Bulkhead('the embedding model', limits), noMetrics);
    const provider = await open(url, { backend, batchSize: 2048 });
    const controller = new AbortController();
    const texts = Array.from({ length: 2000 }, () => 'ship '.repeat(2_000));
    const long = provider.embed(texts, 'passage', controller.signal);
    const short = provider.embed(['bread'], 'query');
    setTimeout(() => controller.abort(), 50);
    await expect(long).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expectVector(onlyVectors(await short)[0], { ...ENDS, bread: 1 });
    expect(breaker.state).toBe('closed');
  });

  it('answers a query though there are passages for many runs before it', async () => {
    const lane = () =>
      new Bulkhead('the embedding model', { concurrencyMax: 1, queueMax: 100, queueBytesMax: 1e9, isFair: true });
    const backend = new GuardedBackend(testBreaker(), lane(), noMetrics, lane());
    const provider = await open(url, { backend, batchSize: 500 });
    const order: string[] = [];
    const stores = Array.from({ length: 4 }, (_, i) =>
      provider
        .embed(
          Array.from({ length: 500 }, () => 'ship '.repeat(100)),
          'passage',
        )
        .then(() => order.push(`store ${i}`)),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [vector] = onlyVectors(await provider.embed(['bread'], 'query'));
    expectVector(vector, { ...ENDS, bread: 1 });
    order.push('query');
    await Promise.all(stores);
    expect(order.indexOf('query')).toBeLessThan(2);
    expect(order).toHaveLength(5);
  });

  it('ends with its provider, while it starts again, too', async () => {
    let nowMs = 0;
    const provider = await open(url, { clock: { ...systemClock, monotonicMs: () => nowMs } });
    await provider.embed(['die'], 'passage').catch(() => undefined);
    nowMs = 10_000;
    const embedding = provider.embed(['ship'], 'passage').catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await provider.close();
    expect(await embedding).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
  });
});
