import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEVELS } from '../../../../src/base/context.ts';
import { onlyVectors } from '../../../../src/embedding/provider.ts';
import type { QueryInput, QueryOutcome, StoreInput } from '../../../../src/hirag/types.ts';
import type { SearchRequest } from '../../../../src/store/store.ts';
import { DEFAULTS } from '../../../support/settings.ts';
import { openMemory, type FixtureOptions, type MemoryFixture } from '../../../support/memory-fixture.ts';

const OWNER = { namespace: 'n', agentId: 'a', sessionId: 's' };
const DAY_MS = 86_400_000;

const TURNS = [
  'Ann: I went hiking in the Alps last week',
  'Ben: Nice! Which trail did you take?',
  'Ann: The one around the lake, it took six hours',
  'Ben: I stayed at home and repaired my old violin',
  'Ann: When is your concert?',
  'Ben: In two weeks, at the town hall',
  'Ann: My sister moved to Porto and opened a bakery',
  'Ben: What does she bake?',
  'Ann: Custard tarts, what else',
  'Ben: I could eat a dozen of those',
];

let current: MemoryFixture;

async function start(options: FixtureOptions = {}): Promise<void> {
  await current.close();
  current = await openMemory(options);
}

beforeEach(async () => {
  current = await openMemory();
});

afterEach(() => current.close());

async function tell(texts: readonly string[], changes: Partial<StoreInput> = {}): Promise<void> {
  for (const text of texts) {
    await current.memory.store({ ...OWNER, text, ...changes });
    current.clock.advance(1000);
  }
}

function ask(query: string, changes: Partial<QueryInput> = {}): Promise<QueryOutcome> {
  return current.memory.query({ ...OWNER, query, ...changes });
}

function texts({ contexts }: QueryOutcome): string[] {
  return contexts.map(({ record }) => record.text);
}

