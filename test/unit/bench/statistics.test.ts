import { describe, expect, it } from 'vitest';
import { row, toJson, whyMissed } from '../../../bench/support/report.ts';
import { interleave, runLoad } from '../../../bench/support/load.ts';
import { median, pairedRatio, percentile, summarize } from '../../../bench/support/statistics.ts';
import { createCorpus } from '../../../bench/support/corpus.ts';

describe('percentile', () => {
  const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1);

  it('is the nearest rank', () => {
    expect(percentile(oneToHundred, 0.5)).toBe(50);
    expect(percentile(oneToHundred, 0.99)).toBe(99);
    expect(percentile(oneToHundred, 0.999)).toBe(100);
    expect(percentile([7], 0.01)).toBe(7);
  });

  it('of nothing is not a number', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('sorts by value, not by spelling', () => {
    expect(summarize([100, 9, 20])).toEqual({ count: 3, p50: 20, p99: 100, p999: 100 });
  });
});

describe('median', () => {
  it('is the middle of an odd number and the mean of the middle two of an even one', () => {
    expect(median([30, 1, 200])).toBe(30);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('pairedRatio', () => {
  it('compares each round with the floor beside it', () => {
    // The machine was half as fast in the second round: the pairs agree, the medians of each side would not.
    expect(pairedRatio([80, 40, 90], [100, 50, 100])).toBeCloseTo(0.8);
  });

  it('refuses rounds that have no partner', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow('2 rounds against 1');
  });
});

describe('interleave', () => {
  it('runs the subjects next to each other and turns their order each round', async () => {
    const order: string[] = [];
    const subject = (name: string) => (round: number) =>
      Promise.resolve(void order.push(name + round)).then(() => name + round);
    const results = await interleave(3, [subject('a'), subject('b')]);
    expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
    expect(results).toEqual([
      ['a0', 'a1', 'a2'],
      ['b0', 'b1', 'b2'],
    ]);
  });
});

describe('runLoad', () => {
  it('keeps as many calls outstanding as asked and stops at the last', async () => {
    let outstanding = 0;
    let most = 0;
    const result = await runLoad({
      inFlight: 4,
      durationMs: 60_000,
      callsMax: 20,
      async call() {
        most = Math.max(most, ++outstanding);
        await new Promise(setImmediate);
        outstanding--;
      },
    });
    expect(most).toBe(4);
    expect(result.count).toBe(20);
  });
});

describe('row', () => {
  it('holds a target against the ratio where there is a floor, else against the value', () => {
    expect(row({ name: 'a', value: 70, unit: '/s', better: 'higher', floor: 100, target: 0.8 })).toMatchObject({
      ratio: 0.7,
      met: false,
    });
    expect(row({ name: 'a', value: 130, unit: 'ms', better: 'lower', floor: 100, target: 1.4 })).toMatchObject({
      ratio: 1.3,
      met: true,
    });
    expect(row({ name: 'a', value: 19, unit: 'ms', better: 'lower', target: 20 })).toMatchObject({
      ratio: null,
      met: true,
    });
    expect(row({ name: 'a', value: 19, unit: 'ms', better: 'lower' })).toMatchObject({ target: null, met: null });
  });

  it('does not count what could not be measured as met', () => {
    expect(row({ name: 'a', value: Number.NaN, unit: 'ms', better: 'lower', target: 20 }).met).toBe(false);
  });

  it('gives a reason only where the target was missed', () => {
    expect(whyMissed(row({ name: 'a', value: 21, unit: 'ms', better: 'lower', target: 20 }))).not.toBe('');
    expect(whyMissed(row({ name: 'a', value: 19, unit: 'ms', better: 'lower', target: 20 }))).toBe('');
  });

  it('is printed with exactly the published fields', () => {
    const printed: unknown = JSON.parse(
      toJson([row({ name: 'a', value: 1, unit: 'ms', better: 'lower', floor: 2, target: 1 })]),
    );
    expect(printed).toEqual([{ name: 'a', value: 1, unit: 'ms', floor: 2, ratio: 0.5, target: 1, met: true }]);
  });
});

describe('corpus', () => {
  it('gives the same texts and questions for the same seed, about 200 characters long', () => {
    const [one, same, other] = [createCorpus(1), createCorpus(1), createCorpus(2)];
    expect(one.texts(5, 3)).toEqual([one.text(5), same.text(6), same.text(7)]);
    expect(one.query(9, 100)).toBe(same.query(9, 100));
    expect(one.text(5)).not.toBe(other.text(5));
    for (const text of one.texts(0, 50)) expect(Math.abs(text.length - 200)).toBeLessThan(30);
  });
});
