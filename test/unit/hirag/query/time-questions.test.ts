import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueryInput } from '../../../../src/hirag/types.ts';
import { openMemory, type MemoryFixture } from '../../../support/memory-fixture.ts';

const DAY_MS = 86_400_000;
/** A Wednesday. */
const NOW_MS = Date.UTC(2023, 5, 14, 12);
const NAMESPACE = 'diary';

/** By day: what was said of it, and when, in the words of nobody who asks. */
const SAID: readonly (readonly [day: string, text: string])[] = [
  ['2022-03-20', 'Signed the lease for the workshop'],
  ['2023-03-07', 'Postgres it shall be, said everybody in the end'],
  ['2023-05-07', 'Planted tomatoes along the fence with Grandpa'],
  ['2023-05-09', 'The parcel from Lyon went back unopened'],
  ['2023-06-07', 'Rode along the canal as far as the lock'],
  ['2023-06-09', 'The kitchen tap was leaking, so a plumber came'],
  ['2023-06-12', 'Swapped the winter tyres at long last'],
  ['2023-06-13', 'Blueberry pancakes for the whole street'],
  ['2023-06-14', 'Invoice 4711 is paid'],
];
/** Told on another day than that on which it was. */
const TOLD: readonly (readonly [saidOn: string, text: string])[] = [
  ['2023-05-10', 'Three days ago a kingfisher sat on our boat'],
  ['2023-05-04', 'The piano tuner comes next Sunday'],
];

let memory: MemoryFixture;

beforeAll(async () => {
  memory = await openMemory();
  memory.clock.advance(NOW_MS - memory.clock.nowMs());
  const dated = [...SAID, ...TOLD].map(([day, text]) => ({ text, createdAtMs: Date.parse(`${day}T09:30:00Z`) }));
  // Of other days, with words that questions have.
  const others = Array.from({ length: 200 }, (_, i) => ({
    text: `Remark r${i}: what happened there is what we talked about, was gemacht ist, ist gemacht`,
    createdAtMs: NOW_MS - (150 + i) * DAY_MS,
  }));
  await memory.memory.storeBatch(
    [...dated, ...others].map((each) => ({ ...each, namespace: NAMESPACE, agentId: 'a', level: 'long_term' as const })),
  );
});

afterAll(() => memory.close());

function textOf(day: string): string {
  return [...SAID, ...TOLD].find(([on]) => on === day)?.[1] ?? '';
}

async function answerTo(query: string, more: Partial<QueryInput> = {}) {
  const { contexts, answerable } = await memory.memory.query(
    { namespace: NAMESPACE, query, ...more },
    { isLook: true },
  );
  return { texts: contexts.map(({ record }) => record.text), verdict: answerable?.verdict };
}

describe('a question that names a time and hardly more', () => {
  it.each([
    ['What did I do on 7 May 2023?', ['2023-05-07', '2023-05-10', '2023-05-04']],
    ['2023-05-07', ['2023-05-07', '2023-05-10', '2023-05-04']],
    ['What happened on May 9th?', ['2023-05-09']],
    ['what happened last Friday', ['2023-06-09']],
    ['What did we do on Monday?', ['2023-06-12']],
    ['yesterday', ['2023-06-13']],
    ['What happened today?', ['2023-06-14']],
    ['What has happened in the last three days?', ['2023-06-14', '2023-06-13', '2023-06-12']],
    ['Was habe ich am 7. Mai 2023 gemacht?', ['2023-05-07', '2023-05-10', '2023-05-04']],
    ['Was ist gestern passiert?', ['2023-06-13']],
    ["Qu'est-ce que j'ai fait le 9 mai 2023 ?", ['2023-05-09']],
    ["Que s'est-il passé vendredi dernier ?", ['2023-06-09']],
    ['¿Qué hice ayer?', ['2023-06-13']],
    ['Cosa è successo ieri?', ['2023-06-13']],
    ['Что я делал вчера?', ['2023-06-13']],
    ['昨天发生了什么?', ['2023-06-13']],
    ['2023年5月9日に何をしましたか', ['2023-05-09']],
    ['어제 뭐 했어?', ['2023-06-13']],
  ])('%s', async (question, days) => {
    const answer = await answerTo(question, { limit: days.length });
    expect(answer.texts.toSorted()).toEqual(days.map(textOf).toSorted());
    expect(answer.verdict).toBe('yes');
  });

  it.each([
    ['what did we decide in March?', ['2023-03-07', '2022-03-20']],
    ['Was haben wir letzte Woche besprochen?', ['2023-06-09', '2023-06-07']],
    ['Qui a plaidé la semaine dernière ?', ['2023-06-09', '2023-06-07']],
    ['上周我们决定了什么?', ['2023-06-09', '2023-06-07']],
  ])('with a word that nobody said: %s', async (question, days) => {
    expect((await answerTo(question, { limit: days.length })).texts).toEqual(days.map(textOf));
  });

  it('is counted from the moment that is asked about', async () => {
    const asOfMs = Date.UTC(2023, 5, 10, 12);
    expect((await answerTo('what happened yesterday?', { asOfMs, limit: 1 })).texts).toEqual([
      'The kitchen tap was leaking, so a plumber came',
    ]);
  });

  it('keeps to what the query may see', async () => {
    const filter = { must: [{ key: 'tags', match: { value: 'none has it' } }] };
    expect((await answerTo('yesterday', { filter })).texts).toEqual([]);
    expect((await answerTo('yesterday', { namespace: 'another' })).texts).toEqual([]);
    expect((await answerTo('yesterday', { agentId: 'another' })).texts).toEqual([]);
  });

  it('finds nothing where nothing is of that time', async () => {
    const { texts, verdict } = await answerTo('What did I do on 2 February 2019?');
    expect(texts).toEqual([]);
    expect(verdict).toBe('no');
  });

  it('is answered by its words first where it has any', async () => {
    const { texts } = await answerTo('Which plumber did we call, and was it last week?');
    expect(texts[0]).toBe('The kitchen tap was leaking, so a plumber came');
    expect((await answerTo('Who paid the invoice on 9 May 2023?')).texts[0]).toBe('Invoice 4711 is paid');
  });
});
