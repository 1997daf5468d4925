import { describe, expect, it } from 'vitest';
import { ByteBudget, type Waiter } from '../../../src/api/byte-budget.ts';
import { FrameBudget } from '../../../src/api/frame-budget.ts';

/** Waiters that note in which order they were woken. */
function waiters(): { woken: string[]; make: (name: string, then?: () => void) => Waiter } {
  const woken: string[] = [];
  return {
    woken,
    make: (name, then = () => {}) => ({
      wake() {
        woken.push(name);
        then();
      },
    }),
  };
}

describe('ByteBudget', () => {
  it('lets one more in below its bound, however large, and wakes who waits in turn', () => {
    const budget = new ByteBudget(100);
    const { woken, make } = waiters();
    const [a, b, c] = [make('a', () => budget.take(60)), make('b', () => budget.take(60)), make('c')];
    expect(budget.admits(a)).toBe(true);
    budget.take(1_000);
    for (const waiter of [a, b, c]) expect(budget.admits(waiter)).toBe(false);
    budget.giveBack(500);
    expect(woken).toEqual([]);
    budget.giveBack(500);
    expect(woken).toEqual(['a', 'b']);
    budget.giveBack(60);
    expect(woken).toEqual(['a', 'b', 'c']);
  });

  it('wakes nobody who has left, and nobody twice', () => {
    const budget = new ByteBudget(10);
    const { woken, make } = waiters();
    const [a, b] = [make('a'), make('b')];
    budget.take(10);
    budget.admits(a);
    budget.admits(b);
    budget.admits(b);
    budget.leave(a);
    budget.giveBack(10);
    budget.giveBack(0);
    expect(woken).toEqual(['b']);
  });

  it('keeps its order where waking somebody gives room back', () => {
    const budget = new ByteBudget(10);
    const { woken, make } = waiters();
    const a = make('a', () => {
      budget.take(10);
      budget.giveBack(10);
    });
    const b = make('b');
    budget.take(10);
    budget.admits(a);
    budget.admits(b);
    budget.giveBack(10);
    expect(woken).toEqual(['a', 'b']);
  });
});

describe('FrameBudget', () => {
  it('lets the first who waits through, whatever the bound, and the next when that one is done', () => {
    const budget = new FrameBudget(100);
    const { woken, make } = waiters();
    const [a, b, c] = [make('a'), make('b'), make('c')];
    expect(budget.admits(a)).toBe(true);
    budget.take(150);
    expect(budget.isContended).toBe(false);
    expect(budget.admits(a)).toBe(true);
    expect(budget.isContended).toBe(true);
    expect(budget.admits(b)).toBe(false);
    expect(budget.admits(c)).toBe(false);
    expect(budget.admits(a)).toBe(true);
    budget.leave(a);
    expect(woken).toEqual(['b']);
    expect(budget.admits(b)).toBe(true);
    expect(budget.admits(c)).toBe(false);
    budget.leave(b);
    expect(woken).toEqual(['b', 'c']);
  });

  it('wakes all who wait when there is room', () => {
    const budget = new FrameBudget(100);
    const { woken, make } = waiters();
    const all = ['a', 'b', 'c'].map((name) => make(name));
    budget.take(200);
    expect(all.map((waiter) => budget.admits(waiter))).toEqual([true, false, false]);
    budget.giveBack(150);
    expect(woken).toEqual(['b', 'c']);
    expect(budget.isContended).toBe(false);
  });
});
