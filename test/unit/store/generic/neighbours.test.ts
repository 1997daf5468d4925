import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hit, Surroundings } from '../../../../src/store/driver.ts';
import { surroundings, type Around } from '../../../../src/store/generic/neighbours.ts';
import { MemoryDriver } from '../../../../src/store/memory/memory-driver.ts';
import { NOW_MS, sample, termsOf } from '../../../contract/store-samples.ts';

const DIMENSION = 4;
const LEVELS = ['immediate', 'long_term'] as const;

/** Contexts of a few sessions, by place: whose session, and how many milliseconds after the last one. */
const histories = fc.array(
  fc.record({ session: fc.integer({ min: 0, max: 3 }), gapMs: fc.integer({ min: 0, max: 2 }) }),
  {
    minLength: 1,
    maxLength: 60,
  },
);

class CountingDriver extends MemoryDriver {
  scans = 0;

  override scan(...args: Parameters<MemoryDriver['scan']>): ReturnType<MemoryDriver['scan']> {
    this.scans++;
    return super.scan(...args);
  }
}

async function remembering(history: readonly { session: number; gapMs: number }[]): Promise<CountingDriver> {
  const driver = new CountingDriver();
  let createdAtMs = NOW_MS;
  for (const [place, { session, gapMs }] of history.entries()) {
    createdAtMs += gapMs;
    const sessionId = session === 0 ? null : `session ${session}`;
    const text = `Ann: number ${place}`;
    const context = sample(`context ${place}`, DIMENSION, { sessionId, createdAtMs, text, level: LEVELS[place % 2]! });
    await driver.apply([{ op: 'put', context }], createdAtMs);
  }
  return driver;
}

async function hitsOf(driver: MemoryDriver, count: number): Promise<Hit[]> {
  const question = { terms: termsOf('number') };
  const request = {
    namespace: 'space',
    levels: LEVELS,
    includeSessionless: true,
    question,
    count,
    nowMs: NOW_MS + 1e6,
  };
  return (await driver.matching(request)).flatMap(({ hits }) => hits);
}

const idsOf = ({ before, after }: Surroundings): string[][] =>
  [before, after].map((side) => side.map(({ record }) => record.id));

describe('who stands around hits', () => {
  it('is the same whether they are looked for one by one or all at once, in two round trips at most', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 60, maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        async (history, reaches, everyNth) => {
          const driver = await remembering(history);
          const hits = (await hitsOf(driver, 60)).filter((_, i) => i % everyNth === 0);
          const reachOf = ({ record }: Hit): number => reaches[record.createdAtMs % reaches.length] ?? 0;
          const question = { terms: termsOf('number') };
          const around: Around = { namespace: 'space', levels: LEVELS, question, nowMs: NOW_MS + 1e6, reachOf };
          driver.scans = 0;
          const together = await surroundings(driver, hits, around, undefined);
          expect(driver.scans).toBeLessThanOrEqual(2);
          for (const [i, hit] of hits.entries()) {
            const [alone] = await surroundings(driver, [hit], around, undefined);
            expect(idsOf(together[i]!)).toEqual(idsOf(alone!));
          }
        },
      ),
    );
  });
});
