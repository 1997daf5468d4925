import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { NumberMap } from '../../../src/base/number-map.ts';
import { seededRandom } from '../../../src/base/seeded-random.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

const KEYS = [0, 1, 32, 64, 1_024, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 40, 2 ** 53 - 1];

describe('NumberMap', () => {
  it('holds what a Map holds, through any insertions and deletions', () => {
    const random = seededRandom(7);
    const ours = new NumberMap<number>();
    const theirs = new Map<number, number>();
    for (let step = 0; step < 20_000; step++) {
      const key = step % 3 === 0 ? KEYS[Math.floor(random() * KEYS.length)]! : Math.floor(random() * 200);
      if (random() < 0.5) {
        ours.set(key, step);
        theirs.set(key, step);
      } else expect(ours.delete(key)).toBe(theirs.delete(key));
      expect([ours.size, ours.has(key), ours.get(key)]).toEqual([theirs.size, theirs.has(key), theirs.get(key)]);
    }
    expect(ours.values().sort((a, b) => a - b)).toEqual([...theirs.values()].sort((a, b) => a - b));
    expect(ours.keys().sort((a, b) => a - b)).toEqual([...theirs.keys()].sort((a, b) => a - b));
    ours.clear();
    expect([ours.size, ours.keys(), ours.values(), ours.get(1)]).toEqual([0, [], [], undefined]);
  });

  it('lets go of what was deleted before everything is collected', () => {
    const map = new NumberMap<unknown>();
    const beside = 16;
    const run = (from: number, count: number): void => {
      for (let id = from; id < from + count; id++) {
        map.set(id, new Array<number>(1_000).fill(id));
        map.delete(id - beside);
        if (id % 100 === 0) collect({ type: 'minor' });
      }
    };
    run(0, 1_000);
    collect();
    const before = process.memoryUsage().heapUsed;
    run(1_000, 5_000);
    collect({ type: 'minor' });
    // All of them together take 40 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000);
  });
});
