import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import type { WholeContext } from '../../src/store/generic/walk-store.ts';
import { walkStore } from '../../src/store/generic/walk-store.ts';
import type { ChangeResult, WriteOp } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import { FOR_GOOD, idOf, NOW_MS, sample, searchIn, searchOf, termsOf, untilOf, vectorOf } from './store-samples.ts';

type Transferred = Extract<ChangeResult, { readonly op: 'transfer' }>;

export function describeTransfers(subject: ContractSubject): void {
  const whole = (name: string, entered: number, fields: Partial<ContextRecord> = {}): WholeContext => ({
    ...sample(name, subject.dimension, { namespace: subject.namespace, ...fields }),
    entered,
  });
  const transfer = async (...contexts: readonly WholeContext[]): Promise<Transferred[]> => {
    const ops = contexts.map(({ entered, ...context }): WriteOp => ({ op: 'transfer', context, entered }));
    return (await subject.store.write(ops)) as Transferred[];
  };
  const fetchOne = async (name: string): Promise<ContextRecord | null> =>
    (await subject.store.fetch(subject.namespace, [idOf(name)], NOW_MS))[0] ?? null;
  const walk = async (contextsMax = 2): Promise<WholeContext[]> => {
    const found: WholeContext[] = [];
    const { namespace, store } = subject;
    for await (const page of walkStore(store.driver, { namespace, contextsMax })) found.push(...page);
    return found;
  };
  const trimmed = async (keep: number): Promise<string[]> => {
    const trim = { namespace: subject.namespace, agentId: 'agent', level: 'immediate', keep } as const;
    const [result] = await subject.store.write([
      { op: 'trim', trim: { ...trim, move: { to: 'short_term', lifetime: FOR_GOOD } } },
    ]);
    return result?.op === 'trim' ? result.moved.map(({ id }) => id) : [];
  };

  describe('transfer', () => {
    it('gives what a walk gave, field by field and bit by bit', async () => {
      const contexts = [
        whole('plain', 3),
        whole('full', 1_800_000_000_000_123, {
          agentId: 'other',
          sessionId: null,
          text: 'Zoë — "quoted"\nline\u0000two 日本語 😀',
          tokenCount: 12,
          metadata: { b: 1, a: { b: [1, 'x', null, true, { deep: 1.5 }] }, 'key "with.dots': -0.25 },
          tags: ['two', 'one'],
          level: 'long_term',
          version: 3,
          updatedAtMs: NOW_MS + 4,
          expiresAtMs: NOW_MS + 1000,
          expiryAction: 'promote',
          expirySetBy: 'level',
          accessCount: 7,
        }),
        whole('mortal', 1, { ...untilOf(NOW_MS + 50), level: 'short_term' }),
        { ...whole('empty', 2, { text: '...' }), vector: new Float32Array(subject.dimension) },
        { ...whole('pending', 4), vector: new Float32Array(subject.dimension), unembedded: 'pending' as const },
        { ...whole('refused', 5), vector: new Float32Array(subject.dimension), unembedded: 'refused' as const },
      ];
      expect(await transfer(...contexts)).toEqual(
        contexts.map(({ record }) => ({ op: 'transfer', outcome: 'created', record })),
      );
      expect(await walk()).toEqual(contexts);
      expect(await fetchOne('full')).toEqual(contexts[1]?.record);
    });

    it('gives the vectors of further passages, and those of a newer text in their place', async () => {
      const passagesOf = (...names: string[]) => names.map((name) => vectorOf(name, subject.dimension));
      const long = { ...whole('long', 1), passages: passagesOf('b', 'c', 'd') };
      await transfer(long, whole('short', 2));
      expect(await walk()).toEqual([long, whole('short', 2)]);
      const newer = { ...whole('long', 1, { version: 2, text: 'shorter' }), passages: passagesOf('e') };
      await transfer(newer);
      expect(await walk()).toEqual([newer, whole('short', 2)]);
    });

    it('a second time changes nothing, but an access count that has risen since', async () => {
      const context = whole('again', 5, { accessCount: 2, metadata: { b: [1], a: 2 } });
      await transfer(context);
      const { record } = context;
      const before = record.level;
      expect(await transfer(context)).toEqual([{ op: 'transfer', outcome: 'same', record, before }]);
      const more = { ...record, accessCount: 3 };
      expect(await transfer({ ...context, record: more })).toEqual([
        { op: 'transfer', outcome: 'replaced', record: more, before },
      ]);
      expect(await transfer(context)).toMatchObject([{ outcome: 'same', record: more }]);
      expect(await walk()).toEqual([{ ...context, record: more }]);
    });

    it('replaces what is older, all of it, at its place in the list', async () => {
      await transfer(whole('old', 1), whole('tied', 2));
      const { namespace, dimension } = subject;
      const newer = {
        ...whole('old', 9, { text: 'a heron by the lake', level: 'long_term', version: 2, updatedAtMs: NOW_MS + 1 }),
        vector: vectorOf('heron', dimension),
      };
      expect(await transfer(newer)).toEqual([
        { op: 'transfer', outcome: 'replaced', record: newer.record, before: 'immediate' },
      ]);
      expect(await walk()).toEqual([newer, whole('tied', 2)]);
      const find = async (text: string): Promise<string[]> => {
        const request = searchOf({ namespace, levels: ['long_term'], terms: termsOf(text) });
        return (await searchIn(subject.store, request)).candidates.map(({ id }) => id);
      };
      expect(await find('heron')).toEqual([idOf('old')]);
      expect(await find('old')).toEqual([]);
      const near = searchOf({ namespace, levels: ['long_term'], vector: vectorOf('heron', dimension) });
      expect((await searchIn(subject.store, near)).candidates[0]?.dense).toBeCloseTo(1, 2);
    });

    it('replaces what came into its level earlier', async () => {
      await transfer(whole('moved', 1));
      const moved = whole('moved', 2, { level: 'short_term' });
      expect(await transfer(moved)).toMatchObject([{ outcome: 'replaced', before: 'immediate' }]);
      expect(await walk()).toEqual([moved]);
    });

    it('leaves what is newer, by its version, its last change or its level', async () => {
      const kept = [
        whole('version', 5, { version: 2, text: 'reworded' }),
        whole('changed', 5, { updatedAtMs: NOW_MS + 1, tags: ['x'] }),
        whole('entered', 5, { level: 'long_term' }),
        whole('prolonged', 5, untilOf(NOW_MS + 1_000)),
      ];
      await transfer(...kept);
      const names = ['version', 'changed', 'entered', 'prolonged'];
      const results = await transfer(...names.map((name) => whole(name, name === 'prolonged' ? 5 : 4)));
      expect(results.map(({ outcome, record }) => ({ outcome, record }))).toEqual(
        kept.map(({ record }) => ({ outcome: 'newer', record })),
      );
      expect(await walk()).toEqual(kept);
    });

    it('leaves another context of the same id, whichever is newer', async () => {
      const kept = [whole('same version', 5), whole('other time', 5, { createdAtMs: NOW_MS + 5 })];
      await transfer(...kept);
      const others = [
        whole('same version', 9, { text: 'another', updatedAtMs: NOW_MS + 9 }),
        whole('other time', 9, { text: 'another', version: 2 }),
      ];
      expect(await transfer(...others)).toMatchObject([{ outcome: 'conflict' }, { outcome: 'conflict' }]);
      expect(await walk()).toEqual(kept);
    });

    it('takes the place of what is over and not swept yet', async () => {
      await transfer(whole('over', 5, { ...untilOf(NOW_MS - 1), text: 'gone' }));
      expect(await transfer(whole('over', 1, { level: 'long_term' }))).toMatchObject([
        { outcome: 'created', before: 'immediate' },
      ]);
      expect(await walk()).toEqual([whole('over', 1, { level: 'long_term' })]);
    });

    it('of one id twice in a call is one context', async () => {
      const results = await transfer(whole('twin', 1), whole('twin', 1), whole('twin', 2, { level: 'long_term' }));
      expect(results.map(({ outcome }) => outcome)).toEqual(['created', 'same', 'replaced']);
      expect(await walk()).toEqual([whole('twin', 2, { level: 'long_term' })]);
    });

    it('gives contexts the place in their level that they had, before all that come later', async () => {
      const stamp = NOW_MS * 1024;
      await transfer(whole('third', stamp + 3), whole('first', 1), whole('second', 2));
      await subject.add('fourth');
      await subject.add('fifth');
      expect(await trimmed(3)).toEqual([idOf('first'), idOf('second')]);
      expect(await trimmed(1)).toEqual([idOf('third'), idOf('fourth')]);
    });

    it('lets contexts share a place in their level, and a trim takes each of them once', async () => {
      const names = Array.from({ length: 600 }, (_, i) => `shared ${i}`);
      await transfer(...names.map((name) => whole(name, 7)));
      const taken = await trimmed(10);
      expect(taken).toEqual(names.slice(0, 590).map(idOf));
    });

    it('keeps the order in which contexts came that were created in the same moment', async () => {
      const names = ['c', 'a', 'e', 'b', 'd'];
      await transfer(...names.map((name, i) => whole(name, 10 - i)));
      expect((await walk()).map(({ record }) => record.id)).toEqual(names.map(idOf));
    });
  });
}
