import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/base/text/analyzer.ts';
import {
  inverseDocumentFrequency,
  NO_LENGTHS,
  saturatedFrequency,
  type TextLengths,
  textLengths,
} from '../../src/base/text/bm25.ts';
import { DATE_FLAG, NOBODY, QUESTION_FLAG, SPEAKER_FLAG, TIME_FLAG } from '../../src/store/candidates.ts';
import type { ContextRecord } from '../../src/base/context.ts';
import type { SearchRequest } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import {
  dot,
  foundIn,
  idOf,
  NOW_MS,
  searchIn,
  searchOf,
  termsOf,
  vectorBetween,
  vectorOf,
  type FoundCandidate,
} from './store-samples.ts';

/** Of texts of so many terms. */
function lengthsOf(counts: readonly number[]): TextLengths {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return textLengths(counts.length, sum(counts), sum(counts.map((count) => count ** 2)));
}

export function describeSearch(subject: ContractSubject): void {
  const search = (fields: Partial<SearchRequest>) =>
    searchIn(subject.store, searchOf({ namespace: subject.namespace, ...fields }));
  const idsOf = (candidates: readonly FoundCandidate[]) => candidates.map(({ id }) => id);
  const byDense = (candidates: readonly FoundCandidate[]) =>
    idsOf([...candidates].sort((a, b) => (b.dense ?? -2) - (a.dense ?? -2)));

  describe('dense search', () => {
    it('finds the nearest of the level, with their cosines', async () => {
      for (let i = 0; i < 30; i++) await subject.add(`point-${i}`);
      await subject.add('elsewhere', { level: 'long_term' });
      const vector = vectorBetween('point-3', 'point-9', 0.3, subject.dimension);
      const { candidates, searched } = await search({ vector, candidates: 5 });
      const cosines = Array.from({ length: 30 }, (_, i) => ({
        id: idOf(`point-${i}`),
        dense: dot(vector, vectorOf(`point-${i}`, subject.dimension)),
      }));
      const best = cosines.sort((a, b) => b.dense - a.dense).slice(0, 5);
      expect(byDense(candidates)).toEqual(best.map(({ id }) => id));
      for (const { id, dense } of best)
        expect(candidates.find((candidate) => candidate.id === id)?.dense).toBeCloseTo(dense, 4);
      expect(candidates.every(({ direct }) => direct)).toBe(true);
      expect(searched).toBe(30);
    });

    it('misses none of the nearest that are not to be missed, and brings as many as are wanted', async () => {
      for (let i = 0; i < 60; i++) await subject.add(`point-${i}`);
      const vector = vectorBetween('point-3', 'point-9', 0.3, subject.dimension);
      const { candidates } = await search({ vector, candidates: 20, surely: 3 });
      const nearest = Array.from({ length: 60 }, (_, i) => `point-${i}`)
        .map((name) => ({ id: idOf(name), dense: dot(vector, vectorOf(name, subject.dimension)) }))
        .sort((a, b) => b.dense - a.dense);
      expect(candidates).toHaveLength(20);
      expect(byDense(candidates).slice(0, 3)).toEqual(nearest.slice(0, 3).map(({ id }) => id));
    });

    it('brings along no records but what a fetch gives, of the nearest that fit, with their latest accesses', async () => {
      const { namespace, store } = subject;
      for (let i = 0; i < 8; i++) await subject.add(`point-${i}`, { level: i < 4 ? 'immediate' : 'long_term' });
      const nearest = idOf('point-5');
      await store.touch([{ namespace, id: nearest, count: 3 }]);
      const vector = vectorOf('point-5', subject.dimension);
      const recordsOf = async (count: number, tokensMax: number): Promise<(ContextRecord | null)[]> => {
        const texts = { count, tokensMax };
        const request = searchOf({ namespace, vector, levels: ['immediate', 'long_term'], texts });
        const { records = new Map<string, ContextRecord>() } = await store.search(request);
        expect([...records.values()]).toEqual(await store.fetch(namespace, [...records.keys()], NOW_MS));
        return [...records.values()];
      };
      const three = await recordsOf(3, 1_000);
      expect(three.length).toBeLessThanOrEqual(3);
      if (three.length > 0) expect(three[0]).toMatchObject({ id: nearest, accessCount: 3 });
      expect(await recordsOf(3, 0)).toEqual([]);
    });

    it('takes vectors of length zero, as query and as context', async () => {
      const zero = new Float32Array(subject.dimension);
      const { record } = await subject.add('something');
      await subject.write([{ record: { ...record, id: idOf('nothing'), text: '...' }, vector: zero }]);
      const { candidates } = await search({ vector: vectorOf('something', subject.dimension) });
      expect(candidates.find(({ id }) => id === idOf('nothing'))?.dense).toBeCloseTo(0, 5);
      expect((await search({ vector: zero })).candidates.map(({ dense }) => Math.abs(dense ?? 9) < 1e-5)).toEqual([
        true,
        true,
      ]);
    });

    it('measures what unrelated texts have in common with the query where it is asked to', async () => {
      for (let i = 0; i < 9; i++) await subject.add(`spread-${i}`);
      const vector = vectorOf('query', subject.dimension);
      const cosines = Array.from({ length: 9 }, (_, i) => dot(vector, vectorOf(`spread-${i}`, subject.dimension))).sort(
        (a, b) => a - b,
      );
      expect((await search({ vector, denseSamples: 9 })).denseMedian).toBeCloseTo(cosines[4] as number, 4);
      expect((await search({ vector })).denseMedian).toBeNull();
      expect((await search({ denseSamples: 9, terms: termsOf('spread') })).denseMedian).toBeNull();
      expect((await search({ vector, denseSamples: 9, levels: ['long_term'] })).denseMedian).toBeNull();
    });
  });

  describe('lexical search', () => {
    const texts = {
      a: 'the adoption agency called about the adoption papers',
      b: 'an agency for travel',
      c: 'we talked about music and about music again, and music',
      d: 'nothing in common here',
    };

    it('counts length for more where texts are of many lengths', async () => {
      const short = Array.from({ length: 8 }, (_, i) => `tea number ${i}`);
      for (const [i, text] of short.entries()) await subject.add(`short ${i}`, { text });
      const before = (await search({ terms: termsOf('tea') })).statistics.lengthShare;
      await subject.add('long', { text: `tea ${'and all that there is to say about this and that '.repeat(40)}` });
      const after = (await search({ terms: termsOf('tea') })).statistics.lengthShare;
      expect(after).toBeGreaterThan(before);
    });

    it('scores as BM25 with the statistics of the whole namespace', async () => {
      for (const [name, text] of Object.entries(texts)) await subject.add(name, { text });
      await subject.add('low', { text: 'adoption takes time', level: 'long_term' });
      const terms = termsOf('adoption agency music');
      const { candidates, statistics } = await search({ terms });
      const documents = [...Object.values(texts), 'adoption takes time'].map((text) => analyze(text));
      const lengths = lengthsOf(documents.map((words) => words.length));
      expect(statistics).toEqual({ documentCount: 5, ...lengths, documentFrequencies: [2, 2, 1] });
      expect(new Set(idsOf(candidates))).toEqual(new Set(['a', 'b', 'c'].map(idOf)));
      for (const name of ['a', 'b', 'c'] as const) {
        const words = analyze(texts[name]);
        const expected = terms.map(({ term }, i) => {
          const frequency = words.filter((word) => word === term).length;
          const idf = inverseDocumentFrequency(5, statistics.documentFrequencies[i] as number);
          return idf * saturatedFrequency(frequency, words.length, lengths);
        });
        const candidate = candidates.find(({ id }) => id === idOf(name)) as FoundCandidate;
        expect(Array.from(candidate.termScores).map((score) => score.toFixed(4))).toEqual(
          expected.map((score) => score.toFixed(4)),
        );
        expect(candidate.lexical).toBeCloseTo(
          expected.reduce((sum, score) => sum + score, 0),
          4,
        );
        expect(candidate.dense).toBeNull();
      }
    });

    it('weighs the terms as asked', async () => {
      for (const [name, text] of Object.entries(texts)) await subject.add(name, { text });
      const [term] = termsOf('music');
      const once = await search({ terms: [term as { term: string; weight: number }] });
      const thrice = await search({ terms: [{ term: (term as { term: string }).term, weight: 3 }] });
      expect(thrice.candidates[0]?.lexical).toBeCloseTo(3 * (once.candidates[0]?.lexical ?? 0), 4);
    });

    it('gives scores of their own to the terms that say most, where there are more than asked for', async () => {
      const spoken = ['common common', 'common rare', 'common odd', 'common unique unique', 'filler filler filler'];
      for (const [i, text] of spoken.entries()) await subject.add(`said-${i}`, { text });
      const terms = termsOf('common unknown rare odd unique');
      const all = await search({ terms });
      const few = await search({ terms, termsMax: 2 });
      const result = await subject.store.search(searchOf({ namespace: subject.namespace, terms, termsMax: 2 }));
      // Of three that are equally rare the first two asked for.
      expect(result.terms).toEqual([2, 3]);
      expect(result.statistics.documentFrequencies).toEqual([1, 1]);
      expect(few.candidates).toHaveLength(4);
      for (const { id, termScores, lexical } of few.candidates) {
        const whole = all.candidates.find((candidate) => candidate.id === id) as FoundCandidate;
        const [common, unknown, rare, odd, unique] = Array.from(whole.termScores) as [
          number,
          number,
          number,
          number,
          number,
        ];
        const expected = [rare, odd, common + unknown + unique];
        expect(Array.from(termScores, (score) => score.toFixed(4))).toEqual(expected.map((score) => score.toFixed(4)));
        expect(lexical).toBeCloseTo(whole.lexical, 4);
      }
    });

    it('finds nothing, and says so, where none of too many terms occurs', async () => {
      await subject.add('a', { text: texts.a });
      for (const namespace of [subject.namespace, 'nobody-here']) {
        const terms = termsOf('zebra yak xerus');
        const result = await subject.store.search(searchOf({ namespace, terms, termsMax: 2 }));
        expect(result).toMatchObject({ terms: [0], statistics: { documentFrequencies: [0] } });
        expect(result.candidates.columns.count).toBe(0);
      }
    });

    it('knows unknown words, and namespaces that do not exist', async () => {
      await subject.add('a', { text: texts.a });
      const unknown = await search({ terms: termsOf('zebra') });
      expect(unknown).toMatchObject({
        candidates: [],
        searched: 1,
        statistics: { documentCount: 1, documentFrequencies: [0] },
      });
      const empty = await search({
        namespace: 'nobody-here',
        terms: termsOf('zebra'),
        vector: vectorOf('z', subject.dimension),
        denseSamples: 3,
      });
      expect(empty).toEqual({
        candidates: [],
        searched: 0,
        denseMedian: null,
        statistics: { documentCount: 0, ...NO_LENGTHS, documentFrequencies: [0] },
      });
    });

    it('tells who speaks and who asks', async () => {
      await subject.add('said', { text: 'Ann Lee: I moved to Oslo' });
      await subject.add('asked', { text: 'Bob: did you move to Oslo?' });
      const { candidates } = await search({ terms: termsOf('Oslo'), names: ['ann'] });
      const traits = Object.fromEntries(candidates.map(({ id, traitFlags }) => [id, traitFlags]));
      expect(traits).toEqual({ [idOf('said')]: SPEAKER_FLAG, [idOf('asked')]: QUESTION_FLAG });
    });

    it('takes who speaks from the metadata, where the text does not say it, and follows their changes', async () => {
      await subject.add('said', { text: 'I moved to Oslo', metadata: { speaker: 'Ann Lee' } });
      await subject.add('quoted', { text: 'Bob: I moved to Oslo', metadata: { speaker: 'Ann Lee' } });
      const named = async (name: string): Promise<string[]> => {
        const { candidates } = await search({ terms: termsOf('Oslo'), names: [name] });
        return candidates.filter(({ traitFlags }) => traitFlags === SPEAKER_FLAG).map(({ id }) => id);
      };
      expect(await named('ann')).toEqual([idOf('said')]);
      expect(await named('bob')).toEqual([idOf('quoted')]);
      const { namespace } = subject;
      const patch = { metadata: { speaker: 'Cem' } };
      await subject.store.write([{ op: 'update', namespace, id: idOf('said'), patch, updatedAtMs: NOW_MS }]);
      expect(await named('ann')).toEqual([]);
      expect(await named('cem')).toEqual([idOf('said')]);
    });

    it('tells who tells of times, and of those that are asked for, counted from when it was said', async () => {
      const createdAtMs = Date.UTC(2023, 4, 8);
      await subject.add('friday', { text: 'I moved to Oslo last Friday', createdAtMs });
      await subject.add('later', { text: 'I moved to Oslo last Friday!!', createdAtMs: createdAtMs + 30 * 86_400_000 });
      await subject.add('never', { text: 'I moved to Oslo', createdAtMs });
      const { candidates } = await search({ terms: termsOf('Oslo'), dates: [{ year: 2023, month: 5, day: 5 }] });
      const flags = Object.fromEntries(candidates.map(({ id, traitFlags }) => [id, traitFlags]));
      expect(flags).toEqual({
        [idOf('friday')]: TIME_FLAG | DATE_FLAG,
        [idOf('later')]: TIME_FLAG,
        [idOf('never')]: 0,
      });
    });
  });

  it('gives every candidate both scores and its fields', async () => {
    await subject.add('near', { text: 'no such word', createdAtMs: NOW_MS - 7, accessCount: 3, tokenCount: 9 });
    await subject.add('worded', { text: 'the lighthouse keeper' });
    for (let i = 0; i < 5; i++) await subject.add(`filler-${i}`, { text: `filler ${i}` });
    const vector = vectorOf('near', subject.dimension);
    const { candidates } = await search({ vector, terms: termsOf('lighthouse'), candidates: 1 });
    expect(new Set(idsOf(candidates))).toEqual(new Set([idOf('near'), idOf('worded')]));
    const near = candidates.find(({ id }) => id === idOf('near'));
    expect(near).toMatchObject({
      level: 'immediate',
      createdAtMs: NOW_MS - 7,
      accessCount: 3,
      tokenCount: 9,
      lexical: 0,
      direct: true,
    });
    const worded = candidates.find(({ id }) => id === idOf('worded')) as FoundCandidate;
    expect(worded.dense).toBeCloseTo(dot(vector, vectorOf('worded', subject.dimension)), 4);
    expect(worded.lexical).toBeGreaterThan(0);
  });

  describe('several levels', () => {
    it('are searched each by itself, and answer as one', async () => {
      for (let i = 0; i < 4; i++) {
        const level = i % 2 === 0 ? 'immediate' : 'long_term';
        await subject.add(`tea ${i}`, { text: `tea number ${i}`, level, createdAtMs: NOW_MS + i });
      }
      await subject.add('elsewhere', { text: 'tea at large', level: 'short_term', sessionId: null });
      const request = searchOf({
        namespace: subject.namespace,
        terms: termsOf('tea'),
        candidates: 2,
        levels: ['long_term', 'immediate'],
      });
      const { candidates, levels, statistics } = await subject.store.search(request);
      expect(levels.map(({ searched }) => searched)).toEqual([2, 2]);
      expect(statistics.documentFrequencies).toEqual([5]);
      const found = foundIn(candidates).sort((a, b) => a.createdAtMs - b.createdAtMs);
      expect(found.map(({ id, level, direct }) => [id, level, direct])).toEqual(
        [0, 1, 2, 3].map((i) => [idOf(`tea ${i}`), i % 2 === 0 ? 'immediate' : 'long_term', true]),
      );
      expect(found.map(({ previousId }) => previousId)).toEqual([null, ...[0, 1, 2].map((i) => idOf(`tea ${i}`))]);
      const narrow = foundIn((await subject.store.search({ ...request, candidates: 1, neighbours: 1 })).candidates);
      expect(new Set(narrow.map(({ id }) => id)).size).toBe(narrow.length);
      for (const level of ['immediate', 'long_term'])
        expect(narrow.filter((one) => one.level === level && one.direct)).toHaveLength(1);
    });
  });

  describe('neighbours', () => {
    const talk = async () => {
      for (let i = 0; i < 7; i++) {
        const level = i < 2 ? 'long_term' : 'immediate';
        await subject.add(`turn-${i}`, {
          text: i === 3 ? 'the needle' : `hay ${i}`,
          createdAtMs: NOW_MS + i,
          level,
          tags: i === 4 ? ['odd'] : [],
        });
      }
      await subject.add('other session', { sessionId: 'other', createdAtMs: NOW_MS + 3 });
    };

    it('are named by id, whatever their level', async () => {
      await talk();
      const [needle] = (await search({ terms: termsOf('needle') })).candidates;
      expect([needle?.previousId, needle?.nextId]).toEqual([idOf('turn-2'), idOf('turn-4')]);
      const ends = await search({ terms: termsOf('hay') });
      const edges = ends.candidates.filter(({ id }) => [idOf('turn-2'), idOf('turn-6')].includes(id));
      expect(edges.map(({ id, previousId, nextId }) => [id, previousId, nextId])).toEqual(
        expect.arrayContaining([
          [idOf('turn-2'), idOf('turn-1'), idOf('turn-3')],
          [idOf('turn-6'), idOf('turn-5'), null],
        ]),
      );
    });

    it('that are candidates themselves are named also where others need not be', async () => {
      await talk();
      const vector = vectorOf('turn-6', subject.dimension);
      const request = { vector, terms: termsOf('needle'), candidates: 1, neighbours: 2, denseNeighbours: false };
      const linksOf = async (namesNeighbours: boolean) => {
        const { candidates } = await search({ ...request, namesNeighbours });
        const found = new Set(idsOf(candidates));
        const known = (id: string | null): string | null => (id !== null && found.has(id) ? id : null);
        return new Map(candidates.map(({ id, previousId, nextId }) => [id, [known(previousId), known(nextId)]]));
      };
      const links = await linksOf(true);
      expect(links.get(idOf('turn-6'))).toEqual([idOf('turn-5'), null]);
      expect(links.get(idOf('turn-3'))).toEqual([idOf('turn-2'), idOf('turn-4')]);
      expect(await linksOf(false)).toEqual(links);
    });

    it('come along with the best of each side alone, where no more are to bring theirs', async () => {
      await talk();
      const text = 'a needle among much else that lies about for ever';
      await subject.add('far-0', { sessionId: 'far', text: 'nothing', createdAtMs: NOW_MS });
      await subject.add('far-1', { sessionId: 'far', text, createdAtMs: NOW_MS + 1 });
      const beside = async (neighbourHosts: number): Promise<Set<string>> => {
        const { candidates } = await search({ terms: termsOf('needle'), neighbours: 1, neighbourHosts });
        return new Set(idsOf(candidates.filter(({ direct }) => !direct)));
      };
      expect(await beside(2)).toEqual(new Set([idOf('turn-2'), idOf('turn-4'), idOf('far-0')]));
      expect(await beside(1)).toEqual(new Set([idOf('turn-2'), idOf('turn-4')]));
    });

    it('come along with the youngest of hits that are equally good', async () => {
      for (let i = 0; i < 6; i++) {
        const sessionId = `s-${i}`;
        await subject.add(`before-${i}`, { sessionId, text: 'nothing', createdAtMs: NOW_MS + i });
        await subject.add(`same-${i}`, { sessionId, text: `needle ${i}`, createdAtMs: NOW_MS + 10 + ((i * 5) % 6) });
      }
      const { candidates } = await search({ terms: termsOf('needle'), neighbours: 1, neighbourHosts: 2 });
      const beside = idsOf(candidates.filter(({ direct }) => !direct));
      expect(new Set(beside)).toEqual(new Set([idOf('before-1'), idOf('before-2')]));
    });

    it('come along with both scores, from other levels too', async () => {
      await talk();
      const vector = vectorOf('turn-3', subject.dimension);
      const { candidates } = await search({ terms: termsOf('needle hay'), vector, candidates: 1, neighbours: 2 });
      const by = new Map(candidates.map((candidate) => [candidate.id, candidate]));
      for (const i of [1, 2, 4, 5]) {
        const neighbour = by.get(idOf(`turn-${i}`));
        expect(neighbour?.dense).toBeCloseTo(dot(vector, vectorOf(`turn-${i}`, subject.dimension)), 4);
        expect(neighbour?.lexical).toBeGreaterThan(0);
        expect(neighbour?.level).toBe(i < 2 ? 'long_term' : 'immediate');
      }
      expect(by.get(idOf('turn-3'))?.direct).toBe(true);
      expect(candidates.filter(({ direct }) => !direct).length).toBeGreaterThanOrEqual(3);
      expect(by.has(idOf('other session'))).toBe(false);
    });

    it('pass the filter or stay away', async () => {
      await talk();
      const filter = { must_not: [{ key: 'tags', match: { value: 'odd' } }] };
      const { candidates } = await search({ terms: termsOf('needle'), neighbours: 1, filter });
      expect(new Set(idsOf(candidates))).toEqual(new Set([idOf('turn-3'), idOf('turn-2')]));
      expect(candidates.find(({ id }) => id === idOf('turn-3'))?.nextId).toBe(idOf('turn-4'));
    });

    it('without a session are turns of one conversation, until half an hour of silence', async () => {
      const said = ['Ann: where is it?', 'Ben: the needle is in the shed', 'Ann: thanks', 'Ben: hello again'];
      const minutes = [0, 20, 49, 80];
      for (const [i, text] of said.entries())
        await subject.add(`turn-${i}`, { sessionId: null, createdAtMs: NOW_MS + (minutes[i] ?? 0) * 60_000, text });
      const { candidates } = await search({ terms: termsOf('needle'), neighbours: 3 });
      expect(new Set(idsOf(candidates))).toEqual(new Set([idOf('turn-0'), idOf('turn-1'), idOf('turn-2')]));
      const by = new Map(candidates.map((candidate) => [candidate.id, candidate]));
      expect(by.get(idOf('turn-1'))).toMatchObject({
        previousId: idOf('turn-0'),
        nextId: idOf('turn-2'),
        direct: true,
      });
      expect(by.get(idOf('turn-2'))).toMatchObject({ previousId: idOf('turn-1'), nextId: null, direct: false });
    });

    it('without a session and without names are what was said within minutes, and not at once', async () => {
      const said = ['where is it?', 'the needle is in the shed', 'thanks', 'a parcel came', 'hello'];
      const seconds = [0, 20, 240, 620, 620.2];
      for (const [i, text] of said.entries())
        await subject.add(`said-${i}`, { sessionId: null, createdAtMs: NOW_MS + (seconds[i] ?? 0) * 1_000, text });
      const found = async (word: string): Promise<Set<string>> =>
        new Set(idsOf((await search({ terms: termsOf(word), neighbours: 3 })).candidates));
      expect(await found('needle')).toEqual(new Set([idOf('said-0'), idOf('said-1'), idOf('said-2')]));
      expect(await found('parcel')).toEqual(new Set([idOf('said-3')]));
      // Whether others stand beside what nothing else is known of decides what those count, wherever they were found.
      const request = searchOf({ namespace: subject.namespace, terms: termsOf('needle'), namesNeighbours: false });
      const { columns } = (await subject.store.search(request)).candidates;
      expect(columns.count).toBe(1);
      expect([...columns.previous, ...columns.next].every((place) => place !== NOBODY)).toBe(true);
    });

    it('are none for notes without a session that were stored together', async () => {
      for (const i of [1, 2, 3])
        await subject.add(`loose-${i}`, {
          sessionId: null,
          createdAtMs: NOW_MS + i,
          text: i === 2 ? 'the needle' : 'hay',
        });
      const { candidates } = await search({ terms: termsOf('needle'), neighbours: 2 });
      expect(candidates).toMatchObject([{ id: idOf('loose-2'), previousId: null, nextId: null }]);
    });

    it('of equal times stand in the order of arrival', async () => {
      for (const name of ['first', 'second', 'third']) await subject.add(name, { text: name });
      const [second] = (await search({ terms: termsOf('second') })).candidates;
      expect([second?.previousId, second?.nextId]).toEqual([idOf('first'), idOf('third')]);
    });
  });
}
