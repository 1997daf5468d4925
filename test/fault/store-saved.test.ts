// The index of a namespace that was saved answers as one that is read from the rows, whatever changed since and however the
// process ended; what is damaged is read from the rows.

import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore, WriteOp } from '../../src/store/store.ts';
import {
  FOR_GOOD,
  idOf,
  NOW_MS,
  put,
  sample,
  searchIn,
  searchOf,
  termsOf,
  vectorOf,
} from '../contract/store-samples.ts';
import { foundBytes } from '../support/found-bytes.ts';
import { DIMENSION, eventually, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const COUNT = 240;
const SAVING: Partial<EmbeddedStoreOptions> = { saving: { contextsMin: 100, quietMs: 20 } };
const NOT_USED = 'a saved index cannot be used; its namespace is read from the rows';
const LEVELS = ['immediate', 'short_term', 'long_term'] as const;
const WORDS = 'rain snow wind cloud storm frost thaw hail'.split(' ');

function contextOf(i: number, text = textOf(i)) {
  return sample(`c-${i}`, DIMENSION, {
    agentId: `agent-${i % 5}`,
    ...(i % 3 === 0 ? { sessionId: `session-${i % 4}` } : {}),
    level: LEVELS[i % 3] as (typeof LEVELS)[number],
    text,
    createdAtMs: NOW_MS + ((i * 7) % 50),
    accessCount: i % 4,
    ...(i % 10 === 0 ? { expiresAtMs: NOW_MS + 100 + i, expiryAction: 'delete' as const } : {}),
    ...(i % 8 === 0 ? { times: { validFromMs: NOW_MS - 10, validUntilMs: NOW_MS + i } } : {}),
  });
}

function textOf(i: number): string {
  const words = Array.from({ length: 4 }, (_, at) => WORDS[(i * (at + 3) + at) % WORDS.length]);
  // One of them says a word so often that it is counted aside; some say the same.
  return i === 7 ? 'storm '.repeat(300) : `Speaker${i % 6}: ${words.join(' ')} number${i % 90}?`;
}

async function untilSaved(store: ContextStore, folder: string, before: readonly string[] = []): Promise<string[]> {
  await ask(store);
  return eventually(async () => {
    const files = await savedFiles(folder);
    const { driver } = await store.stats();
    return driver['saved_namespaces'] === 1 && files.length === 1 && !before.includes(files[0] ?? '')
      ? files
      : undefined;
  });
}

async function savedFiles(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'indexes'))).filter((name) => name.includes('.columns'));
}

/** A store with a saved namespace, another one beside it. */
async function savedFolder(): Promise<{ folder: string; store: ContextStore }> {
  const folder = await temporaryFolder();
  const store = await openAt(folder, SAVING);
  await store.write(Array.from({ length: COUNT }, (_, i) => put(contextOf(i))));
  await store.write([put(sample('other', DIMENSION, { namespace: 'other' }))]);
  await untilSaved(store, folder);
  return { folder, store };
}

/** All that an answer depends on. */
async function ask(store: ContextStore): Promise<unknown[]> {
  const requests = [
    { terms: termsOf('storm'), candidates: 500 },
    { vector: vectorOf('query', DIMENSION), candidates: 500 },
    { terms: termsOf('rain wind number17 anew'), vector: vectorOf('c-3', DIMENSION), candidates: 20, neighbours: 2 },
    { terms: termsOf('snow'), candidates: 500, agentId: 'agent-2', sessionId: 'session-1', includeSessionless: true },
    { terms: termsOf('frost'), candidates: 500, nowMs: NOW_MS + 200 },
    { terms: termsOf('cloud'), candidates: 500, time: { asOfMs: NOW_MS + 100, isNow: false } },
    { terms: termsOf('hail'), candidates: 500, distinct: true },
    { terms: termsOf('thaw'), candidates: 500, names: ['speaker3'] },
  ];
  const answers: unknown[] = [];
  for (const request of requests) {
    const { candidates, ...rest } = await searchIn(store, searchOf(request));
    answers.push({ ...rest, candidates: candidates.toSorted((a, b) => (a.id < b.id ? -1 : 1)) });
  }
  return answers;
}

/** Every kind of change, to what was saved and to what came since. */
function changes(): WriteOp[] {
  const at = (i: number) => ({ op: 'update', namespace: 'space', id: idOf(`c-${i}`) }) as const;
  const text = { text: 'storm anew', tokenCount: 2, vector: vectorOf('anew', DIMENSION) };
  return [
    ...Array.from({ length: 20 }, (_, i) => put(contextOf(COUNT + i, `anew storm ${textOf(i)}`))),
    { op: 'delete', namespace: 'space', ids: [1, 2, 7, 40, COUNT + 1].map((i) => idOf(`c-${i}`)) },
    { ...at(3), patch: { text }, updatedAtMs: NOW_MS },
    { ...at(COUNT + 3), patch: { text }, updatedAtMs: NOW_MS },
    { ...at(4), patch: { metadata: { speaker: 'Speaker3' } }, updatedAtMs: NOW_MS },
    { ...at(5), patch: { move: { to: 'immediate', lifetime: FOR_GOOD } }, updatedAtMs: NOW_MS },
    { ...at(10), patch: { move: { to: 'long_term', lifetime: FOR_GOOD } }, updatedAtMs: NOW_MS },
    { ...at(20), patch: { lifetime: FOR_GOOD }, updatedAtMs: NOW_MS },
  ] as WriteOp[];
}

