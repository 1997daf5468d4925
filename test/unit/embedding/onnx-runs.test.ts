import { describe, expect, it } from 'vitest';
import { runsOf } from '../../../src/embedding/onnx-runs.ts';

const run = (lengths: readonly number[]) => [...runsOf(lengths)];

describe('runs of a model', () => {
  it.each([
    ['of equal texts', new Array<number>(2000).fill(30)],
    ['of long texts', new Array<number>(24).fill(2048)],
    ['of texts of every length', Array.from({ length: 700 }, (_, i) => (i * 37) % 700)],
    ['of one long text among short ones', [...new Array<number>(50).fill(3), 8192, ...new Array<number>(50).fill(5)]],
  ])(
    'hold each text that has tokens once, and no more than a run may take, unless one text alone does: %s',
    (_, all) => {
      const runs = run(all);
      const places = runs.flat();
      expect([...places].sort((a, b) => a - b)).toEqual([...all.keys()].filter((at) => all[at] !== 0));
      for (const each of runs) {
        const longest = Math.max(...each.map((at) => all[at] as number));
        if (each.length === 1) continue;
        expect(each.length * longest).toBeLessThanOrEqual(2048);
        expect(each.length * longest ** 2).toBeLessThanOrEqual(1024 ** 2);
      }
    },
  );

  it('join texts of about one length, wherever they stand', () => {
    expect(run([500, 3, 510, 2, 0, 490, 505, 4])).toEqual([
      [3, 1, 7],
      [5, 0, 6, 2],
    ]);
  });

  it('are none where no text has a token', () => {
    expect(run([])).toEqual([]);
    expect(run([0, 0])).toEqual([]);
  });
});
