import { DatabaseSync } from 'node:sqlite';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ErasedSome } from '../../src/store/erasure.ts';
import type { ContextStore, NewContext } from '../../src/store/store.ts';
import { idOf, put, sample } from '../contract/store-samples.ts';
import { foundBytes } from '../support/found-bytes.ts';
import { DIMENSION, indexed, openAt, temporaryFolder } from './store-setup.ts';

const SECRET = 'Quetzalcoatlus';
const filter = { must: [{ key: 'agent_id', match: { value: 'gone' } }] };

/** Every third is of the agent that is to go; some are longer than a page, some longer than several. */
function contextOf(i: number, round = 0): NewContext {
  const isGone = i % 3 === 0;
  const word = isGone ? SECRET : 'ordinary';
  const length = [3, 40, 400, 2_000][(i * 7 + round) % 4] as number;
  return sample(`c-${i}`, DIMENSION, {
    agentId: isGone ? 'gone' : 'stays',
    text: Array.from({ length }, (_, at) => `${word}-${i}-${at}`).join(' '),
    tags: isGone ? [`tag-${SECRET}`] : [],
    metadata: isGone ? { about: SECRET } : {},
    createdAtMs: 1_700_000_000_000 + i,
  });
}

/** Texts that were changed and moved, so that pages have been split and written again. */
async function fill(store: ContextStore, count: number): Promise<void> {
  for (let from = 0; from < count; from += 30)
    await store.write(Array.from({ length: 30 }, (_, i) => put(contextOf(from + i))));
  for (let from = 0; from < count; from += 20)
    await store.write(
      Array.from({ length: 10 }, (_, i) => {
        const { record, vector } = contextOf(from + 2 * i, 1);
        const text = { text: record.text, tokenCount: 4, vector };
        return { op: 'update', namespace: 'space', id: record.id, patch: { text }, updatedAtMs: from };
      }),
    );
}

async function eraseGone(store: ContextStore): Promise<number> {
  let rows = 0;
  let page: ErasedSome | undefined;
  do {
    const from = page?.next;
    page = await store.eraseSome({ namespace: 'space', filter, limit: 100, ...(from && { from }) });
    rows += page.rows;
  } while (page.next !== undefined);
  return rows;
}

async function expectWhole(folder: string, count: number): Promise<void> {
  const database = new DatabaseSync(join(folder, 'contexts.db'), { readOnly: true });
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  database.close();
  const store = await openAt(folder);
  const kept = Array.from({ length: count }, (_, i) => i).filter((i) => i % 3 !== 0);
  const found = await store.fetch(
    'space',
    kept.map((i) => idOf(`c-${i}`)),
    0,
  );
  expect(found.map((record) => record?.text)).toEqual(kept.map((i) => contextOf(i, i % 2 === 0 ? 1 : 0).record.text));
}

describe('what was erased', () => {
  it('stands in no file any more, and all else is what it was', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await fill(store, 240);
    expect(Object.keys(await foundBytes(folder, [SECRET]))).not.toEqual([]);
    expect(await eraseGone(store)).toBe(80);
    const { files, blankedPages } = await store.scrub();
    expect(files).toBe('overwritten');
    expect(blankedPages).toBeGreaterThan(0);
    expect(await foundBytes(folder, [SECRET])).toEqual({});
    await store.close();
    expect(await foundBytes(folder, [SECRET])).toEqual({});
    await expectWhole(folder, 240);
  });

  it('does not come back with what others write while the file is overwritten', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await fill(store, 240);
    await eraseGone(store);
    let isDone = false;
    const scrubbing = store.scrub().finally(() => (isDone = true));
    for (let i = 0; !isDone; i++) {
      const text = `ordinary ${'x'.repeat((i * 911) % 9_000)}`;
      const fields = { text, agentId: 'stays', namespace: 'other' };
      await store.write([put(sample(`w-${i % 40}-${i}`, DIMENSION, fields))]);
      await store.write([{ op: 'delete', namespace: 'other', ids: [idOf(`w-${i % 40}-${i - 20}`)] }]);
    }
    await scrubbing;
    await store.close();
    expect(await foundBytes(folder, [SECRET])).toEqual({});
    await expectWhole(folder, 240);
  });

  it('waits for who reads the log, and answers others meanwhile', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await fill(store, 60);
    const reader = new DatabaseSync(join(folder, 'contexts.db'), { readOnly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM contexts').get();
    await eraseGone(store);
    let isDone = false;
    const scrubbing = store.scrub().finally(() => (isDone = true));
    await sleep(120);
    expect(isDone).toBe(false);
    expect(await store.fetch('space', [idOf('c-1')], 0)).toMatchObject([{ agentId: 'stays' }]);
    reader.exec('COMMIT');
    reader.close();
    await scrubbing;
    expect(await foundBytes(folder, [SECRET])).toEqual({});
  });

  it('is in no saved index, which is built again of the others; a whole namespace loses its name', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, { indexingThreshold: 40, quantization: 'f32' });
    await fill(store, 150);
    await indexed(store, 150);
    const before = await readdir(join(folder, 'indexes'));
    await eraseGone(store);
    const indexFiles = await store.forgetNamespace({ namespace: 'space', isWhole: false });
    expect(indexFiles).toBeGreaterThan(0);
    await indexed(store, 100);
    const files = await readdir(join(folder, 'indexes'));
    expect(files.filter((name) => before.includes(name))).toEqual([]);
    expect((await store.eraseSome({ namespace: 'space', limit: 250 })).rows).toBe(100);
    // An index of nothing may be gone before.
    await store.forgetNamespace({ namespace: 'space', isWhole: true });
    expect((await readdir(join(folder, 'indexes'))).filter((name) => files.includes(name))).toEqual([]);
    await store.scrub();
    expect(await store.namespaces()).toEqual([]);
    await store.write([put(sample('new', DIMENSION))]);
    expect(await store.namespaces()).toMatchObject([{ namespace: 'space' }]);
    await store.close();
    expect(await foundBytes(folder, ['ordinary', SECRET, 'stays'])).toEqual({});
    const again = await openAt(folder, { indexingThreshold: 40, quantization: 'f32' });
    expect(await again.namespaces()).toMatchObject([{ namespace: 'space' }]);
  });
});
