import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TaskStore } from '../../../../src/hirag/window/summary/task-store.ts';
import { type MemoryFixture, openMemory } from '../../../support/memory-fixture.ts';

const DAY_MS = 86_400_000;

let fixture: MemoryFixture;
beforeEach(async () => {
  fixture = await openMemory();
});
afterEach(() => fixture.close());

describe('what summaries have spent', () => {
  it('is bounded day by day, and forgotten once no clock can be so far behind', async () => {
    const tasks = new TaskStore(fixture.store, fixture.clock, 1_000);
    const days: string[] = [];
    for (let day = 0; day < 5; day++) {
      days.push(new Date(fixture.clock.nowMs()).toISOString().slice(0, 10));
      expect(await tasks.spend(60, 100)).toBe(true);
      expect(await tasks.spend(60, 100)).toBe(false);
      expect(await tasks.spend(40, 100)).toBe(true);
      fixture.clock.advance(DAY_MS);
    }
    const scan = { namespace: '~summaries', kind: 'summary_spend', descending: false, limit: 100 };
    const { documents } = await fixture.store.scanDocuments(scan);
    expect(documents.map(({ key, body }) => [key, body['tokens']]).toSorted()).toEqual(
      days.slice(-2).map((day) => [day, 100]),
    );
  });
});

describe('a task that a server has left', () => {
  const task = { namespace: 'n', agentId: 'a', sessionId: 's', card: 'c', isInPlace: false, attempts: 0 };
  const take = (): Promise<unknown[]> =>
    new TaskStore(fixture.store, fixture.clock, 60_000).take(10, new AbortController().signal);

  it("is another one's when its lease is over, and not before", async () => {
    await new TaskStore(fixture.store, fixture.clock, 60_000).add(task);
    expect(await take()).toEqual([]);
    fixture.clock.advance(60_000);
    expect(await take()).toEqual([task]);
  });

  it('does not wait for the time to come again where the clock is put back by an hour', async () => {
    await new TaskStore(fixture.store, fixture.clock, 60_000).add(task);
    fixture.clock.setWallClock(fixture.clock.nowMs() - 3_600_000);
    expect(await take()).toEqual([task]);
  });
});
