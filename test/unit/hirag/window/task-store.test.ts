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
