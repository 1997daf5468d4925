import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../src/base/errors.ts';
import { DATABASE_FILE, INDEX_FOLDER } from '../../src/store/embedded/database/data-folder.ts';
import { NewVectors, newVectorsPath } from '../../src/store/embedded/database/new-vectors.ts';
import type { EmbedTexts } from '../../src/store/reembedding.ts';
import { put, sample } from '../contract/store-samples.ts';
import { embed, NEW_MODEL, reembed, storeMany, vectorsIn } from './reembedding-setup.ts';
import { DIMENSION, indexed, openAt, temporaryFolder } from './store-setup.ts';

const SWITCHER = new URL('./reembedding-switcher.ts', import.meta.url).pathname;
const WITH_NEW_MODEL = { embeddingId: NEW_MODEL.id, dimension: NEW_MODEL.dimension, embed };

/** Kills of a process that switches, spread over the time that it takes. `KILLS=50` tries more. */
const ROUNDS = Number(process.env['KILLS'] ?? 5);

/** A process that switches; killed when `end` resolves before it is done. How long it took, in milliseconds. */
async function switchOver(folder: string, end: Promise<void>): Promise<number> {
  const child = spawn(process.execPath, [SWITCHER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const startedMs = performance.now();
  await Promise.race([end, exited]);
  child.kill('SIGKILL');
  await exited;
  return performance.now() - startedMs;
}

async function refusal(folder: string, options: Parameters<typeof openAt>[1]): Promise<StartupError> {
  const error = await openAt(folder, options).then(
    () => new Error('it opened'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartupError);
  return error as StartupError;
}

describe('vectors of another model', () => {
  it('take their place whole or not at all, wherever a kill comes', async () => {
    const folder = await temporaryFolder();
    const count = 1_500;
    await storeMany(folder, count);
    await reembed(folder);
    const whole = await temporaryFolder();
    await cp(folder, whole, { recursive: true });
    const tookMs = await switchOver(whole, new Promise(() => {}));
    const seen = new Set<string>();
    for (let round = 1; !seen.has(NEW_MODEL.id); round++) {
      await switchOver(folder, sleep((tookMs * round) / ROUNDS, undefined, { ref: false }));
      const found = vectorsIn(folder);
      expect(found).toEqual({ model: found.model, count, wrong: 0 });
      seen.add(found.model);
    }
    expect([...seen]).toEqual(['model-a', NEW_MODEL.id]);
    const store = await openAt(folder, WITH_NEW_MODEL);
    await store.close();
    expect(existsSync(newVectorsPath(folder, NEW_MODEL))).toBe(false);
  });

  it('have no saved index of the old ones beside them', async () => {
    const folder = await temporaryFolder();
    await storeMany(folder, 100);
    const before = await openAt(folder, { indexingThreshold: 50 });
    await indexed(before, 100);
    await before.close();
    expect(await readdir(join(folder, INDEX_FOLDER))).not.toEqual([]);
    await reembed(folder);
    const store = await openAt(folder, { ...WITH_NEW_MODEL, indexingThreshold: 50 });
    await indexed(store, 100);
    await store.close();
  });

  it('are made at the start for the few contexts that have none, and for those that a disk has changed', async () => {
    const folder = await temporaryFolder();
    await storeMany(folder, 10);
    await reembed(folder);
    const store = await openAt(folder);
    await store.write([put(sample('late', DIMENSION))]);
    await store.close();
    const file = new DatabaseSync(newVectorsPath(folder, NEW_MODEL));
    file.exec('UPDATE vectors SET checksum = checksum + 1 WHERE seq = (SELECT min(seq) FROM vectors)');
    file.close();
    const asked: string[] = [];
    const asking: EmbedTexts = (texts) => {
      asked.push(...texts.map(({ text }) => text));
      return embed(texts);
    };
    await (await openAt(folder, { ...WITH_NEW_MODEL, embed: asking })).close();
    expect(asked).toEqual(['text of context-0', 'text of late']);
    expect(vectorsIn(folder)).toEqual({ model: NEW_MODEL.id, count: 11, wrong: 0 });
  });

  it('are not taken where too many are missing, or by whoever only looks', async () => {
    const folder = await temporaryFolder();
    await storeMany(folder, 5_001);
    NewVectors.open(folder, NEW_MODEL, null).close();
    const { message, remedy } = await refusal(folder, WITH_NEW_MODEL);
    expect(message).toContain('more than 5000 contexts are not embedded with model-b yet');
    expect(remedy).toContain('context-manager reembed');
    await reembed(folder);
    const looking = await refusal(folder, { ...WITH_NEW_MODEL, embed: undefined });
    expect(looking.message).toContain('were embedded with model-a');
    expect(vectorsIn(folder)).toEqual({ model: 'model-a', count: 5_001, wrong: 0 });
  });
});

describe('a process that reads the database', () => {
  it('for a moment does not keep a server from starting', async () => {
    const folder = await temporaryFolder();
    await storeMany(folder, 10);
    const path = JSON.stringify(join(folder, DATABASE_FILE));
    const reader = `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(${path}, { readOnly: true });
      database.prepare('SELECT count(*) FROM contexts').get();
      process.stdout.write('open');
      setTimeout(() => database.close(), 500);`;
    const child = spawn(process.execPath, ['-e', reader], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    await (await openAt(folder)).close();
    await exited;
  });
});
