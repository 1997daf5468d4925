import { describe, expect, it } from 'vitest';
import { allDocuments, type DocumentChange, type StoredDocument } from '../../src/store/documents.ts';
import type { ContractSubject } from './store-contract.ts';

/** Small records beside the contexts: one version after another, whoever writes. */
export function describeDocuments(subject: ContractSubject): void {
  const documentOf = (key: string, fields: Partial<StoredDocument> = {}): StoredDocument => {
    const body = { text: `of ${key}` };
    return { namespace: subject.namespace, kind: 'note', key, owner: 'me', order: 1, version: 1, body, ...fields };
  };
  const putNew = (document: StoredDocument): DocumentChange => ({ op: 'put', document, ifVersion: null });
  const add = (...documents: StoredDocument[]) => subject.store.writeDocuments(documents.map(putNew));
  const get = (...keys: string[]) => subject.store.documents(subject.namespace, 'note', keys);
  const keysOf = (documents: readonly StoredDocument[]): string[] => documents.map(({ key }) => key);

  describe('documents', () => {
    it('are there as they were put, by their keys', async () => {
      const body = { 'a\n"b"': [1, 0.5, null, true, { deep: '\u{1f600} \ud800' }], '': -0, long: 'x'.repeat(100_000) };
      const whole = documentOf('["agent","s\u0000\n"]', { body, order: 1_700_000_000_000, version: 7, owner: 'é' });
      expect(await add(whole, documentOf('b'))).toEqual(Array(2).fill({ op: 'put', written: true }));
      const [found, none, other] = await get(whole.key, 'c', 'b');
      expect(found).toEqual({ ...whole, body: JSON.parse(JSON.stringify(body)) as object });
      expect([none, other?.key]).toEqual([null, 'b']);
      expect(await subject.store.documents(subject.namespace, 'other', ['b'])).toEqual([null]);
      expect(await subject.store.documents('elsewhere', 'note', ['b'])).toEqual([null]);
    });

    it('are written where the version is the one that is said, and else tell which it is', async () => {
      await add(documentOf('a'));
      const second = documentOf('a', { version: 2, body: { text: 'second' }, order: 9, owner: 'you' });
      expect(await subject.store.writeDocuments([{ op: 'put', document: second, ifVersion: 1 }])).toEqual([
        { op: 'put', written: true },
      ]);
      const late = documentOf('a', { version: 2, body: { text: 'late' } });
      const results = await subject.store.writeDocuments([
        { op: 'put', document: late, ifVersion: 1 },
        { op: 'put', document: late, ifVersion: null },
        { op: 'put', document: documentOf('none'), ifVersion: 1 },
      ]);
      expect(results).toEqual([2, 2, null].map((version) => ({ op: 'put', written: false, version })));
      expect(await get('a', 'none')).toEqual([second, null]);
    });

    it('let one of many writers at once through from each version', async () => {
      await add(documentOf('count', { body: { sum: 0 } }));
      const addOne = async (): Promise<void> => {
        for (;;) {
          const [known] = (await get('count')) as [StoredDocument];
          const { version } = known;
          const document = { ...known, version: version + 1, body: { sum: (known.body['sum'] as number) + 1 } };
          const [result] = await subject.store.writeDocuments([{ op: 'put', document, ifVersion: version }]);
          if (result?.op === 'put' && result.written) return;
        }
      };
      await Promise.all(Array.from({ length: 12 }, addOne));
      expect(await get('count')).toMatchObject([{ version: 13, body: { sum: 12 } }]);
    });

    it('let one of several make what is not there', async () => {
      const made = await Promise.all(
        Array.from({ length: 8 }, (_, maker) => add(documentOf('new', { body: { maker } }))),
      );
      const makers = made.flatMap(([result], maker) => (result?.op === 'put' && result.written ? [maker] : []));
      expect(makers).toHaveLength(1);
      expect(await get('new')).toMatchObject([{ body: { maker: makers[0] } }]);
    });

    it('are gone when they are deleted, and others stay', async () => {
      await add(documentOf('a'), documentOf('b'));
      const { namespace } = subject;
      const remove = { op: 'delete', namespace, kind: 'note', key: 'a' } as const;
      expect(await subject.store.writeDocuments([remove, remove])).toEqual([{ op: 'delete' }, { op: 'delete' }]);
      expect((await get('a', 'b')).map((found) => found?.key)).toEqual([undefined, 'b']);
      expect(await add(documentOf('a'))).toEqual([{ op: 'put', written: true }]);
    });

    it('are scanned in their order, forwards and backwards, by owner, page by page', async () => {
      const mine = Array.from({ length: 9 }, (_, i) => documentOf(`m${i}`, { order: i }));
      const yours = Array.from({ length: 4 }, (_, i) => documentOf(`y${i}`, { order: i + 0, owner: 'you' }));
      await add(...mine.toReversed(), ...yours, documentOf('x', { kind: 'other' }));
      const reach = { namespace: subject.namespace, kind: 'note', limit: 2 };
      const keys = async (request: { owner?: string; descending: boolean }): Promise<string[]> => {
        const found: string[] = [];
        const scan = subject.store.scanDocuments.bind(subject.store);
        for await (const page of allDocuments(scan, { ...reach, ...request })) {
          expect(page.length).toBeLessThanOrEqual(2);
          found.push(...keysOf(page));
        }
        return found;
      };
      expect(await keys({ owner: 'me', descending: false })).toEqual(keysOf(mine));
      expect(await keys({ owner: 'me', descending: true })).toEqual(keysOf(mine).toReversed());
      expect(await keys({ owner: 'nobody', descending: true })).toEqual([]);
      const everybodys = await keys({ descending: true });
      expect(everybodys.toSorted()).toEqual([...keysOf(mine), ...keysOf(yours)].toSorted());
    });

    it('of one order come once each, however the pages lie', async () => {
      const twins = Array.from({ length: 7 }, (_, i) => documentOf(`t${i}`, { order: 5 }));
      await add(documentOf('first', { order: 4 }), ...twins, documentOf('last', { order: 6 }));
      const request = { namespace: subject.namespace, kind: 'note', owner: 'me', descending: false, limit: 3 };
      const pages: string[][] = [];
      for await (const page of allDocuments((one) => subject.store.scanDocuments(one), request))
        pages.push(keysOf(page));
      expect(pages.map(({ length }) => length)).toEqual([3, 3, 3]);
      expect(pages.flat().toSorted()).toEqual(['first', ...keysOf(twins), 'last'].toSorted());
    });

    it('are scanned by a term that they have, in their order, as it is after a change and a deletion', async () => {
      const terms = (...of: string[]) => ({ terms: of });
      await add(
        documentOf('a', { order: -5, ...terms('red', 'Ünïcode \u{1f600}') }),
        documentOf('b', { order: 2, ...terms('red', 'blue'), owner: 'you' }),
        documentOf('c', { order: 1, ...terms('Red') }),
        documentOf('d', { order: 0, ...terms('red') }),
        documentOf('e', { order: 3, ...terms('red'), kind: 'other' }),
        documentOf('f', { order: 3, ...terms('red'), namespace: 'elsewhere' }),
        documentOf('g', { order: 4 }),
      );
      const scan = async (term: string, more: { owner?: string; descending?: boolean } = {}): Promise<string[]> => {
        const request = { namespace: subject.namespace, kind: 'note', term, descending: false, limit: 2, ...more };
        const found: string[] = [];
        for await (const page of allDocuments((one) => subject.store.scanDocuments(one), request))
          found.push(...keysOf(page));
        return found;
      };
      expect(await scan('red')).toEqual(['a', 'd', 'b']);
      expect(await scan('red', { descending: true })).toEqual(['b', 'd', 'a']);
      expect(await scan('red', { owner: 'you' })).toEqual(['b']);
      expect([await scan('Red'), await scan('blue'), await scan('re')]).toEqual([['c'], ['b'], []]);
      expect(await scan('Ünïcode \u{1f600}')).toEqual(['a']);

      const moved = documentOf('a', { order: 9, version: 2, ...terms('blue') });
      const { namespace } = subject;
      await subject.store.writeDocuments([
        { op: 'put', document: moved, ifVersion: 1 },
        { op: 'delete', namespace, kind: 'note', key: 'd' },
      ]);
      expect([await scan('red'), await scan('blue')]).toEqual([['b'], ['b', 'a']]);
      expect(await get('a')).toEqual([moved]);
    });

    it('have terms in bounds: few, short, each once', async () => {
      const refused = [['a', 'a'], Array.from({ length: 17 }, (_, i) => `t${i}`), ['x'.repeat(65)]];
      for (const terms of refused)
        await expect(add(documentOf('n'), documentOf('o', { terms }))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      expect(await get('n')).toEqual([null]);
    });

    it('made in one call with one that is there are made, and that one stays', async () => {
      await add(documentOf('b', { version: 3 }));
      const results = await add(documentOf('a'), documentOf('b'), documentOf('c'), documentOf('c'));
      const isMade = results.map((result) => result.op === 'put' && (result.written || result.version));
      expect(isMade).toEqual([true, 3, true, 1]);
      expect((await get('a', 'b', 'c')).map((found) => found?.version)).toEqual([1, 3, 1]);
    });

    it('begin at an order that is said, and of one order go on behind one that is gone', async () => {
      const documents = Array.from({ length: 8 }, (_, i) =>
        documentOf(`k${i}`, { order: i < 6 ? 5 : i, terms: ['t'] }),
      );
      await add(documentOf('before', { order: -1, terms: ['t'] }), ...documents);
      for (const term of [undefined, 't']) {
        for (const descending of [false, true]) {
          const request = { namespace: subject.namespace, kind: 'note', descending, limit: 3, ...(term && { term }) };
          const first = await subject.store.scanDocuments({ ...request, from: 5 });
          expect(first.documents.map(({ order }) => order)).toEqual([5, 5, 5]);
          const gone = first.documents.at(-1) as StoredDocument;
          await subject.store.writeDocuments([{ op: 'delete', ...gone }]);
          const rest: StoredDocument[] = [];
          const scan = subject.store.scanDocuments.bind(subject.store);
          for await (const page of allDocuments(scan, { ...request, after: first.next! })) rest.push(...page);
          const others = new Set(keysOf(rest));
          expect(others.size).toBe(rest.length);
          expect(rest.map(({ order }) => order)).toEqual(descending ? [5, 5, 5, -1] : [5, 5, 5, 6, 7]);
          expect(first.documents.some(({ key }) => others.has(key))).toBe(false);
          await add(gone);
        }
      }
    });

    it('are all walked through, those of every namespace and kind, each once', async () => {
      const own = [documentOf('a'), documentOf('b', { kind: 'other' }), documentOf('c', { namespace: 'walked' })];
      await add(...own);
      const walked: StoredDocument[] = [];
      let after: string | undefined;
      do {
        const page = await subject.store.driver.documents.walk({ limit: 2, ...(after && { after }) });
        expect(page.documents.length).toBeLessThanOrEqual(2);
        walked.push(...page.documents);
        after = page.after;
      } while (after !== undefined);
      const identities = walked.map(({ namespace, kind, key }) => JSON.stringify([namespace, kind, key]));
      expect(new Set(identities).size).toBe(identities.length);
      for (const document of own) expect(walked).toContainEqual(document);
    });
  });
}
