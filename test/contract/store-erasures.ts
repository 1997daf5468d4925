import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/base/text/analyzer.ts';
import type { ErasedSome, EraseRequest } from '../../src/store/erasure.ts';
import type { ContractSubject } from './store-contract.ts';
import { idOf, NOW_MS } from './store-samples.ts';

/** Deletions that count what went where. */
export function describeErasures(subject: ContractSubject): void {
  const request = (fields: Partial<EraseRequest> = {}): EraseRequest => ({
    namespace: subject.namespace,
    limit: 100,
    ...fields,
  });
  const left = async (...names: string[]): Promise<boolean[]> =>
    (await subject.store.fetch(subject.namespace, names.map(idOf), NOW_MS)).map((record) => record !== null);

  async function eraseAll(fields: Partial<EraseRequest> = {}): Promise<ErasedSome[]> {
    const pages: ErasedSome[] = [];
    let from: EraseRequest['from'];
    do {
      const page: ErasedSome = await subject.store.eraseSome(request({ ...fields, ...(from && { from }) }));
      pages.push(page);
      from = page.next;
    } while (from !== undefined);
    return pages;
  }

  describe('erasures', () => {
    it('go some at a time, and count rows, vectors and postings', async () => {
      const texts = ['one two two', 'three', 'four five'];
      for (const [i, text] of texts.entries()) await subject.add(`e-${i}`, { text, createdAtMs: NOW_MS + i });
      const pages = await eraseAll({ limit: 2 });
      const sum = (field: 'rows' | 'vectors' | 'postings') => pages.reduce((total, page) => total + page[field], 0);
      expect(pages.map(({ rows }) => rows)).toEqual([2, 1]);
      expect(sum('vectors')).toBe(3);
      expect(sum('postings')).toBe(texts.reduce((total, text) => total + new Set(analyze(text)).size, 0));
      expect(await left('e-0', 'e-1', 'e-2')).toEqual([false, false, false]);
      expect(await eraseAll()).toEqual([{ rows: 0, vectors: 0, postings: 0, supersessions: 0 }]);
    });

    it('take what matches, or what is named, and nothing of other namespaces', async () => {
      await subject.add('mine', { agentId: 'mine' });
      await subject.add('yours', { agentId: 'yours' });
      await subject.add('named', { agentId: 'yours' });
      const filter = { must: [{ key: 'agent_id', match: { value: 'mine' } }] };
      expect((await eraseAll({ namespace: 'elsewhere' })).map(({ rows }) => rows)).toEqual([0]);
      expect((await eraseAll({ ids: [idOf('named')], filter })).map(({ rows }) => rows)).toEqual([0]);
      expect((await eraseAll({ filter })).map(({ rows }) => rows)).toEqual([1]);
      expect((await eraseAll({ ids: [idOf('named'), idOf('nobody')] })).map(({ rows }) => rows)).toEqual([1]);
      expect(await left('mine', 'yours', 'named')).toEqual([false, true, false]);
    });

    it('tell what they are about to delete, and delete nothing where that fails', async () => {
      await subject.add('told', { agentId: 'a', sessionId: 's' });
      const refuse = (): Promise<void> => Promise.reject(new Error('not now'));
      await expect(subject.store.eraseSome(request(), refuse)).rejects.toThrow('not now');
      expect(await left('told')).toEqual([true]);
      const told: unknown[] = [];
      await subject.store.eraseSome(request(), (found) => {
        told.push(...found.map(({ id, agentId, sessionId }) => [id, agentId, sessionId]));
        return Promise.resolve();
      });
      expect(told).toEqual([[idOf('told'), 'a', 's']]);
      expect(await left('told')).toEqual([false]);
    });

    it('take also what has expired, and forget who superseded it', async () => {
      await subject.add('over', { expiresAtMs: NOW_MS - 1, expirySetBy: 'client' });
      await subject.add('old', { agentId: 'x' });
      const times = { supersedes: [idOf('old')] };
      await subject.add('new', { agentId: 'y', createdAtMs: NOW_MS + 1, times });
      const filter = { must: [{ key: 'agent_id', match: { value: 'x' } }] };
      expect(await eraseAll({ filter })).toMatchObject([{ rows: 1 }]);
      expect(await left('new')).toEqual([true]);
      expect((await eraseAll()).reduce((total, { rows }) => total + rows, 0)).toBe(2);
    });
  });
}
