import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../src/base/fair-queue.ts';

/** The order in which jobs end, where each turn does one unit of the work. */
function run(queue: FairQueue<{ name: string; left: number }>): string[] {
  const ended: string[] = [];
  for (let job = queue.next(); job !== undefined; job = queue.next()) {
    const taken = job;
    if (--job.left > 0) continue;
    ended.push(job.name);
    queue.removeWhere((each) => each === taken);
  }
  return ended;
}

describe('a fair queue', () => {
  it('lets small jobs pass large ones', () => {
    const queue = new FairQueue<{ name: string; left: number }>();
    for (const name of ['a', 'b', 'c']) queue.add({ name, left: 100 });
    queue.add({ name: 'small', left: 3 });
    expect(run(queue)[0]).toBe('small');
  });

  it('brings the oldest to its end though small ones keep coming', () => {
    const queue = new FairQueue<{ name: string; left: number }>();
    const large = { name: 'large', left: 50 };
    queue.add(large);
    let turns = 0;
    for (; large.left > 0; turns++) {
      queue.add({ name: 'small', left: 1 });
      const job = queue.next();
      if (job !== undefined && --job.left === 0) queue.removeWhere((each) => each === job);
    }
    expect(turns).toBeLessThanOrEqual(101);
  });

  it('keeps what is not removed, and gives all back', () => {
    const queue = new FairQueue<{ left: number }>();
    expect(queue.next()).toBeUndefined();
    const [one, two] = [{ left: 1 }, { left: 2 }];
    queue.add(one);
    queue.add(two);
    queue.removeWhere((each) => each === one);
    queue.removeWhere((each) => each === one);
    expect(queue.size).toBe(1);
    expect(queue.drain()).toEqual([two]);
    expect(queue.size).toBe(0);
  });
});
