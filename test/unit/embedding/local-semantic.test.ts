import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { createLocalProvider, type LocalProvider } from '../../../src/embedding/local.ts';
import { createLocalThread } from '../../../src/embedding/local-thread.ts';
import { readWordTable, type WordTable } from '../../../src/embedding/word-table.ts';

let table: WordTable;
let provider: LocalProvider;
let spellings: LocalProvider;

beforeAll(async () => {
  table = await readWordTable();
  provider = createLocalProvider({ dimension: 1024, table });
  spellings = createLocalProvider({ dimension: 1024, table: null });
});

async function cosine(one: string, other: string, by = provider): Promise<number> {
  const [left, right] = (await by.embed([one, other], 'query')) as [Float32Array, Float32Array];
  return left.reduce((sum, value, i) => sum + value * (right[i] as number), 0);
}

describe('createLocalProvider with a table', () => {
  it.each([
    ['spellings', '4413b86b4981f454'],
    ['both', 'c488db0ff5649387'],
  ])('gives the vectors of its version: %s', async (which, digest) => {
    const texts = [
      'The cats of my neighbours are sleeping, and sleeping.',
      'Fahrradschlösser klemmen oft',
      '红色自行车',
      'getUserName 1,000 12',
      '!!!',
      'a long story. '.repeat(900),
    ];
    const hash = createHash('sha256');
    for (const vector of await (which === 'both' ? provider : spellings).embed(texts, 'passage'))
      hash.update(new Uint8Array(vector.buffer));
    // Where this differs, what is stored cannot be compared any more: the version in `local.ts` has to be raised.
    expect(hash.digest('hex').slice(0, 16)).toBe(digest);
  });

  it.each([
    ['more words than it keeps', (i: number) => `w${i}x`, 25_000],
    ['words with more features than it keeps', (i: number) => `${i}${'abcdefghij'.repeat(6)}`.slice(0, 64), 9_000],
  ])('gives the same vector after %s, and beside a long text', async (_what, word, count) => {
    const texts = ['The cats of my neighbours', 'w17x sleeps beside w18x', `0${'abcdefghij'.repeat(6)}`];
    const fresh = createLocalProvider({ dimension: 512, table });
    const expected = await fresh.embed(texts, 'passage');
    const others = Array.from({ length: count / 50 }, (_, i) =>
      Array.from({ length: 50 }, (__, k) => word(50 * i + k)).join(' '),
    );
    for (const other of others) await fresh.embed([other], 'passage');
    const [long, ...again] = await fresh.embed([others.join(' '), ...texts], 'passage');
    expect(again).toEqual(expected);
    expect([long]).toEqual(await createLocalProvider({ dimension: 512, table }).embed([others.join(' ')], 'passage'));
    expect(await fresh.embed(texts, 'query')).toEqual(expected);
  });

  it('says what it is', () => {
    expect(provider).toMatchObject({ id: 'local-semantic-v1-1024', dimension: 1024, kind: 'blended' });
  });

  it.each(['a plain sentence', 'the of and', '', '!!!', '猫', 'Zxqwv', '\ud800', 'word '.repeat(20_000)])(
    'gives a unit vector for %j',
    async (text) => {
      const [vector = new Float32Array()] = await provider.embed([text], 'passage');
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    },
  );

  it.each([
    ['food preferences', 'She is a vegetarian', 'The train left at noon'],
    ['When did their child begin school?', 'My kid started kindergarten.', 'The stock market fell.'],
  ])('brings %j near %j, which have no word in common', async (query, near, far) => {
    expect(await cosine(query, near)).toBeGreaterThan((await cosine(query, far)) + 0.15);
    expect(await cosine(query, near)).toBeGreaterThan((await cosine(query, near, spellings)) + 0.15);
  });

  it('compares spellings where it knows no word', async () => {
    expect(await cosine('ключи от квартиры', 'ключ от квартир лежит под ковриком')).toBeGreaterThan(0.2);
    expect(await cosine('Fahrradschloss', 'Das Schloss am Fahrrad klemmt')).toBeGreaterThan(0.1);
  });

  it('halves a short vector between both sides', async () => {
    const short = createLocalProvider({ dimension: 64, table });
    const [vector = new Float32Array()] = await short.embed(['My kid started kindergarten.'], 'passage');
    expect(vector).toHaveLength(64);
    expect(Math.hypot(...vector.subarray(32))).toBeGreaterThan(0.8);
  });

  it('gives the same in its thread', async () => {
    const thread = createLocalThread({ dimension: 1024, table, clock: systemClock, log: silentLog });
    const texts = ['My kid started kindergarten.', 'We adopted a puppy.'];
    const here = await provider.embed(texts, 'passage');
    // The first are embedded here, while the thread starts.
    for (let i = 0; i < 50; i++) expect(await thread.embed(texts, 'passage')).toEqual(here);
    await thread.close();
  });
});
