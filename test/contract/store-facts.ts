import { beforeEach, describe, expect, it } from 'vitest';
import { LoopTurns } from '../../src/base/loop-turns.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { FactInput } from '../../src/hirag/facts/fact.ts';
import { Facts } from '../../src/hirag/facts/facts.ts';
import type { FactScope } from '../../src/hirag/facts/types.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { ContractSubject } from './store-contract.ts';

/** What is known of the world, over whatever keeps documents. */
export function describeFacts(subject: ContractSubject): void {
  describe('facts', () => {
    let clock: FakeClock;
    let facts: Facts;
    let other: Facts;

    beforeEach(() => {
      clock = new FakeClock();
      const deps = { store: subject.store, clock, random: systemRandom, metrics: noMetrics, turns: new LoopTurns() };
      facts = new Facts(deps);
      other = new Facts(deps);
    });

    const put = async (...inputs: FactInput[]) => {
      const told = await facts.put({ namespace: subject.namespace, agentId: 'a', facts: inputs });
      clock.advance(10);
      return told;
    };
    const objects = async (
      scope: Partial<FactScope> & { subject?: string; predicate?: string; object?: string } = {},
    ) => {
      const request = { namespace: subject.namespace, agentId: 'a', limit: 100, bytesMax: 1_000_000, ...scope };
      return (await facts.list(request)).facts.map(({ fact }) => fact.object);
    };
    const lives = (object: string, more: Partial<FactInput> = {}): FactInput => {
      return { subject: 'Mara', predicate: 'lives in', object, singleValued: true, ...more };
    };

    it('are superseded by single-valued ones of their kind, and by nothing else', async () => {
      const [berlin, dog, anna] = await put(
        lives('Berlin', { singleValued: false }),
        { subject: 'Mara', predicate: 'has', object: 'a dog' },
        lives('Berlin', { subject: 'Anna' }),
      );
      const beforeMs = clock.nowMs();
      const [porto] = await put(lives('Porto'));
      expect(porto).toMatchObject({ created: true, superseded: [berlin!.id], conflicts: [] });
      expect(await objects({ subject: 'mara' })).toEqual(['Porto', 'a dog']);
      expect(await objects({ subject: 'Mara', predicate: 'LIVES IN', includePast: true })).toEqual(['Porto', 'Berlin']);
      expect(await objects({ predicate: 'lives in', asOfMs: beforeMs - 1 })).toEqual(['Berlin', 'Berlin']);
      expect(await objects({ subject: 'Mara', predicate: 'lives in', knownAtMs: beforeMs - 1 })).toEqual(['Berlin']);
      const [cat] = await put({ subject: 'Mara', predicate: 'has', object: 'a cat' });
      expect(cat).toMatchObject({ superseded: [], conflicts: [dog!.id] });

      expect(await facts.delete(subject.namespace, porto!.id)).toBe(1);
      expect(await facts.delete(subject.namespace, porto!.id)).toBe(0);
      expect(await objects({ predicate: 'lives in' })).toEqual(['Berlin', 'Berlin']);
      expect(await facts.delete(subject.namespace, anna!.id, 'b')).toBe(0);
    });

    it('give way at a boundary to one alone', async () => {
      await put(lives('Berlin', { validFromMs: -500, validUntilMs: 700 }), lives('Porto', { validFromMs: 100 }));
      expect(await objects({ asOfMs: 99 })).toEqual(['Berlin']);
      expect(await objects({ asOfMs: 100 })).toEqual(['Porto']);
      expect(await objects({ asOfMs: -501 })).toEqual([]);
    });

    it('of a time before that which is known hold until then', async () => {
      const [porto] = await put(lives('Porto', { validFromMs: 2_000 }));
      const [berlin] = await put(lives('Berlin', { validFromMs: 1_000 }));
      expect(berlin).toMatchObject({ superseded: [], conflicts: [] });
      const page = { namespace: subject.namespace, limit: 10, bytesMax: 1_000_000, includePast: true };
      const { facts: held } = await facts.list(page);
      const told = held.map(({ fact, endMs, supersededBy }) => [fact.object, endMs, supersededBy]);
      expect(told).toEqual([
        ['Porto', null, null],
        ['Berlin', 2_000, porto!.id],
      ]);
    });

    it('are put once under an id, and what else has it is refused with all that came with it', async () => {
      const id = '018f0000-0000-7000-8000-0000000000aa';
      const fact = lives('Porto', { id, metadata: { a: [1, 'x'] }, confidence: 0.5, sourceIds: [id] });
      const [first] = await put(fact);
      const [again, same] = await put(fact, fact);
      expect([first!.created, again!.created, same!.created]).toEqual([true, false, false]);
      for (const wrong of [lives('Rome', { id }), { ...fact, confidence: 0.6 }, { ...fact, validFromMs: 5 }])
        await expect(put(lives('Lisbon', { validFromMs: 1 }), wrong)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await objects({ includePast: true })).toEqual(['Porto']);
    });

    it('end in one truth where two servers put at once', async () => {
      const cities = ['Berlin', 'Porto', 'Rome', 'Lisbon', 'Vienna', 'Oslo'];
      const told = await Promise.all(
        cities.map((city, i) =>
          (i % 2 === 0 ? facts : other).put({ namespace: subject.namespace, agentId: 'a', facts: [lives(city)] }),
        ),
      );
      const request = { namespace: subject.namespace, subject: 'Mara', limit: 10, bytesMax: 1_000_000 };
      const [held, too] = [await facts.list(request), await other.list(request)];
      expect(held.facts).toHaveLength(1);
      expect(held).toEqual(too);
      expect(told.flat().every(({ created }) => created)).toBe(true);
      const id = '018f0000-0000-7000-8000-0000000000ab';
      const input = { namespace: subject.namespace, agentId: 'a', facts: [lives('Faro', { id })] };
      const twice = await Promise.all([facts.put(input), other.put(input)]);
      expect(
        twice
          .flat()
          .map(({ created }) => created)
          .sort(),
      ).toEqual([false, true]);
    });

    it('are of their namespace and agent alone', async () => {
      await put(lives('Porto'));
      await other.put({ namespace: subject.namespace, agentId: 'b', facts: [lives('Berlin')] });
      await other.put({ namespace: 'elsewhere', agentId: 'a', facts: [lives('Rome')] });
      expect(await objects({ subject: 'Mara' })).toEqual(['Porto']);
      expect(await objects({ subject: 'Mara', agentId: 'b' })).toEqual(['Berlin']);
      const everybodys = { namespace: subject.namespace, limit: 1, bytesMax: 1_000_000, subject: 'Mara' };
      const { facts: first, cursor } = await facts.list(everybodys);
      const { facts: rest } = await facts.list({ ...everybodys, cursor: cursor! });
      expect([...first, ...rest].map(({ fact }) => fact.object).sort()).toEqual(['Berlin', 'Porto']);
      const elsewhere = { ...everybodys, namespace: 'elsewhere', cursor: cursor! };
      await expect(facts.list(elsewhere)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    });

    it('lead from name to name, the nearest first, whichever side a name is on', async () => {
      await put(
        { subject: 'Mara', predicate: 'works at', object: 'Acme' },
        { subject: 'Acme', predicate: 'is in', object: 'Porto' },
        { subject: 'Joao', predicate: 'works at', object: 'ACME' },
        { subject: 'Porto', predicate: 'is in', object: 'Portugal' },
        { subject: 'Portugal', predicate: 'is in', object: 'Europe' },
        { subject: 'Porto', predicate: 'is a', object: 'city', validUntilMs: clock.nowMs() + 1 },
      );
      const ask = (depth: number, limit = 100) =>
        facts.around({ namespace: subject.namespace, agentId: 'a', entity: 'mara', depth, limit, bytesMax: 1_000_000 });
      const distances = async (depth: number) =>
        (await ask(depth)).facts.map(({ held: { fact }, distance }) => `${distance} ${fact.subject} ${fact.object}`);
      expect(await distances(1)).toEqual(['1 Mara Acme']);
      expect(await distances(2)).toEqual(['1 Mara Acme', '2 Joao ACME', '2 Acme Porto']);
      expect(await distances(3)).toEqual(['1 Mara Acme', '2 Joao ACME', '2 Acme Porto', '3 Porto Portugal']);
      const { entities, truncated } = await ask(3);
      expect(entities.map(({ name, distance }) => `${distance} ${name}`)).toEqual([
        '0 Mara',
        '1 Acme',
        '2 Joao',
        '2 Porto',
        '3 Portugal',
      ]);
      expect([truncated, (await ask(3, 2)).truncated, (await ask(3, 2)).facts.length]).toEqual([false, true, 2]);
      const nobody = await facts.around({
        namespace: subject.namespace,
        entity: 'Nobody',
        depth: 3,
        limit: 5,
        bytesMax: 9,
      });
      expect(nobody).toEqual({ facts: [], entities: [], truncated: false });
    });

    it('are found by the names in a question', async () => {
      const [porto] = await put(
        lives('Porto'),
        { subject: 'Acme Corp.', predicate: 'makes', object: 'anvils' },
        { subject: 'Müller', predicate: 'likes', object: '東京' },
      );
      const ask = async (question: string, agentId?: string): Promise<string[]> => {
        const scope = { namespace: subject.namespace, ...(agentId && { agentId }) };
        return (await facts.named(question, scope, 10)).map(({ fact }) => fact.subject);
      };
      expect(await ask("where's Mara's flat?", 'a')).toEqual(['Mara']);
      expect(await ask('What does ACME corp make, and who is Muller?')).toEqual(['Acme Corp.', 'Müller']);
      expect(await ask('東京はどこですか')).toEqual(['Müller']);
      expect(await ask('what is a corp?')).toEqual([]);
      expect(await ask('Mara?', 'b')).toEqual([]);
      await facts.delete(subject.namespace, porto!.id);
      expect(await ask('Mara?')).toEqual([]);
      await put(lives('Rome'));
      expect(await ask('Mara?')).toEqual(['Mara']);
    });
  });
}
