import { describe, expect, it } from 'vitest';
import { GROWTH_WINDOW_MS, GrowthWatch } from '../../../../../src/store/embedded/hnsw/growth-watch.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

describe('the watch over growing levels', () => {
  function grow(watch: GrowthWatch, count: number): void {
    for (let i = 0; i < count; i++) watch.added('1-3');
  }

  it('calls a level fast while an import goes on, and no other', () => {
    const clock = new FakeClock();
    const watch = new GrowthWatch(clock);
    grow(watch, 600);
    expect(watch.isFast('1-3')).toBe(true);
    expect(watch.isFast('2-3')).toBe(false);
    clock.advance(GROWTH_WINDOW_MS);
    grow(watch, 1);
    expect(watch.isFast('1-3')).toBe(true);
  });

  it('does not once nothing came for a while, or little comes', () => {
    const clock = new FakeClock();
    const watch = new GrowthWatch(clock);
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
    const watch = new GrowthWatch(new FakeClock());
    for (let level = 0; level < 5_000; level++) watch.added(`${level}-2`);
    grow(watch, 600);
    expect(watch.watched).toBe(1_000);
    expect(watch.isFast('1-3')).toBe(true);
  });
});