describe('a query', () => {
  it('finds what was said, by its words, its neighbours and its speaker, best first', async () => {
    await tell(TURNS);
    expect(texts(await ask('What does the sister of Ann bake?')).slice(0, 3)).toContain(
      'Ann: Custard tarts, what else',
    );
    expect(texts(await ask('violin repair'))[0]).toBe(TURNS[3]);
    const outcome = await ask('When is the concert?', { limit: 3 });
    expect(texts(outcome)).toContain('Ben: In two weeks, at the town hall');
    const scores = outcome.contexts.map(({ relevanceScore }) => relevanceScore);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(outcome.avgRelevance).toBeCloseTo(scores.reduce((sum, score) => sum + score, 0) / 3);
  });

  it('answers a quick start: one context, any wording that shares a word', async () => {
    await tell(['The deploy key is rotated on the first Monday of each month']);
    expect(texts(await ask('when do we rotate the deploy key?'))).toHaveLength(1);
    expect(texts(await current.memory.query({ namespace: 'n', agentId: 'a', query: 'deploy keys' }))).toHaveLength(1);
  });

  it('sees of a session what it would see of every agent and session, to the last score', async () => {
    await start({ settings: { weights: { similarity: 0.6, recency: 0.2, level: 0.2, frequency: 0 } } });
    await tell(TURNS);
    await tell(
      TURNS.map((turn) => turn.replaceAll(/Ann|Ben/g, 'Eve')),
      { sessionId: 't' },
    );
    for (const text of ['Ann: I never eat tarts without a session', 'a note on tarts', 'Eve: Tarts!']) {
      await current.memory.store({ namespace: 'n', agentId: 'a', text });
    }
    for (const query of ['What does the sister of Ann bake?', 'tarts', 'the']) {
      const plain = { query, levels: ['immediate'] as const, relevanceThreshold: 0, limit: 100, maxTokens: 100_000 };
      const own = await ask('', plain);
      const ofAllAgents = await current.memory.query({ ...plain, namespace: 'n', sessionId: 's' });
      expect(own.totalSearched).toBe(13);
      expect(ofAllAgents.totalSearched).toBe(own.totalSearched);
      const scores = ({ contexts }: QueryOutcome): unknown[] =>
        contexts.map(({ record, relevanceScore, scores: { similarity } }) => [record.id, relevanceScore, similarity]);
      expect(scores(own)).not.toEqual([]);
      expect(scores(ofAllAgents)).toEqual(scores(own));
    }
  });

  it('tells whether its embedding came from the cache', async () => {
    await tell(TURNS);
    expect((await ask('violin repair')).cacheHits).toBe(0);
    expect((await ask('violin repair')).cacheHits).toBe(1);
  });

  it("embeds and compares no vector where the dense side has no share, except a client's own without words", async () => {
    await start({ settings: { fusion: { ...DEFAULTS.hirag.fusion, denseShareLexical: 0 } } });
    await tell(TURNS);
    const requests: SearchRequest[] = [];
    const search = current.store.search.bind(current.store);
    current.store.search = (request, signal) => {
      requests.push(request);
      return search(request, signal);
    };
    const [embedding = new Float32Array()] = onlyVectors(
      await current.embedding.embed([{ namespace: 'n', text: TURNS[6] ?? '' }], 'passage'),
    );
    const before = current.embedding.counts();
    expect(texts(await ask('violin repair'))[0]).toBe(TURNS[3]);
    await ask('violin repair', { embedding });
    expect(
      texts(await current.memory.query({ namespace: 'n', query: 'nothing said of zebras', relevanceThreshold: 0 })),
    ).toEqual([]);
    expect(current.embedding.counts()).toEqual(before);
    expect(requests.filter(({ vector }) => vector !== undefined)).toEqual([]);
    expect(texts(await current.memory.query({ namespace: 'n', embedding }))[0]).toBe(TURNS[6]);
  });

  it('asks the store for as many candidates as the answer can hold, within bounds', async () => {
    const asked: number[] = [];
    const search = current.store.search.bind(current.store);
    current.store.search = (request, signal) => {
      asked.push(request.candidates);
      return search(request, signal);
    };
    const of = async (limit: number, maxTokens: number): Promise<number | undefined> => {
      await ask('tea', { levels: ['long_term'], limit, maxTokens });
      return asked.at(-1);
    };
    expect(await of(5, 4000)).toBe(24);
    expect(await of(1000, 100)).toBe(24);
    expect(await of(50, 4000)).toBe(50);
    expect(await of(1000, 1200)).toBe(100);
    expect(await of(1000, 1_000_000)).toBe(1000);
  });

  it('asks for who stands beside a hit where there are words to lend, and not for a vector alone', async () => {
    await tell(TURNS);
    const asked: number[] = [];
    const search = current.store.search.bind(current.store);
    current.store.search = (request, signal) => {
      asked.push(request.neighbours);
      return search(request, signal);
    };
    const { vectorSize } = DEFAULTS.vectorDb;
    const embedding = new Float32Array(vectorSize).fill(1 / Math.sqrt(vectorSize));
    await ask('violin', { embedding });
    await current.memory.query({ ...OWNER, embedding });
    await ask('?!', { embedding });
    expect(asked).toEqual([DEFAULTS.hirag.fusion.neighbourWeights.length, 0, 0]);
  });

  it('has all of several searches name who stands beside a hit: another one may have found them', async () => {
    await tell(TURNS);
    const asked: boolean[] = [];
    const search = current.store.search.bind(current.store);
    current.store.search = (request, signal) => {
      asked.push(request.namesNeighbours ?? false);
      return search(request, signal);
    };
    await ask('violin');
    expect(asked.splice(0)).toEqual([false]);
    await ask('What did I do yesterday?');
    expect(asked.length).toBeGreaterThan(1);
    expect(new Set(asked)).toEqual(new Set([true]));
  });

  it('fills a wide limit', async () => {
    await start({ settings: { l1Enabled: false, l2Enabled: false } });
    const notes = Array.from({ length: 300 }, (_, i) => ({ ...OWNER, sessionId: `s${i}`, text: `tea of kind ${i}` }));
    await current.memory.storeBatch(notes);
    const { contexts } = await current.memory.query({ namespace: 'n', query: 'tea', limit: 1000, maxTokens: 100_000 });
    expect(contexts).toHaveLength(300);
  });

  it("by a client's embedding alone ranks by the vector", async () => {
    await tell(TURNS);
    const [vector] = onlyVectors(await current.embedding.embed([{ namespace: 'n', text: TURNS[6] ?? '' }], 'query'));
    const { contexts } = await current.memory.query({
      ...OWNER,
      ...(vector === undefined ? {} : { embedding: vector }),
    });
    expect(contexts[0]?.record.text).toBe(TURNS[6]);
    expect(contexts[0]?.scores).toMatchObject({ lexical: 0 });
    expect(contexts[0]?.scores.similarity).toBeGreaterThan(0.9);
  });

  it('splits the budget by shares of any size', async () => {
    await tell(TURNS);
    for (const priority of [
      [1e308, 1e308, 1e308],
      [1.7e308, -0, 5e-324],
      [1e-320, 0, 0],
    ] as const)
      expect((await ask('violin', { priority })).contexts[0]?.record.text).toBe(TURNS[3]);
    for (const bad of [NaN, Infinity, -1])
      await expect(ask('violin', { priority: [1, bad, 1] })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        details: { fields: [{ field: '/priority' }] },
      });
  });

  it('needs words or a vector', async () => {
    await expect(current.memory.query(OWNER)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(ask('x', { embedding: new Float32Array(3) })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(ask('x', { filter: { must: [{ key: 'nonsense', match: { value: 1 } }] } })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it('may be a whole page, of which the rare words count', async () => {
    await tell([...TURNS, 'Ann: the zeppelin museum reopens on Friday']);
    const page = Array.from({ length: 3000 }, (_, i) => `filler${i} and what else`).join(' ');
    const { contexts } = await ask(`${page.slice(0, 9000)} zeppelin museum ${page.slice(9000, 20_000)}`);
    expect(contexts[0]?.record.text).toContain('zeppelin');
    expect(texts(await ask(`${page} zeppelin`))[0]).toContain('zeppelin');
  });

  it('looks for every word of a question, though hundreds of them are as rare as each other', async () => {
    const names = Array.from({ length: 400 }, (_, i) => `name${i}`);
    const notes = names.map((name, i) => ({ ...OWNER, sessionId: `s${i}`, level: 'long_term', text: `meet ${name}` }));
    await current.memory.storeBatch(notes as StoreInput[]);
    const everyone = { namespace: 'n', query: names.join(', '), limit: 1000, maxTokens: 100_000 };
    expect(new Set(texts(await current.memory.query(everyone)))).toEqual(new Set(notes.map(({ text }) => text)));
  });

  it('sees who is named, and when, at the end of a long question', async () => {
    const page = Array.from({ length: 600 }, (_, i) => `filler${i} and what else`).join(' ');
    await tell(['Zoe: the tarts were good', 'Max: the tarts were good, too']);
    const { contexts } = await ask(`${page}. What did Zoe say of tarts?`);
    expect(contexts[0]?.record.text).toContain('Zoe');
    await tell(['tarts with plums'], { createdAtMs: Date.UTC(2021, 5, 3), level: 'long_term' });
    await tell(['tarts with pears'], { createdAtMs: Date.UTC(2021, 8, 3), level: 'long_term' });
    const dated = await ask(`${page}. Tarts on 3 September 2021?`, { levels: ['long_term'] });
    expect(texts(dated)[0]).toBe('tarts with pears');
  });

  it('keeps to its filter, in memory and in the store, neighbours included', async () => {
    await tell(['tea in the morning', 'tea at noon'], { tags: ['keep'] });
    await tell(['tea at night', 'and nothing else']);
    await tell(['tea long ago'], { level: 'long_term', tags: ['keep'] });
    await tell(['tea even longer ago'], { level: 'long_term' });
    const filter = { must: [{ key: 'tags', match: { value: 'keep' } }] };
    const kept = ['tea at noon', 'tea in the morning', 'tea long ago'];
    expect(texts(await ask('tea', { filter, relevanceThreshold: 0 })).sort()).toEqual(kept);
    expect(
      texts(await current.memory.query({ namespace: 'n', query: 'tea', filter, relevanceThreshold: 0 })).sort(),
    ).toEqual(kept);
  });

  it('takes only from the levels asked for', async () => {
    for (const level of LEVELS) await tell([`tea in ${level}`], { level });
    for (const level of LEVELS) expect(texts(await ask('tea', { levels: [level] }))).toEqual([`tea in ${level}`]);
    expect((await ask('tea')).levelDistribution).toEqual({ immediate: 1, short_term: 1, long_term: 1 });
  });

  it('prefers the young and the higher level where texts say equally much', async () => {
    const nowMs = current.clock.nowMs();
    await tell(['plum jam, batch A'], { level: 'long_term', createdAtMs: nowMs - 30 * DAY_MS });
    await tell(['plum jam, batch B'], { level: 'long_term' });
    await tell(['plum jam, batch C']);
    expect(texts(await ask('plum jam'))).toEqual(['plum jam, batch C', 'plum jam, batch B', 'plum jam, batch A']);
  });
});

describe('the budget of a query', () => {
  it.each([
    ['Chinese', '会议', (i: number) => `第${i}次会议决定把办公室的钥匙交给门卫保管，并且通知所有的同事。`],
    [
      'Japanese',
      '会議',
      (i: number) => `第${i}回の会議で、事務所の鍵は守衛さんに預けて、全員に知らせることに決めました。`,
    ],
    ['Hindi', 'बैठक', (i: number) => `बैठक ${i} में तय हुआ कि दफ़्तर की चाबी चौकीदार के पास रहेगी और सबको बताया जाएगा।`],
    ['emoji', 'party', (i: number) => `party ${i} 🎉🎂🍕🎸📚🌈🐶🐱🔥👏🚀✨😅🙌☀️🎁💡🥳🤔👍`],
  ])('of 500 tokens is full and kept in %s, as a model counts', async (_, query, text) => {
    await tell(
      Array.from({ length: 60 }, (_each, i) => text(i)),
      { level: 'long_term' },
    );
    const { contexts } = await ask(query, { maxTokens: 500, limit: 100, relevanceThreshold: 0 });
    const tokens = contexts.reduce((sum, { record }) => sum + countTokens(record.text), 0);
    expect(tokens).toBeLessThan(500 * 1.15);
    expect(tokens).toBeGreaterThan(500 * 0.75);
  });

  const many = (count: number): string[] =>
    Array.from(
      { length: count },
      (_, i) => `orchard report ${i}: ${['pears', 'plums', 'quinces'][i % 3]} were picked on row ${i * 3}`,
    );

  it('is kept, and a long context does not empty the answer', async () => {
    await tell([`orchard ${'very long report '.repeat(500)}`, ...many(20)]);
    for (const maxTokens of [1, 15, 50, 200]) {
      const { totalTokens, contexts } = await ask('orchard report', { maxTokens });
      expect(totalTokens).toBeLessThanOrEqual(maxTokens);
      expect(contexts.reduce((sum, { record }) => sum + record.tokenCount, 0)).toBe(totalTokens);
      expect(contexts.length > 0).toBe(maxTokens >= 15);
    }
  });

  it('gives every level its part', async () => {
    await start({ settings: { l1Size: 20, l2Size: 20, minContextsPerLevel: 1 } });
    await tell(many(60));
    const { levelDistribution, allocations } = await ask('orchard report', { maxTokens: 300, relevanceThreshold: 0 });
    const parts = (of: Record<string, number>): number[] => LEVELS.map((level) => Math.round((of[level] ?? 0) / 30));
    expect(parts(allocations)).toEqual([3, 4, 3]);
    for (const level of LEVELS) expect(levelDistribution[level]).toBeGreaterThanOrEqual(4);
    const recent = await ask('orchard report', { maxTokens: 300, relevanceThreshold: 0, priority: 'Recent' });
    expect(parts(recent.allocations)).toEqual([6, 3, 1]);
    const tiny = await ask('orchard report', { maxTokens: 45, relevanceThreshold: 0, priority: [1, 0, 0] });
    expect(tiny.levelDistribution).toEqual({ immediate: 1, short_term: 1, long_term: 1 });
  });

  it('is explained, candidate by candidate', async () => {
    await tell([...many(12), 'orchard report 0: PEARS were picked on row 0']);
    const { receipts, contexts } = await ask('orchard report 0 pears', {
      maxTokens: 60,
      limit: 3,
      explain: true,
      relevanceThreshold: 0.5,
    });
    expect(receipts?.filter(({ outcome }) => outcome === 'included').map(({ id }) => id)).toEqual(
      contexts.map(({ record }) => record.id),
    );
    expect(new Set(receipts?.map(({ outcome }) => outcome))).toContain('duplicate');
    expect(receipts?.map(({ relevanceScore }) => relevanceScore)).toEqual(
      receipts?.map(({ relevanceScore }) => relevanceScore).sort((a, b) => b - a),
    );
    expect((await ask('orchard', {})).receipts).toBeUndefined();
  });

  it('follows the threshold of the query', async () => {
    await tell(['red kites circle over the valley', 'fog', 'rain', 'snow', 'the printer is out of toner']);
    expect(texts(await ask('red kites', { relevanceThreshold: 0.8 }))).toEqual(['red kites circle over the valley']);
    expect(texts(await ask('red kites', { relevanceThreshold: 0.5 }))).not.toContain('the printer is out of toner');
    expect(texts(await ask('red kites', { relevanceThreshold: 0 }))).toHaveLength(5);
    expect(texts(await ask('red kites', { relevanceThreshold: 1 }))).toEqual([]);
  });
});

describe('a correction', () => {
  const note = (middle: string): string =>
    `Meeting with the harbour office about the new berth for the research ship: the crew wants shore power, the office wants the plans two weeks ahead, the welders ${middle}, the divers look at the hull on the day after, and the invoice goes to the institute as it always did`;

  it.each([
    ['come on the third of March', 'come on the third of April'],
    ['are paid by us', 'are not paid by us'],
    ['are called by Ann', 'are called by Eve'],
    ['bring 40 metres of cable', 'bring 400 metres of cable'],
  ])('stands beside what it corrects: %s, %s', async (before, after) => {
    await tell([note(before), note(after)], { level: 'long_term' });
    const { contexts, totalTokens } = await ask('what about the berth and the welders?', { maxTokens: 8000 });
    expect(new Set(contexts.map(({ record }) => record.text))).toEqual(new Set([note(before), note(after)]));
    expect(totalTokens).toBeLessThanOrEqual(8000);
  });

  it('of nothing but fillers takes the place of the older one', async () => {
    await tell([note('come on Monday'), `Well, ${note('come on Monday')}, too.`]);
    expect(texts(await ask('when do the welders come?'))).toEqual([`Well, ${note('come on Monday')}, too.`]);
  });
});

describe('copies', () => {
  const NOTES = [
    'deploy of the shop was rolled back on Tuesday',
    'deploy of the blog waits for Ann',
    'deploy keys are rotated in March',
  ];

  it.each([60, 1_500])('of one text, %i of them, push no other out of the answer', async (count) => {
    await tell(NOTES, { level: 'long_term' });
    const copies = Array.from({ length: count }, (_, i) => ({
      ...OWNER,
      sessionId: `run-${i}`,
      level: 'long_term' as const,
      text: i % 2 === 0 ? 'deploy finished' : 'Deploy finished.',
      createdAtMs: current.clock.nowMs() + i,
    }));
    for (let from = 0; from < count; from += 500) await current.memory.storeBatch(copies.slice(from, from + 500));
    const { contexts } = await current.memory.query({ namespace: 'n', query: 'deploy' });
    expect(new Set(contexts.map(({ record }) => record.text.toLowerCase().replace('.', '')))).toEqual(
      new Set([...NOTES.map((note) => note.toLowerCase()), 'deploy finished']),
    );
    const copy = contexts.find(({ record }) => record.text.toLowerCase().startsWith('deploy finished'));
    expect(copy?.record.sessionId).toBe(`run-${count - 1}`);
  });

  it('are answered once, from whichever level', async () => {
    for (const level of LEVELS) await tell(['deploy finished', 'deploy finished'], { level });
    await tell(NOTES);
    expect(texts(await ask('deploy')).sort()).toEqual(['deploy finished', ...NOTES].sort());
  });
});

describe('what a query is not about', () => {
  const NOTES = [
    'red kites circle over the valley',
    'the printer is out of toner',
    'buy milk and eggs',
    'pay the rent on Monday',
    'green tea at noon',
  ];

  it('stays out of the answer however new it is, and is explained', async () => {
    for (const [i, note] of NOTES.entries()) await tell([note], { sessionId: `of-${i}` });
    const asked = { namespace: 'n', agentId: 'a', query: 'red kites' };
    expect(texts(await current.memory.query(asked))).toEqual([NOTES[0]]);
    const { receipts } = await current.memory.query({ ...asked, explain: true });
    expect(receipts?.map(({ outcome }) => outcome)).toEqual(['included', ...Array<string>(4).fill('below_threshold')]);
    expect(receipts?.map(({ relevanceScore }) => relevanceScore > 0)).toEqual([true, ...Array<boolean>(4).fill(false)]);
  });

  it('is in no answer, whatever threshold above 0 the query names', async () => {
    for (const [i, note] of NOTES.entries()) await tell([note], { sessionId: `of-${i}` });
    const asked = { namespace: 'n', query: 'red kites' };
    for (const relevanceThreshold of [0.001, 0.15, 0.3])
      expect(texts(await current.memory.query({ ...asked, relevanceThreshold }))).toEqual([NOTES[0]]);
    expect(texts(await current.memory.query({ ...asked, relevanceThreshold: 0 }))).toHaveLength(NOTES.length);
    expect(texts(await ask('zebra'))).toEqual([]);
    expect(texts(await ask('zebra', { relevanceThreshold: 0.1 }))).toEqual([]);
  });

  it('takes no place from what it is about, with a threshold of 0 or for its level', async () => {
    await tell(['the kite festival was in May'], { level: 'long_term', createdAtMs: 0 });
    for (const [i, note] of NOTES.slice(1).entries()) await tell([note], { sessionId: `of-${i}` });
    const query = 'kite zebra yak xerus gnu';
    for (const changes of [{}, { relevanceThreshold: 0 }]) {
      const asked = { namespace: 'n', query, ...changes };
      for (const bounds of [{ limit: 1 }, { maxTokens: 8 }]) {
        const { contexts } = await current.memory.query({ ...asked, ...bounds });
        expect(contexts.map(({ record }) => record.text)).toEqual(['the kite festival was in May']);
      }
    }
    const { contexts } = await current.memory.query({ namespace: 'n', query, relevanceThreshold: 0 });
    const scores = contexts.map(({ relevanceScore }) => relevanceScore);
    expect(scores).toHaveLength(NOTES.length);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  const SLIGHT = `lighthouse ${Array.from({ length: 30 }, (_, i) => `q${i}q`).join(' ')}`;

  it('has the best of each level in the answer where levels are promised some, if it is about it in the least', async () => {
    await start({ settings: { minContextsPerLevel: 1 } });
    await tell(['an old story of a lighthouse', 'an older one of a mill'], { level: 'long_term', createdAtMs: 0 });
    const { contexts } = await ask(SLIGHT);
    expect(contexts.map(({ record }) => record.text)).toEqual(['an old story of a lighthouse']);
    expect(contexts[0]?.relevanceScore).toBeLessThan(0.15);
    expect(texts(await ask(SLIGHT, { relevanceThreshold: 0.15 }))).toEqual([]);
    await start();
    await tell(['an old story of a lighthouse'], { level: 'long_term', createdAtMs: 0 });
    expect(texts(await ask(SLIGHT))).toEqual([]);
  });

  it('is not counted as returned where it fills a place', async () => {
    await start({ settings: { minContextsPerLevel: 1 } });
    await tell(['an old story of a lighthouse'], { level: 'long_term', createdAtMs: 0 });
    for (let i = 0; i < 3; i++) expect((await ask(SLIGHT)).contexts[0]?.record.accessCount).toBe(0);
    await ask('lighthouse');
    expect((await ask(SLIGHT)).contexts[0]?.record.accessCount).toBe(1);
  });
});

describe('access counts', () => {
  it('grow with each answer and each get, are shown at once and survive a restart', async () => {
    await tell(['the violin is in the attic', 'the piano is in the cellar']);
    const first = await ask('violin', { limit: 1 });
    const id = first.contexts[0]?.record.id ?? '';
    expect(first.contexts[0]?.record.accessCount).toBe(0);
    const second = await ask('violin', { limit: 1 });
    expect(second.contexts[0]?.record.accessCount).toBe(1);
    expect(second.contexts[0]?.scores.frequency).toBeCloseTo(Math.log(2) / Math.log(101));
    expect((await current.memory.get('n', id)).accessCount).toBe(3);
    current.clock.advance(1000);
    current = await current.restart();
    expect((await current.memory.get('n', id)).accessCount).toBe(4);
    expect((await ask('violin', { limit: 1 })).contexts[0]?.record.accessCount).toBe(4);
  });

  it('count what was of use, and with a setting nothing else', async () => {
    await start({ settings: { accesses: 'used' } });
    await tell(['the violin is in the attic', 'the piano is in the cellar']);
    const [violin] = (await ask('violin')).contexts;
    const id = violin?.record.id ?? '';
    expect((await current.memory.get('n', id)).accessCount).toBe(0);
    expect(await current.memory.used('n', [id, id, '018f0000-0000-7000-8000-00000000000a'])).toBe(1);
    expect(await current.memory.used('other', [id])).toBe(0);
    expect((await ask('violin')).contexts[0]?.record.accessCount).toBe(1);
    expect((await ask('violin')).contexts[0]?.record.accessCount).toBe(1);
  });

  it('are those of the store once they are written, and one more each time after', async () => {
    const { store, memory, clock } = current;
    await tell(['the violin is in the attic']);
    for (let i = 0; i < 3; i++) await ask('violin');
    await memory.flushAccessCounts();
    const { records } = await store.list({ namespace: 'n', limit: 1, nowMs: clock.nowMs() });
    expect(records[0]?.accessCount).toBe(3);
    expect((await ask('violin')).contexts[0]?.record.accessCount).toBe(3);
    expect((await memory.query({ namespace: 'n', query: 'violin' })).contexts[0]?.record.accessCount).toBe(4);
  });
});

describe('other languages', () => {
  it.each([
    ['German', 'Der Zug nach Köln fährt um halb neun vom Gleis drei', 'wann fahren die Züge nach Koeln Köln'],
    ['Russian', 'Собака соседей лаяла всю ночь напролёт', 'лает собака ночью'],
    ['Hindi', 'मुझे आम और अमरूद बहुत पसंद हैं', 'आम पसंद'],
    ['Chinese', '我妹妹在上海开了一家面包店', '上海的面包店'],
    ['Japanese', '来週の火曜日に東京タワーへ行きます', '東京タワー'],
  ])('are searched too: %s', async (_, text, query) => {
    await tell([
      'an unrelated note in English',
      text,
      'Ещё одна заметка',
      '完全に別の話',
      'noch ein Satz',
      'एक और टिप्पणी',
    ]);
    const { contexts } = await ask(query);
    expect(contexts[0]?.record.text).toBe(text);
  });
});

describe('a server that asks for a similarity of 0.7', () => {
  beforeEach(() => start({ settings: { relevanceThreshold: 0.7 } }));

  it('answers with what is that similar alone, where something is', async () => {
    for (const text of ['red kites circle over the valley', 'a red door', 'the valley road is closed'])
      await tell([text], { level: 'long_term', sessionId: text.slice(-4) });
    const outcome = await current.memory.query({ namespace: 'n', query: 'red kites circle over the valley' });
    expect(texts(outcome)).toEqual(['red kites circle over the valley']);
    expect(outcome.belowThreshold).toBe(false);
  });

  it('answers with what is nearest where nothing is, and says so', async () => {
    const old = { level: 'long_term', createdAtMs: 0 } as const;
    await tell([...TURNS, 'the printer is out of toner'], old);
    const query = 'could anybody tell me which trail it was that she took on her journey?';
    const outcome = await ask(query);
    expect(texts(outcome)).toContain('Ben: Nice! Which trail did you take?');
    expect(texts(outcome)).not.toContain('the printer is out of toner');
    expect(outcome.belowThreshold).toBe(true);
    expect(outcome.contexts.every(({ scores }) => scores.similarity < 0.7)).toBe(true);
    await start();
    await tell([...TURNS, 'the printer is out of toner'], old);
    const plain = await ask(query);
    expect(texts(outcome)).toEqual(texts(plain));
    expect(plain.belowThreshold).toBe(false);
  });

  it('leaves a threshold of the query as it is: one of the score, that nothing stands in for', async () => {
    await tell(['a red door'], { level: 'long_term', createdAtMs: 0 });
    const outcome = await ask('red kites over the valley', { relevanceThreshold: 0.7 });
    expect({ found: texts(outcome), belowThreshold: outcome.belowThreshold }).toEqual({
      found: [],
      belowThreshold: false,
    });
  });
});
