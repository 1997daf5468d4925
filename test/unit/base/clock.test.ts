import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';

describe('the clock of the system', () => {
  it('does not take a delay that is longer than any timer for none', async () => {
    const rung: string[] = [];
    const cancels = [
      systemClock.after(Infinity, () => rung.push('never')),
      systemClock.after(2 ** 40, () => rung.push('in 35 years')),
    ];
    await new Promise<void>((resolve) => systemClock.after(50, resolve));
    for (const cancel of cancels) cancel();
    expect(rung).toEqual([]);
  });
});
