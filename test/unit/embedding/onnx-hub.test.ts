import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { StartupError } from '../../../src/base/errors.ts';
import { silentLog, type Log } from '../../../src/base/log.ts';
import { openOnnxProvider } from '../../../src/embedding/onnx.ts';
import { onlyVectors } from '../../../src/embedding/provider.ts';
import { ModelHub, type HubMood } from '../../support/model-hub.ts';
import { testBackend } from '../../support/test-backend.ts';
import { axisOf, TINY_DIMENSION, writeTinyModel } from '../../support/tiny-model.ts';
import { PACKAGES } from '../../support/transformers-packages.ts';

interface Own {
  readonly model?: string;
  readonly silenceMs?: number;
  readonly token?: string;
}

const NAME = 'owner/e5-tiny';
const CLS = { '1_Pooling/config.json': { pooling_mode_cls_token: true } };

describe.each(PACKAGES)('a model of the hub, run by $title', ({ url }) => {
  let root: string;
  let hub: ModelHub;
  let told: string[];
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'onnx-hub-'));
    told = [];
    writeTinyModel(join(root, 'published'), { files: CLS });
    hub = await ModelHub.start(NAME, join(root, 'published'));
  });
  afterEach(async () => {
    await hub.close();
    rmSync(root, { recursive: true });
  });

  const open = ({ model = NAME, silenceMs = 60_000, token }: Own = {}) => {
    const log: Log = { ...silentLog, info: (_, message) => told.push(message) };
    return openOnnxProvider({
      model,
      pooling: 'model',
      dimension: TINY_DIMENSION,
      needsUnitLength: false,
      batchSize: 3,
      cacheFolder: join(root, 'models'),
      hub: { url: hub.url, token, silenceMs },
      backend: testBackend({ concurrencyMax: 1 }),
      clock: systemClock,
      log,
      packageName: url,
    });
  };

  /** Pooled as its files say: the vector is that of the token before the first word. */
  const expectServed = async (own: Own = {}): Promise<string> => {
    const provider = await open(own);
    try {
      const [vector] = onlyVectors(await provider.embed(['ship'], 'passage'));
      expect(vector?.[axisOf('[CLS]')]).toBeCloseTo(1, 5);
      return provider.id;
    } finally {
      await provider.close();
    }
  };
  const refusal = async (own: Own = {}): Promise<StartupError> => {
    const failure = await open(own).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartupError);
    expect((failure as StartupError).remedy).toContain('hf download');
    return failure as StartupError;
  };

  it('is fetched once, with all its files, and then needs no hub', async () => {
    const id = await expectServed();
    expect(told).toEqual(['the embedding model is fetched from the hub']);
    expect(hub.asked).toEqual(expect.arrayContaining(['onnx/model.onnx', '1_Pooling/config.json', 'modules.json']));
    hub.mood = 'silent';
    expect(await expectServed()).toBe(id);
    expect(told).toHaveLength(1);
  });

  it('is the same model as in a folder of its name', async () => {
    const folder = join(root, 'e5-tiny');
    writeTinyModel(folder, { files: CLS });
    const provider = await open({ model: folder });
    await provider.close();
    expect(await expectServed()).toBe(provider.id);
  });

  it.each<[HubMood, RegExp]>([
    ['silent', /the hub has sent nothing for 0\.3 s/],
    ['stalling', /the hub has sent nothing for 0\.3 s/],
    ['cutting', /cannot be loaded/],
    ['broken', /status 500/],
  ])('is given up where the hub is %s, and fetched when it is well again', async (mood, message) => {
    hub.mood = mood;
    expect((await refusal({ silenceMs: 300 })).message).toMatch(message);
    expect(existsSync(join(root, 'models', NAME, 'onnx/model.onnx'))).toBe(false);
    hub.mood = 'well';
    await expectServed();
  });

  it('is told of where it is not there, or the hub is not', async () => {
    expect((await refusal({ model: 'owner/other' })).message).toMatch(/owner\/other of the hub cannot be loaded/);
    expect(existsSync(join(root, 'models', 'owner/other/modules.json'))).toBe(false);
    await hub.close();
    expect((await refusal()).message).toMatch(/ECONNREFUSED/);
    hub = await ModelHub.start(NAME, join(root, 'published'));
  });

  it.each([
    ['weights cut off', (folder: string) => truncateSync(join(folder, 'onnx/model.onnx'), 100)],
    ['no weights in their file', (folder: string) => truncateSync(join(folder, 'onnx/model.onnx'), 0)],
    ['a tokenizer cut off', (folder: string) => truncateSync(join(folder, 'tokenizer.json'), 50)],
    ['no modules in their file', (folder: string) => truncateSync(join(folder, 'modules.json'), 0)],
  ])('is fetched anew when the folder is deleted that a refusal names: %s', async (_, spoil) => {
    const id = await expectServed();
    const folder = join(root, 'models', NAME);
    spoil(folder);
    expect((await refusal()).remedy).toContain(`${folder}: delete that folder`);
    rmSync(folder, { recursive: true });
    expect(await expectServed()).toBe(id);
  });

  it('is told of where nothing can be written', async () => {
    writeFileSync(join(root, 'models'), '');
    expect((await refusal()).remedy).toContain(join(root, 'models', NAME));
  });

  it('leaves nothing of downloads that were killed, and what others download', async () => {
    const folder = join(root, 'models', NAME, 'onnx');
    mkdirSync(folder, { recursive: true });
    const { pid: dead } = spawnSync('true');
    const leftovers = [`model.onnx.tmp.${dead}.1x2y3z`, `model.onnx.tmp.${process.ppid}.old`];
    const kept = [`model.onnx.tmp.${process.ppid}.new`, `model.onnx.tmp.md`];
    for (const name of [...leftovers, ...kept]) writeFileSync(join(folder, name), 'begun');
    const { pid: other } = spawnSync('true');
    writeFileSync(join(folder, '..', `tokenizer.json.tmp.${other}.-1x`), '');
    utimesSync(join(folder, `model.onnx.tmp.${process.ppid}.old`), new Date(), new Date(Date.now() - 120_000));
    await expectServed();
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', ...kept].sort());
    expect(readdirSync(join(folder, '..')).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('is fetched with a token where it takes one', async () => {
    hub.token = 'hf_secret';
    expect((await refusal()).message).toContain('status 401');
    await expectServed({ token: 'hf_secret' });
    expect(readdirSync(join(root, 'models', NAME)).sort()).toContain('tokenizer.json');
  });
});
