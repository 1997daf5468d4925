import { describe, expect, it } from 'vitest';
import { LATER_MS, LaterBuilds } from '../../../../../src/store/embedded/hnsw/later-builds.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

describe('builds that wait', () => {
  function waiting() {
    const clock = new FakeClock();
    const due: string[] = [];
    const later = new LaterBuilds(clock, (key) => due.push(key));
    return { clock, due, later };
  }

  it('are due after some minutes, each in its time', () => {
    const { clock, due, later } = waiting();
    expect(later.isDue('1-3')).toBe(false);
    clock.advance(LATER_MS / 2);
    expect(later.isDue('2-3')).toBe(false);
    clock.advance(LATER_MS / 2);
    expect(due).toEqual(['1-3']);
    expect([later.isDue('1-3'), later.isDue('2-3')]).toEqual([true, false]);
    later.ended('1-3', true, true);
    clock.advance(LATER_MS / 2);
    expect(due).toEqual(['1-3', '2-3']);
    expect([later.isDue('1-3'), later.isDue('2-3')]).toEqual([false, true]);
  });

  it('wait anew when something else of their level was built, and longer each time they were stopped or failed', () => {
    const { clock, later } = waiting();
    expect(later.isDue('1-3')).toBe(false);
    clock.advance(LATER_MS);
    later.ended('2-3', false, true);
    expect(later.isDue('1-3')).toBe(true);
    later.ended('1-3', false, true);
    expect(later.isDue('1-3')).toBe(false);
    clock.advance(LATER_MS);
    later.putOff('1-3');
    clock.advance(LATER_MS);
    expect(later.isDue('1-3')).toBe(false);
    clock.advance(LATER_MS);
    later.ended('1-3', true, false);
    clock.advance(4 * LATER_MS - 1);
    expect(later.isDue('1-3')).toBe(false);
    clock.advance(1);
    expect(later.isDue('1-3')).toBe(true);
    for (let i = 0; i < 50; i++) later.putOff('1-3');
    clock.advance(86_400_000);
    expect(later.isDue('1-3')).toBe(true);
  });

  it('leave no timer behind', () => {
    const { clock, later } = waiting();
    later.isDue('1-3');
    later.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
