import { beforeEach, describe, expect, it } from 'vitest';
import type { SearchRequest } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import {
  FOR_GOOD,
  foundIn,
  idOf,
  NOW_MS,
  sample,
  searchIn,
  searchOf,
  termsOf,
  vectorBetween,
  vectorOf,
} from './store-samples.ts';

export function describeCopies(subject: ContractSubject): void {
  const search = (fields: Partial<SearchRequest>) =>
    searchIn(subject.store, searchOf({ namespace: subject.namespace, ...fields }));

  describe('copies', () => {
    const question = () => ({
      vector: vectorOf('deploy', subject.dimension),
      terms: termsOf('deploy finished'),
      candidates: 10,
    });
    const OTHERS = ['deploy of the shop', 'deploy of the blog', 'when do we deploy the docs'];

    beforeEach(async () => {
      const { namespace } = subject;
      const say = ['Deploy finished', 'deploy finished.', 'deploy  finished', 'DEPLOY FINISHED!'];
      const contexts = Array.from({ length: 60 }, (_, i) => ({
        ...sample(`copy-${i}`, subject.dimension, {
          namespace,
          text: say[i % 4] as string,
          createdAtMs: NOW_MS + ((i * 7) % 60),
        }),
        vector: vectorOf('deploy', subject.dimension),
      }));
      const others = OTHERS.map((text, i) => ({
        ...sample(`other-${i}`, subject.dimension, { namespace, text, sessionId: `other-${i}` }),
        vector: vectorBetween('deploy', `other-${i}`, 0.5, subject.dimension),
      }));
      await subject.write([...others, ...contexts]);
    });

    it('take one place of each side, the youngest, where places are for what is distinct', async () => {
      const youngest = Array.from({ length: 60 }, (_, i) => i).find((i) => (i * 7) % 60 === 59);
      const { vector, terms } = question();
      for (const sides of [{ vector }, { terms }, { vector, terms }]) {
        const { candidates } = await search({ ...sides, candidates: 10, distinct: true });
        const direct = candidates.filter((candidate) => candidate.direct).map(({ id }) => id);
        expect(direct.sort()).toEqual([`copy-${youngest}`, 'other-0', 'other-1', 'other-2'].map(idOf).sort());
      }
      const { candidates, searched } = await search({ terms, candidates: 10 });
      expect(candidates.filter((candidate) => candidate.direct)).toHaveLength(10);
      expect(searched).toBe(63);
    });

    it('are those that the search sees, of the level', async () => {
      const filter = { must: [{ key: 'created_at', range: { lt: NOW_MS + 30 } }] };
      const { candidates } = await search({ ...question(), filter, distinct: true });
      expect(candidates.find(({ createdAtMs }) => createdAtMs === NOW_MS + 29)?.direct).toBe(true);
      await subject.add('elsewhere', { text: 'deploy finished', level: 'long_term' });
      const result = await subject.store.search(
        searchOf({ namespace: subject.namespace, ...question(), levels: ['immediate', 'long_term'], distinct: true }),
      );
      const direct = foundIn(result.candidates).filter((candidate) => candidate.direct);
      expect(direct.map(({ level }) => level).sort()).toEqual([...Array<string>(4).fill('immediate'), 'long_term']);
      const session = await search({ ...question(), agentId: 'agent', sessionId: 'other-1', distinct: true });
      expect(session.candidates.map(({ id }) => id)).toEqual([idOf('other-1')]);
    });

    it("that were deleted, moved or changed stand in nobody's place", async () => {
      const hits = async (): Promise<string[]> => {
        const { candidates } = await search({ ...question(), distinct: true });
        return candidates
          .filter((candidate) => candidate.direct)
          .map(({ createdAtMs }) => String(createdAtMs - NOW_MS));
      };
      const at = (age: number): string =>
        idOf(`copy-${Array.from({ length: 60 }, (_, i) => i).find((i) => (i * 7) % 60 === age)}`);
      const { namespace } = subject;
      await subject.store.write([{ op: 'delete', namespace, ids: [at(59)] }]);
      expect(await hits()).toContain('58');
      await subject.store.write([
        {
          op: 'update',
          namespace,
          id: at(58),
          patch: { move: { to: 'long_term', lifetime: FOR_GOOD } },
          updatedAtMs: NOW_MS,
        },
        {
          op: 'update',
          namespace,
          id: at(57),
          patch: { text: { text: 'deploy failed', tokenCount: 3, vector: question().vector } },
          updatedAtMs: NOW_MS,
        },
      ]);
      const now = await hits();
      expect(now).toContain('57');
      expect(now).toContain('56');
      expect(now).not.toContain('58');
      expect(now).toHaveLength(5);
    });
  });
}
