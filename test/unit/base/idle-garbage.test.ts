import { describe, expect, it } from 'vitest';
import { collectIdleGarbage, ownGarbage } from '../../../src/base/idle-garbage.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const MIB = 1024 * 1024;

/** A thread that holds `heldMib`, of which a collection leaves 10, and is as busy as `busy` says. */
function thread(canCollect = true) {
  const clock = new FakeClock();
  const state = { busy: 0, heldMib: 100, collections: 0 };
  const stop = collectIdleGarbage({
    clock,
    collect: canCollect
      ? () => {
          state.collections++;
          state.heldMib = 10;
        }
      : undefined,
    busyShare: () => state.busy,
    heldBytes: () => state.heldMib * MIB,
  });
  return { clock, state, stop };
}

describe('garbage of a thread', () => {
  it('is collected once it has been idle for some seconds, and not again before there is more', () => {
    const { clock, state } = thread();
    clock.advance(5_000);
    expect(state.collections).toBe(1);
    clock.advance(600_000);
    expect(state.collections).toBe(1);
    state.heldMib = 100;
    clock.advance(5_000);
    expect(state.collections).toBe(2);
  });

  it('is left alone while anybody asks', () => {
    const { clock, state } = thread();
    state.busy = 0.03;
    clock.advance(600_000);
    expect(state.collections).toBe(0);
  });

  it('is collected no more often than three times a minute, however fast it grows', () => {
    const { clock, state } = thread();
    for (let second = 0; second < 60; second++) {
      state.heldMib = 100;
      clock.advance(1_000);
    }
    expect(state.collections).toBe(3);
  });

  it('is no longer looked after once that is stopped, nor where the process cannot collect', () => {
    const stopped = thread();
    stopped.stop();
    stopped.clock.advance(60_000);
    expect(stopped.state.collections).toBe(0);
    const without = thread(false);
    without.clock.advance(60_000);
    expect(without.state.collections).toBe(0);
  });

  it('is told by the thread itself: what it holds, and how busy it was', () => {
    const { busyShare, heldBytes } = ownGarbage();
    expect(busyShare()).toBeGreaterThanOrEqual(0);
    expect(busyShare()).toBeLessThanOrEqual(1);
    expect(heldBytes()).toBeGreaterThan(MIB);
  });
});
