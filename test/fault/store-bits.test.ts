import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import { StartupError } from '../../src/base/errors.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore, SearchRequest } from '../../src/store/store.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, termsOf, vectorOf } from '../contract/store-samples.ts';
import { DIMENSION, faultIn, openAt, temporaryFolder } from './store-setup.ts';

const COUNT = 60;
const NAMES = Array.from({ length: COUNT }, (_, i) => `c-${i}`);
const IDS = NAMES.map(idOf);
const SEED = 20_261_126;
/** `FLIPS=1000` tries longer. */
const FLIPS = Number(process.env['FLIPS'] ?? 10);

/** A closed folder, and what it answers. */
async function filledFolder(): Promise<{ folder: string; truth: ReadonlyMap<string, ContextRecord> }> {
  const folder = await temporaryFolder();
  const store = await openAt(folder);
  const metadata = { city: 'Porto', visits: 12, done: true };
  await store.write(NAMES.map((name) => put(sample(name, DIMENSION, { metadata, tags: ['travel', name] }))));
  const truth = await answers(store);
  await store.close();
  return { folder, truth };
}

async function answers(store: ContextStore): Promise<Map<string, ContextRecord>> {
  const listed = await store.list({ namespace: 'space', limit: COUNT * 2, nowMs: NOW_MS });
  const fetched = await store.fetch('space', IDS, NOW_MS);
  return new Map([...listed.records, ...fetched.filter((record) => record !== null)].map((r) => [r.id, r]));
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

const damaged = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('is damaged') as string };

describe('a row that is not what was written', () => {
  it.each([
    [`text = replace(text, 'c-7', 'c-9')`],
    [`metadata = replace(metadata, 'Porto', 'Forto')`],
    [`tags = '["travel"]'`],
    ['created_at = created_at + 1'],
    ['updated_at = updated_at - 65536'],
    ['version = 3'],
    ['token_count = token_count + 16'],
    [`agent_id = agent_id || 'x'`],
    [`session_id = NULL`],
    [`expires_at = ${NOW_MS + 1_000_000}`],
    ['level = 3'],
    [`times = '{"from":'`],
  ])('is damage, not an answer: %s', async (change) => {
    const { folder } = await filledFolder();
    sql(folder, `UPDATE contexts SET ${change} WHERE id = '${idOf('c-7')}'`);
    const store = await openAt(folder);
    await store.ping();
    await expect(store.fetch('space', [idOf('c-7')], NOW_MS)).rejects.toMatchObject(damaged);
    await expect(store.ping()).rejects.toMatchObject(damaged);
    await expect(store.list({ namespace: 'space', limit: COUNT * 2, nowMs: NOW_MS })).rejects.toMatchObject(damaged);
    expect(await store.fetch('space', [idOf('c-8')], NOW_MS)).toMatchObject([{ id: idOf('c-8') }]);
  });

  it.each([
    [`body = replace(body, '1', '2')`],
    [`owner = 'you'`],
    ['place = place + 1'],
    ['version = 2'],
    [`key = 'b'`],
  ])('is damage of a document, too: %s', async (change) => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    const document = { namespace: 'space', kind: 'note', key: 'a', owner: 'me', order: 7, version: 1, body: { n: 1 } };
    await store.writeDocuments([
      { op: 'put', document, ifVersion: null },
      { op: 'put', document: { ...document, key: 'c' }, ifVersion: null },
    ]);
    await store.close();
    sql(folder, `UPDATE documents SET ${change} WHERE key = 'a'`);
    const again = await openAt(folder);
    const read = ['a', 'b'].map((key) => again.documents('space', 'note', [key]));
    expect((await Promise.allSettled(read)).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const scan = { namespace: 'space', kind: 'note', descending: false, limit: 5 };
    await expect(again.scanDocuments(scan)).rejects.toMatchObject(damaged);
    await expect(again.ping()).rejects.toMatchObject(damaged);
    expect(await again.documents('space', 'note', ['c'])).toMatchObject([{ key: 'c' }]);
  });

  it.each([
    [`contexts SET terms = replace(terms, 'c', 'd') WHERE id = '${idOf('c-7')}'`],
    [`vectors SET seq = 65536 WHERE seq = 7`],
    [`vectors SET vector = CAST(x'ff' || substr(vector, 2) AS BLOB) WHERE seq = 7`],
  ])('is damage of what it is found by, too, and of no other: %s', async (change) => {
    const { folder } = await filledFolder();
    sql(folder, `UPDATE ${change}`);
    const store = await openAt(folder, UNCHECKED);
    const request = { candidates: COUNT, terms: termsOf('text of c'), vector: vectorOf('c-7', DIMENSION) };
    expect((await searchIn(store, searchOf(request))).candidates).toHaveLength(COUNT);
    await expect(store.ping()).rejects.toMatchObject(damaged);
  });

  it.each([
    [`UPDATE namespaces SET name = 'spade' WHERE id = 1`],
    [`UPDATE supersessions SET valid_from = valid_from + 1`],
    [`UPDATE document_terms SET place = place + 65536 WHERE id = 7`],
    [`UPDATE sequence SET last = 9`],
    [`UPDATE sequence SET last = last + 1`],
    [`UPDATE meta SET value = '9' WHERE key = 'embedding_dimension'`],
    [`UPDATE vectors SET seq = seq + 65536 WHERE seq = 7`],
    [`UPDATE passages SET seq = seq + 65536 WHERE seq = 1`],
    [`UPDATE unembedded SET state = 2 WHERE state = 1`],
    [`UPDATE unembedded SET seq = seq + 65536`],
    [`UPDATE sequence SET last = ${2 ** 60}`],
    [`UPDATE meta SET value = 'zz' || substr(value, 3) WHERE key = 'cursor_key'`],
  ])('refuses the start where it would mislead or hide others: %s', async (change) => {
    const folder = await temporaryFolder();
    const filled = await openAt(folder);
    await fillAll(filled);
    await filled.close();
    // Older than it was: that acknowledged writes are missing would be told first.
    await rm(join(folder, 'contexts.acknowledged'));
    sql(folder, change);
    await expect(openAt(folder)).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining('is damaged') as string,
      remedy: expect.stringContaining('Restore the file') as string,
    });
  });

  it('is not sealed anew by what changes it, and can be deleted', async () => {
    const { folder } = await filledFolder();
    sql(folder, `UPDATE contexts SET text = 'another one' WHERE id = '${idOf('c-7')}'`);
    const store = await openAt(folder);
    const update = {
      op: 'update',
      namespace: 'space',
      id: idOf('c-7'),
      patch: { tags: ['new'] },
      updatedAtMs: NOW_MS,
    } as const;
    await expect(store.write([update])).rejects.toMatchObject(damaged);
    await expect(store.fetch('space', [idOf('c-7')], NOW_MS)).rejects.toMatchObject(damaged);
    await store.write([{ op: 'delete', namespace: 'space', ids: [idOf('c-7')] }]);
    expect(await store.fetch('space', [idOf('c-7')], NOW_MS)).toEqual([null]);
  });

  it('from before there were checksums is read as it is, and has them once it changes', async () => {
    const { folder } = await filledFolder();
    sql(folder, 'UPDATE contexts SET content_sum = NULL, state_sum = NULL');
    const store = await openAt(folder);
    expect((await answers(store)).size).toBe(COUNT);
    const patch = { tags: ['new'] };
    await store.write([{ op: 'update', namespace: 'space', id: idOf('c-7'), patch, updatedAtMs: NOW_MS }]);
    await store.close();
    sql(folder, `UPDATE contexts SET text = 'another one' WHERE id = '${idOf('c-7')}'`);
    const again = await openAt(folder);
    await expect(again.fetch('space', [idOf('c-7')], NOW_MS)).rejects.toMatchObject(damaged);
  });
});

