import { describe, expect, it } from 'vitest';
import { GROWTH_WINDOW_MS, GrowthWatch } from '../../../../../src/store/embedded/hnsw/growth-watch.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

describe('the watch over growing levels', () => {
  function grow(watch: GrowthWatch, count: number): void {
    for (let i = 0; i < count; i++) watch.added('1-3');
  }

  it('calls a level fast while an import goes on, and no other', () => {
    const clock = new FakeClock();
    const watch = new GrowthWatch(clock, () => undefined);
    grow(watch, 600);
    expect(watch.isFast('1-3')).toBe(true);
    expect(watch.isFast('2-3')).toBe(false);
    clock.advance(GROWTH_WINDOW_MS);
    grow(watch, 1);
    expect(watch.isFast('1-3')).toBe(true);
  });

  it('does not once nothing came for a while, or little comes', () => {
    const clock = new FakeClock();
    const watch = new GrowthWatch(clock, () => undefined);
    grow(watch, 600);
    clock.advance(GROWTH_WINDOW_MS);
    expect(watch.isFast('1-3')).toBe(false);
    for (let i = 0; i < 20; i++) {
      clock.advance(GROWTH_WINDOW_MS / 2);
      grow(watch, 100);
      expect(watch.isFast('1-3')).toBe(false);
    }
  });

  it('watches no more than a thousand levels, those that something came to last', () => {
    const watch = new GrowthWatch(new FakeClock(), () => undefined);
    for (let level = 0; level < 5_000; level++) watch.added(`${level}-2`);
    grow(watch, 600);
    expect(watch.watched).toBe(1_000);
    expect(watch.isFast('1-3')).toBe(true);
  });

  it('puts off what grows fast until its timer comes, also where that is early', () => {
    let nowMs = 0;
    const timers: (() => void)[] = [];
    const early = {
      monotonicMs: () => nowMs,
      after: (_delayMs: number, task: () => void) => (timers.push(task), () => undefined),
    };
    let due = 0;
    const watch = new GrowthWatch(early, () => due++);
    grow(watch, 600);
    expect(watch.putOffFast('2-3')).toBe(false);
    expect(watch.putOffFast('1-3')).toBe(true);
    expect(watch.putOffFast('1-3')).toBe(true);
    expect(watch.isPutOff('1-3')).toBe(true);
    expect(timers).toHaveLength(1);
    nowMs = GROWTH_WINDOW_MS - 1;
    timers[0]?.();
    expect([due, watch.isPutOff('1-3')]).toEqual([1, false]);
    // Not yet at rest: it is put off once more.
    expect(watch.putOffFast('1-3')).toBe(true);
    expect(timers).toHaveLength(2);
    nowMs = 2 * GROWTH_WINDOW_MS;
    timers[1]?.();
    expect([due, watch.putOffFast('1-3')]).toEqual([2, false]);
  });
});
