import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import type { NewContext, PendingPage, SearchRequest, Unembedded, WriteOp } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import {
  FOR_GOOD,
  idOf,
  NOW_MS,
  sample,
  searchIn,
  searchOf,
  termsOf,
  vectorOf,
  type FoundCandidate,
} from './store-samples.ts';

/** Contexts whose vectors are still to be made, or never are. */
export function describeUnembedded(subject: ContractSubject): void {
  const vector = (name: string) => vectorOf(name, subject.dimension);
  const zero = () => new Float32Array(subject.dimension);
  const without = (name: string, fields: Partial<ContextRecord> = {}, unembedded: Unembedded = 'pending') => {
    const { record } = sample(name, subject.dimension, { namespace: subject.namespace, ...fields });
    return { record, vector: zero(), unembedded } satisfies NewContext;
  };
  const search = (fields: Partial<SearchRequest>) =>
    searchIn(subject.store, searchOf({ namespace: subject.namespace, ...fields }));
  const denseOf = (candidates: readonly FoundCandidate[], name: string) =>
    candidates.find(({ id }) => id === idOf(name))?.dense;
  const counts = () => subject.store.unembedded();
  /** Those of this test's namespace, page by page. */
  const pending = async (limit = 100): Promise<string[]> => {
    const names: string[] = [];
    let after: PendingPage['next'];
    do {
      const page = await subject.store.pending({ limit, bytesMax: Infinity, ...(after && { after }) });
      expect(page.records.length).toBeLessThanOrEqual(limit);
      names.push(...page.records.filter((each) => each.namespace === subject.namespace).map(({ text }) => text));
      after = page.next;
    } while (after !== undefined);
    return names.sort();
  };
  const text = (name: string) => without(name).record.text;
  /** As the job does that makes the vectors. */
  const embed = (
    name: string,
    made: Omit<NewContext, 'record'> = { vector: vector(name) },
    of = text(name),
  ): WriteOp => ({
    op: 'update',
    namespace: subject.namespace,
    id: idOf(name),
    patch: { vectors: made },
    onlyIf: { text: of, unembedded: 'pending' },
  });
  const write = (...ops: readonly WriteOp[]) => subject.store.write(ops);

  describe('contexts without a vector', () => {
    it('are found by their words, and count for nothing by their vectors', async () => {
      for (let i = 0; i < 5; i++) await subject.add(`crowd-${i}`);
      await subject.write([without('alone', { text: 'the platypus of the river' })]);
      const asked = { terms: termsOf('platypus'), vector: vector('crowd-1'), neighbours: 1 };
      const { candidates } = await search(asked);
      expect(candidates.map(({ id }) => id)).toContain(idOf('alone'));
      expect(denseOf(candidates, 'alone') ?? 0).toBeCloseTo(0, 6);
      const byWords = await search({ terms: termsOf('platypus') });
      expect(byWords.candidates.map(({ id }) => id)).toEqual([idOf('alone')]);
      const nearest = await search({ vector: vector('crowd-1'), candidates: 1 });
      expect(nearest.candidates.map(({ id }) => id)).toEqual([idOf('crowd-1')]);
    });

    it('do not change what unrelated texts have in common with a question', async () => {
      for (let i = 0; i < 3; i++) await subject.add(`spread-${i}`);
      const asked = { vector: vector('asked for'), denseSamples: 100 };
      const before = (await search(asked)).denseMedian;
      await subject.write(Array.from({ length: 9 }, (_, i) => without(`pending-${i}`)));
      const { denseMedian } = await search(asked);
      expect(denseMedian).toBeCloseTo(before as number, 4);
    });

    it('where all are so have nothing in common', async () => {
      await subject.write([without('one'), without('two')]);
      expect((await search({ vector: vector('asked for'), denseSamples: 100 })).denseMedian).toBeNull();
    });

    it('wait in pages of any size until they are embedded, and are counted', async () => {
      const before = await counts();
      const names = Array.from({ length: 7 }, (_, i) => `waiting-${i}`);
      await subject.write([...names.map((name) => without(name)), without('hopeless', {}, 'refused')]);
      await subject.add('embedded');
      for (const limit of [1, 3, 100]) expect(await pending(limit)).toEqual(names.map(text));
      expect(await counts()).toEqual({ pending: before.pending + 7, refused: before.refused + 1 });
      const results = await write(...names.slice(0, 5).map((name) => embed(name)));
      expect(results.map((result) => 'record' in result && result.record.version)).toEqual(new Array(5).fill(1));
      expect(await pending()).toEqual(names.slice(5).map(text));
      expect(await counts()).toEqual({ pending: before.pending + 2, refused: before.refused + 1 });
    });

    it('of long texts come in pages that end early', async () => {
      const long = (name: string) => without(name, { text: `${name} ${'words '.repeat(200)}` });
      await subject.write([long('one'), long('two'), long('three')]);
      let pages = 0;
      let after: PendingPage['next'];
      do {
        const page: PendingPage = await subject.store.pending({ limit: 100, bytesMax: 1500, ...(after && { after }) });
        const mine = page.records.filter(({ namespace }) => namespace === subject.namespace);
        expect(mine.length).toBeLessThanOrEqual(1);
        pages += mine.length;
        after = page.next;
      } while (after !== undefined);
      expect(pages).toBe(3);
    });

    it('are near to what they say once they are embedded, also by further passages', async () => {
      for (let i = 0; i < 5; i++) await subject.add(`crowd-${i}`);
      await subject.write([without('late')]);
      await write(embed('late'));
      const found = await search({ vector: vector('late'), terms: termsOf('late'), candidates: 1 });
      expect(found.candidates.map(({ id }) => id)).toContain(idOf('late'));
      expect(denseOf(found.candidates, 'late')).toBeCloseTo(1, 4);
      expect((await subject.store.fetch(subject.namespace, [idOf('late')], NOW_MS))[0]).toEqual(without('late').record);
    });

    it('never get the vector of another text', async () => {
      await subject.write([without('reworded')]);
      const patch = { text: { text: 'says something else', tokenCount: 3, vector: vector('else') } };
      await write({ op: 'update', namespace: subject.namespace, id: idOf('reworded'), patch, updatedAtMs: NOW_MS });
      const [late] = await write(embed('reworded'));
      expect(late).toMatchObject({ failed: 'not_found' });
      const { candidates } = await search({ vector: vector('else') });
      expect(denseOf(candidates, 'reworded')).toBeCloseTo(1, 4);
      expect(await pending()).toEqual([]);
    });

    it('that got a vector meanwhile keep it', async () => {
      await subject.write([without('mine')]);
      await write({ op: 'delete', namespace: subject.namespace, ids: [idOf('mine')] });
      await subject.write([{ record: without('mine').record, vector: vector('of a client') }]);
      const [late] = await write(embed('mine'));
      expect(late).toMatchObject({ failed: 'not_found' });
      await subject.write([without('twice')]);
      await write(embed('twice'));
      const [refused] = await write(embed('twice', { vector: zero(), unembedded: 'refused' }));
      expect(refused).toMatchObject({ failed: 'not_found' });
      const { candidates } = await search({ vector: vector('twice') });
      expect(denseOf(candidates, 'twice')).toBeCloseTo(1, 4);
      expect(denseOf((await search({ vector: vector('of a client') })).candidates, 'mine')).toBeCloseTo(1, 4);
    });

    it('that the model refuses wait no more, until they say something else', async () => {
      const before = await counts();
      await subject.write([without('refused')]);
      await write(embed('refused', { vector: zero(), unembedded: 'refused' }));
      expect(await pending()).toEqual([]);
      expect(await counts()).toEqual({ ...before, refused: before.refused + 1 });
      const reworded = { text: 'says it otherwise', tokenCount: 3, vector: zero(), unembedded: 'pending' } as const;
      const change = { op: 'update', namespace: subject.namespace, id: idOf('refused') } as const;
      await write({ ...change, patch: { text: reworded }, updatedAtMs: NOW_MS });
      expect(await pending()).toEqual(['says it otherwise']);
      expect(await counts()).toEqual({ ...before, pending: before.pending + 1 });
    });

    it('may lose theirs to a new text', async () => {
      await subject.add('had one');
      const reworded = { text: 'now waits', tokenCount: 2, vector: zero(), unembedded: 'pending' } as const;
      const change = { op: 'update', namespace: subject.namespace, id: idOf('had one') } as const;
      await write({ ...change, patch: { text: reworded }, updatedAtMs: NOW_MS });
      expect(await pending()).toEqual(['now waits']);
      expect(denseOf((await search({ vector: vector('had one') })).candidates, 'had one') ?? 0).toBeCloseTo(0, 6);
      await write(embed('had one', { vector: vector('now') }, 'now waits'));
      expect(denseOf((await search({ vector: vector('now') })).candidates, 'had one')).toBeCloseTo(1, 4);
    });

    it('wait on through changes and moves, and are gone with a deletion', async () => {
      await subject.write([without('moved'), without('deleted')]);
      const move = { to: 'long_term', lifetime: FOR_GOOD } as const;
      await write(
        { op: 'update', namespace: subject.namespace, id: idOf('moved'), patch: { tags: ['a'], accesses: 1 } },
        { op: 'update', namespace: subject.namespace, id: idOf('moved'), patch: { move }, updatedAtMs: NOW_MS },
        { op: 'delete', namespace: subject.namespace, ids: [idOf('deleted')] },
      );
      expect(await pending()).toEqual([text('moved')]);
      await write(embed('moved'));
      expect(await pending()).toEqual([]);
      const { candidates } = await search({ vector: vector('moved'), levels: ['long_term'] });
      expect(denseOf(candidates, 'moved')).toBeCloseTo(1, 4);
    });

    it('are handed out as what they are', async () => {
      await subject.write([without('loaded')]);
      await subject.add('embedded');
      const scope = { namespace: subject.namespace, agentId: 'agent', sessionId: 'session' };
      const loaded = await subject.store.load(scope, 'immediate', NOW_MS);
      expect(loaded.map(({ unembedded, vector: [...numbers] }) => [unembedded, numbers.some(Boolean)])).toEqual([
        ['pending', false],
        [undefined, true],
      ]);
    });
  });
}