describe('a list of free pages that is not what was written', () => {
  /** Stopped in order, with free pages. */
  async function holedFolder(): Promise<{ folder: string; trunk: number; pageBytes: number }> {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await store.write(NAMES.map((name) => put(sample(name, DIMENSION, { text: 'long '.repeat(2_000) }))));
    await store.write([{ op: 'delete', namespace: 'space', ids: IDS.slice(10) }]);
    await store.close();
    const header = await readFile(join(folder, DATABASE_FILE));
    const pageBytes = header.readUInt16BE(16);
    expect(header.readUInt32BE(36)).toBeGreaterThan(10);
    return { folder, trunk: header.readUInt32BE(32), pageBytes };
  }

  async function overwrite(folder: string, at: number, number: number): Promise<void> {
    const bytes = await readFile(join(folder, DATABASE_FILE));
    bytes.writeUInt32BE(number, at);
    await writeFile(join(folder, DATABASE_FILE), bytes);
  }

  it.each([
    ['a page that holds rows', 8, 3],
    ['a page that is not there', 8, 2 ** 30],
    ['more pages than there are', 4, 2 ** 20],
  ])('refuses the start, however large the database: %s', async (_, at, number) => {
    const { folder, trunk, pageBytes } = await holedFolder();
    await overwrite(folder, (trunk - 1) * pageBytes + at, number);
    await expect(openAt(folder, UNCHECKED)).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining('is damaged') as string,
    });
  });

  it('is compared with nothing where another program has written since, or the server was killed', async () => {
    const { folder } = await holedFolder();
    sql(folder, 'REINDEX; CREATE TABLE another (one); DROP TABLE another; VACUUM');
    const store = await openAt(folder, UNCHECKED);
    await store.write([{ op: 'delete', namespace: 'space', ids: IDS.slice(0, 5) }]);
    const copy = await temporaryFolder();
    for (const name of ['contexts.db', 'contexts.db-wal']) await copyFile(join(folder, name), join(copy, name));
    await store.close();
    for (const each of [folder, copy]) {
      const again = await openAt(each, UNCHECKED);
      expect(await again.fetch('space', [idOf('c-4'), idOf('c-5')], NOW_MS)).toMatchObject([null, { id: idOf('c-5') }]);
      await again.close();
    }
  });
});

