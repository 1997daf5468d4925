import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../src/base/metrics.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { MeasuredStore } from '../../../src/store/measured-store.ts';
import type { ContextStore } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const OPERATIONS = Object.getOwnPropertyNames(MeasuredStore.prototype).filter(
  (name): name is Exclude<keyof ContextStore, 'capabilities'> => name !== 'constructor' && name !== 'close',
);

describe('a measured store', () => {
  it('hands every call on whole, with its answer, and times it', async () => {
    const asked: unknown[][] = [];
    const timed: unknown[] = [];
    const answering = Object.fromEntries(
      OPERATIONS.map((name) => [
        name,
        (...args: unknown[]) => {
          asked.push([name, ...args]);
          return Promise.resolve(`answer to ${name}`);
        },
      ]),
    ) as unknown as ContextStore;
    const metrics: Metrics = { ...noMetrics, observe: (name, _value, labels) => void timed.push([name, labels]) };
    const store = new MeasuredStore(answering, new FakeClock(0), metrics);
    const given = ['first', 2, { third: true }, ['fourth'], 'fifth'];
    for (const name of OPERATIONS) {
      const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
      expect(await call(...given)).toBe(`answer to ${name}`);
    }
    expect(asked).toEqual(OPERATIONS.map((name) => [name, ...given]));
    // Cursors are made and read without the store.
    const asking = OPERATIONS.filter((name) => name !== 'placeCursor' && name !== 'cursorPlace');
    expect(timed).toEqual(asking.map((operation) => ['vector_db_duration_seconds', { operation }]));
    expect(OPERATIONS.length).toBeGreaterThan(10);
  });
});
