import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import { FURTHER_PASSAGES_MAX, type ContextPatch, type NewContext, type SearchRequest } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import {
  dot,
  FOR_GOOD,
  foundIn,
  idOf,
  NOW_MS,
  put,
  sample,
  searchIn,
  searchOf,
  termsOf,
  vectorBetween,
  vectorOf,
  type FoundCandidate,
} from './store-samples.ts';

/** Contexts whose texts were cut into passages, each of which has a vector. */
export function describePassages(subject: ContractSubject): void {
  const vector = (name: string) => vectorOf(name, subject.dimension);
  const near = (name: string) => vectorBetween(name, `beside ${name}`, 0.2, subject.dimension);
  const search = (fields: Partial<SearchRequest>) =>
    searchIn(subject.store, searchOf({ namespace: subject.namespace, ...fields }));
  const nearest = async (to: string, fields: Partial<SearchRequest> = {}) => {
    const { candidates } = await search({ vector: near(to), candidates: 1, ...fields });
    return candidates.map(({ id }) => id);
  };
  const denseOf = (candidates: readonly FoundCandidate[], name: string) =>
    candidates.find(({ id }) => id === idOf(name))?.dense;
  const long = (name: string, passages: readonly string[], fields: Partial<ContextRecord> = {}): NewContext => ({
    ...sample(name, subject.dimension, { namespace: subject.namespace, ...fields }),
    passages: passages.map(vector),
  });
  const crowd = async (count = 12, fields: Partial<ContextRecord> = {}) => {
    for (let i = 0; i < count; i++) await subject.add(`crowd-${i}`, fields);
  };
  const update = (name: string, patch: ContextPatch) =>
    subject.store.write([
      { op: 'update', namespace: subject.namespace, id: idOf(name), patch, updatedAtMs: NOW_MS + 1 },
    ]);

  describe('passages', () => {
    it('are as near as the nearest of them, in any place of the text', async () => {
      await crowd();
      await subject.write([long('long', ['middle', 'end'])]);
      await crowd(3, { sessionId: 'another' });
      for (const place of ['long', 'middle', 'end']) {
        const { candidates } = await search({ vector: near(place), candidates: 1 });
        expect(candidates.map(({ id }) => id)).toEqual([idOf('long')]);
        expect(denseOf(candidates, 'long')).toBeCloseTo(dot(near(place), vector(place)), 4);
      }
      expect(await nearest('crowd-4')).toEqual([idOf('crowd-4')]);
    });

    it('of one context take one place, however many are near', async () => {
      await crowd();
      const alike = Array.from({ length: 60 }, (_, i) => vectorBetween('topic', `turn ${i}`, 0.1, subject.dimension));
      await subject.write([{ ...long('talkative', []), passages: alike }]);
      const { candidates, searched } = await search({ vector: vector('topic'), candidates: 5 });
      expect(new Set(candidates.map(({ id }) => id)).size).toBe(5);
      const best = Math.max(...alike.map((passage) => dot(passage, vector('topic'))));
      expect(denseOf(candidates, 'talkative')).toBeCloseTo(best, 4);
      expect(searched).toBe(13);
    });

    it('are looked at under a filter, an owner and in several levels', async () => {
      await crowd(6, { tags: ['wanted'] });
      await subject.write([
        long('hidden', ['needle']),
        long('wanted', ['needle'], { tags: ['wanted'], level: 'long_term' }),
        long('other agent', ['needle'], { agentId: 'other', tags: ['wanted'] }),
      ]);
      const filter = { must: [{ key: 'tags', match: { value: 'wanted' } }] };
      const result = await subject.store.search(
        searchOf({
          namespace: subject.namespace,
          agentId: 'agent',
          levels: ['immediate', 'long_term'],
          vector: near('needle'),
          candidates: 3,
          filter,
        }),
      );
      const candidates = foundIn(result.candidates);
      const similar = candidates.filter(({ dense }) => (dense ?? 0) > 0.9);
      expect(similar.map(({ id }) => id)).toEqual([idOf('wanted')]);
    });

    it('count for what was found by words, and for neighbours', async () => {
      await crowd(6);
      await subject.write([
        long('before', ['before: needle'], { sessionId: 'talk', createdAtMs: NOW_MS - 2 }),
        long('by words', ['words: needle'], { text: 'the platypus', sessionId: 'talk', createdAtMs: NOW_MS - 1 }),
      ]);
      const asked = { terms: termsOf('platypus'), neighbours: 1, candidates: 1 };
      const byWords = await search({ ...asked, vector: near('words: needle') });
      expect(denseOf(byWords.candidates, 'by words')).toBeCloseTo(
        dot(near('words: needle'), vector('words: needle')),
        4,
      );
      // Somebody else is nearest, so only its words bring it.
      const other = await search({
        ...asked,
        vector: vectorBetween('crowd-1', 'words: needle', 0.4, subject.dimension),
      });
      expect(other.candidates.map(({ id }) => id)).toContain(idOf('crowd-1'));
      const question = vectorBetween('crowd-1', 'words: needle', 0.4, subject.dimension);
      expect(denseOf(other.candidates, 'by words')).toBeCloseTo(dot(question, vector('words: needle')), 4);
      const around = await search({
        ...asked,
        vector: vectorBetween('crowd-1', 'before: needle', 0.4, subject.dimension),
      });
      const neighbour = around.candidates.find(({ id }) => id === idOf('before'));
      expect(neighbour?.direct).toBe(false);
      expect(neighbour?.dense).toBeCloseTo(
        dot(vectorBetween('crowd-1', 'before: needle', 0.4, subject.dimension), vector('before: needle')),
        4,
      );
    });

    it('are replaced with the text, and stay with everything else', async () => {
      await crowd();
      await subject.write([long('long', ['first end'])]);
      await update('long', { metadata: { seen: true }, tags: ['seen'] });
      expect(await nearest('first end')).toEqual([idOf('long')]);
      await update('long', {
        text: { text: 'another text', tokenCount: 2, vector: vector('other'), passages: [vector('second end')] },
      });
      expect(await nearest('second end')).toEqual([idOf('long')]);
      expect((await search({ vector: near('first end') })).candidates.every(({ dense }) => (dense ?? 0) < 0.9)).toBe(
        true,
      );
      await update('long', { text: { text: 'a short text', tokenCount: 3, vector: vector('short') } });
      expect(await nearest('short')).toEqual([idOf('long')]);
      expect((await search({ vector: near('second end') })).candidates.every(({ dense }) => (dense ?? 0) < 0.9)).toBe(
        true,
      );
      await update('long', {
        text: { text: 'long again', tokenCount: 2, vector: vector('again'), passages: [vector('third end')] },
      });
      expect(await nearest('third end')).toEqual([idOf('long')]);
    });

    it('stay as they are where the text is the same', async () => {
      await subject.write([long('long', ['end'])]);
      await subject.write([{ ...long('long', ['something else']), vector: vector('whatever') }]);
      const text = { text: 'text of long', tokenCount: 4, vector: vector('whatever'), passages: [] };
      await update('long', { text });
      const { candidates } = await search({ vector: near('end') });
      expect(denseOf(candidates, 'long')).toBeCloseTo(dot(near('end'), vector('end')), 4);
    });

    it('go with their context, and come back with none of its id', async () => {
      await crowd();
      await subject.write([long('long', ['end'])]);
      await subject.store.write([{ op: 'delete', namespace: subject.namespace, ids: [idOf('long')] }]);
      expect((await search({ vector: near('end') })).candidates.every(({ dense }) => (dense ?? 0) < 0.9)).toBe(true);
      await subject.write([long('long', [])]);
      expect((await search({ vector: near('end') })).candidates.every(({ dense }) => (dense ?? 0) < 0.9)).toBe(true);
      expect(await nearest('long')).toEqual([idOf('long')]);
    });

    it('move with their context from level to level', async () => {
      await crowd(8, { sessionId: 'mover' });
      await crowd(6, { level: 'short_term' });
      await subject.write([long('long', ['end'], { sessionId: 'mover' })]);
      await update('long', { move: { to: 'short_term', lifetime: FOR_GOOD } });
      expect(await nearest('end', { levels: ['short_term'] })).toEqual([idOf('long')]);
      expect((await search({ vector: near('end') })).candidates.every(({ dense }) => (dense ?? 0) < 0.9)).toBe(true);
      const trim = {
        namespace: subject.namespace,
        agentId: 'agent',
        level: 'short_term',
        keep: 0,
        move: { to: 'long_term', lifetime: FOR_GOOD },
      } as const;
      await subject.store.write([put(long('another', ['other end'], { level: 'short_term' })), { op: 'trim', trim }]);
      expect(await nearest('end', { levels: ['long_term'] })).toEqual([idOf('long')]);
      expect(await nearest('other end', { levels: ['long_term'] })).toEqual([idOf('another')]);
    });

    it('are handed out with the contexts of a session, in the order of the text', async () => {
      const passages = ['second', 'third', 'fourth'];
      await subject.write([
        long('long', passages, { createdAtMs: NOW_MS - 2 }),
        sample('short', subject.dimension, { namespace: subject.namespace }),
      ]);
      const loaded = await subject.store.load(
        { namespace: subject.namespace, agentId: 'agent', sessionId: 'session' },
        'immediate',
        NOW_MS,
      );
      expect(loaded.map(({ record, passages: of = [] }) => [record.id, of.length])).toEqual([
        [idOf('long'), 3],
        [idOf('short'), 0],
      ]);
      const [first] = loaded;
      expect(dot(first?.vector ?? vector('none'), vector('long'))).toBeCloseTo(1, 4);
      passages.forEach((name, i) =>
        expect(dot(first?.passages?.[i] ?? vector('none'), vector(name))).toBeCloseTo(1, 4),
      );
    });

    it('do not change what unrelated texts have in common with a question', async () => {
      for (let i = 0; i < 9; i++) await subject.write([long(`spread-${i}`, ['asked for'])]);
      const cosines = Array.from({ length: 9 }, (_, i) => dot(near('asked for'), vector(`spread-${i}`))).sort(
        (a, b) => a - b,
      );
      const { denseMedian } = await search({ vector: near('asked for'), denseSamples: 9 });
      expect(denseMedian).toBeCloseTo(cosines[4] as number, 4);
    });

    it('of which few numbers are not zero are kept like others', async () => {
      const axis = (at: number) => new Float32Array(subject.dimension).map((_, i) => (i === at ? 1 : 0));
      const passages = [axis(3), axis(5)];
      await subject.write([
        { ...long('long', []), passages },
        { ...long('plain', []), vector: axis(7) },
      ]);
      for (const at of [3, 5]) {
        const { candidates } = await search({ vector: axis(at), candidates: 1 });
        expect(candidates.map(({ id }) => id)).toEqual([idOf('long')]);
        expect(denseOf(candidates, 'long')).toBeCloseTo(1, 5);
      }
      await update('long', { text: { text: 'none', tokenCount: 1, vector: axis(9), passages: [axis(1)] } });
      expect((await search({ vector: axis(1), candidates: 1 })).candidates.map(({ id }) => id)).toEqual([idOf('long')]);
    });

    it('are found among those of many contexts, after many changes', async () => {
      const names = Array.from({ length: 40 }, (_, i) => `article-${i}`);
      await subject.write(names.map((name) => long(name, [`${name}, two`, `${name}, three`])));
      const gone = names.filter((_, i) => i % 3 === 0);
      await subject.store.write([{ op: 'delete', namespace: subject.namespace, ids: gone.map(idOf) }]);
      for (const [i, name] of names.entries()) {
        const found = await nearest(`${name}, three`);
        if (i % 3 === 0) expect(found).not.toEqual([idOf(name)]);
        else expect(found).toEqual([idOf(name)]);
      }
    });

    it('are refused where one has another dimension, or where they are too many', async () => {
      const wrong = { ...long('wrong', []), passages: [vector('fits'), new Float32Array(subject.dimension + 1)] };
      await expect(subject.write([wrong])).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      const many = {
        ...long('many', []),
        passages: new Array<Float32Array>(FURTHER_PASSAGES_MAX + 1).fill(vector('one')),
      };
      await expect(subject.write([many])).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      const most = { ...many, passages: many.passages.slice(1) };
      await subject.write([most]);
      expect(await nearest('one')).toEqual([idOf('many')]);
    });

    it('stay the caller’s', async () => {
      const context = long('long', ['end']);
      await subject.write([context]);
      expect(context.passages?.[0]).toEqual(vector('end'));
      context.passages?.[0]?.fill(0);
      expect(await nearest('end')).toEqual([idOf('long')]);
    });
  });
}