describe('bits that flip anywhere in the database', () => {
  it.each([
    { bits: 1, isLarge: false },
    { bits: 8, isLarge: false },
    { bits: 1, isLarge: true },
  ])('change no answer, or are told: $bits at a time, too large for the start: $isLarge', async ({ bits, isLarge }) => {
    const folder = await temporaryFolder();
    const filled = await openAt(folder);
    await fillAll(filled);
    const truth = await allAnswers(filled);
    expect(truth).not.toContain(REFUSED);
    await filled.close();
    const whole = await readFile(join(folder, DATABASE_FILE));
    const random = seeded(SEED + bits + (isLarge ? 100 : 0));
    for (let round = 0; round < FLIPS; round++) {
      const bytes = Buffer.from(whole);
      const places = Array.from({ length: bits }, () => random(bytes.length * 8));
      for (const place of places) bytes[place >> 3] = (bytes[place >> 3] as number) ^ (1 << (place & 7));
      const copy = await temporaryFolder();
      await copyFile(join(folder, 'contexts.acknowledged'), join(copy, 'contexts.acknowledged'));
      await writeFile(join(copy, DATABASE_FILE), bytes);
      const store = await openedOrRefused(copy, isLarge ? UNCHECKED : {});
      if (store === null || (isLarge && faultIn(copy) !== null)) continue;
      const found = await allAnswers(store);
      const isTold = await store.ping().then(
        () => false,
        () => true,
      );
      await store.close();
      found.forEach((answer, i) => {
        // Of a search the others may be answered; whoever asks for the health is told.
        if (answer === REFUSED || (isTold && KINDS[i]?.startsWith('search') === true)) return;
        expect(answer, `${KINDS[i]}; seed ${SEED}, bits ${places.join()}`).toEqual(truth[i]);
      });
    }
  });
});

const KINDS = [
  ...IDS.map(() => 'fetch'),
  'list',
  'search by words',
  'search by vector',
  'document',
  'documents',
  'documents of a term',
  'counts',
  'namespaces',
];
const REFUSED = 'refused';
const OTHER = 'other';

/** Contexts of two namespaces, some with passages, some superseded; documents with terms. */
async function fillAll(store: ContextStore): Promise<void> {
  const metadata = { city: 'Porto', visits: 12, done: true };
  const passages = [vectorOf('second', DIMENSION), vectorOf('third', DIMENSION)];
  for (const [i, name] of NAMES.entries()) {
    const times = i % 5 === 4 ? { times: { supersedes: [IDS[i - 1] as string] } } : {};
    const context = sample(name, DIMENSION, { metadata, tags: ['travel', name], ...times });
    await store.write([put(i % 7 === 0 ? { ...context, passages } : context)]);
  }
  await store.write(NAMES.map((name) => put(sample(`${name} elsewhere`, DIMENSION, { namespace: OTHER }))));
  await store.write([put({ ...sample('to be embedded', DIMENSION, { namespace: OTHER }), unembedded: 'pending' })]);
  await store.writeDocuments(
    NAMES.map((name, order) => {
      const about = { namespace: 'space', kind: 'fact', key: name, owner: 'me', version: 1, body: { name } };
      return { op: 'put', document: { ...about, order, terms: ['all', name] }, ifVersion: null };
    }),
  );
}

/** Of each kind in turn. */
function allAnswers(store: ContextStore): Promise<unknown[]> {
  const search = async (fields: Partial<SearchRequest>) => {
    const { candidates, searched } = await searchIn(store, searchOf({ candidates: COUNT, ...fields }));
    return { candidates: candidates.map((candidate) => ({ ...candidate, accessCount: 0 })), searched };
  };
  const scan = { namespace: 'space', kind: 'fact', descending: false, limit: COUNT };
  const answers: Promise<unknown>[] = [
    ...IDS.map((id) => store.fetch('space', [id], NOW_MS).then(([record]) => uncounted(record))),
    store.list({ namespace: 'space', limit: COUNT, nowMs: NOW_MS }).then(({ records }) => records.map(uncounted)),
    search({ terms: termsOf('text of c') }),
    search({ vector: vectorOf('c-7', DIMENSION) }),
    store.documents('space', 'fact', ['c-7']),
    store.scanDocuments(scan).then(({ documents }) => documents),
    store.scanDocuments({ ...scan, term: 'c-7' }).then(({ documents }) => documents),
    store.stats(OTHER).then(({ counts }) => counts),
    store.namespaces(),
  ];
  return Promise.all(
    answers.map((answer) =>
      answer.catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
        return REFUSED;
      }),
    ),
  );
}

/** How often it was read is told about. */
function uncounted(record: ContextRecord | null | undefined): unknown {
  return record === null || record === undefined ? null : { ...record, accessCount: 0 };
}

/** As of a database that is too large to be looked through at its start. */
const UNCHECKED = { startCheck: { comparedBytesMax: 0, checkedBytesMax: 0 } };
async function openedOrRefused(folder: string, options: Partial<EmbeddedStoreOptions>): Promise<ContextStore | null> {
  try {
    return await openAt(folder, options);
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError);
    expect((error as StartupError).remedy).not.toContain('report it');
    return null;
  }
}

/** Whole numbers below a bound: xorshift32 (Marsaglia 2003). */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