/** What a process that was killed leaves behind. */
async function killedCopy(folder: string): Promise<string> {
  const copy = await temporaryFolder();
  await cp(folder, copy, { recursive: true });
  return copy;
}

/** The answers of a store that has nothing but rows. */
async function askRows(folder: string): Promise<unknown[]> {
  const copy = await killedCopy(folder);
  await rm(join(copy, 'indexes'), { recursive: true });
  const store = await openAt(copy);
  const answers = await ask(store);
  await store.close();
  return answers;
}

describe('a saved namespace', () => {
  it('answers as its rows do, after changes of every kind and a kill', async () => {
    const { folder, store } = await savedFolder();
    await store.write(changes());
    await store.touch([4, 6, 8].map((i) => ({ namespace: 'space', id: idOf(`c-${i}`), count: i })));
    await store.write([put(sample('another', DIMENSION, { namespace: 'other' }))]);
    const killed = await killedCopy(folder);
    const before = await ask(store);
    const messages: string[] = [];
    const again = await openAt(killed, { ...SAVING, log: recordingLog(messages) });
    const answers = await ask(again);
    expect(answers).toEqual(await askRows(folder));
    expect(answers).toEqual(before);
    expect(messages).toEqual([]);
    expect((await again.stats()).driver['saved_namespaces']).toBe(1);
    // What is in memory takes what comes as any other does, and is saved once more.
    const files = await savedFiles(killed);
    await again.write(Array.from({ length: 60 }, (_, i) => put(contextOf(1_000 + i))));
    await again.write([{ op: 'delete', namespace: 'space', ids: [9, 11, 1_001].map((i) => idOf(`c-${i}`)) }]);
    expect(await ask(again)).toEqual(await askRows(killed));
    await untilSaved(again, killed, files);
    await again.close();
    const last = await openAt(killed, { ...SAVING, log: recordingLog(messages) });
    expect(await ask(last)).toEqual(await askRows(killed));
    expect(messages).toEqual([]);
  });

  it.each(['torn', 'turned', 'gone', 'of another state'])('is read from the rows where its file is %s', async (how) => {
    const { folder, store } = await savedFolder();
    await store.close();
    const [name = ''] = await savedFiles(folder);
    const path = join(folder, 'indexes', name);
    const bytes = await readFile(path);
    if (how === 'torn') await truncate(path, bytes.length - 10);
    else if (how === 'gone') await rm(path);
    else if (how === 'turned') {
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] as number) ^ 4;
      await writeFile(path, bytes);
    } else {
      // As an older copy of the database would have it beside it.
      await rm(path);
      await writeFile(join(folder, 'indexes', name.replace(/-\d+-/, '-1-')), bytes);
    }
    const messages: string[] = [];
    const again = await openAt(folder, { ...SAVING, log: recordingLog(messages) });
    expect(await ask(again)).toEqual(await askRows(folder));
    expect(messages).toEqual(how === 'torn' || how === 'turned' ? [NOT_USED] : []);
    await untilSaved(again, folder);
  });

  it('holds nothing of what was erased, nor does one that is saved after', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, SAVING);
    const secret = 'quetzalcoatlus';
    const isGone = (i: number) => i % 20 === 0;
    await store.write(
      Array.from({ length: COUNT }, (_, i) =>
        put(
          sample(`c-${i}`, DIMENSION, {
            agentId: isGone(i) ? secret : 'stays',
            text: `${isGone(i) ? secret : 'storm'}: told ${i}`,
          }),
        ),
      ),
    );
    const before = await untilSaved(store, folder);
    const folderOf = join(folder, 'indexes');
    expect(await foundBytes(folderOf, [secret])).not.toEqual({});
    const filter = { must: [{ key: 'agent_id', match: { value: secret } }] };
    await store.eraseSome({ namespace: 'space', filter, limit: 100 });
    await store.forgetNamespace({ namespace: 'space', isWhole: false });
    await store.scrub();
    expect(await foundBytes(folder, [secret])).toEqual({});
    await untilSaved(store, folder, before);
    expect(await foundBytes(folder, [secret])).toEqual({});
  });

  it('is none where what is stored is sealed', async () => {
    const folder = await temporaryFolder();
    const seal = { key: new Uint8Array(32).fill(7), previousKey: null };
    const store = await openAt(folder, { ...SAVING, seal });
    await store.write(Array.from({ length: COUNT }, (_, i) => put(contextOf(i))));
    await ask(store);
    await store.write([put(sample('late', DIMENSION))]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await savedFiles(folder)).toEqual([]);
  });
});
