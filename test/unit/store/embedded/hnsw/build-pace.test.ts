import { describe, expect, it } from 'vitest';
import { BusyTime } from '../../../../../src/store/embedded/border/busy-time.ts';
import { BuildPace } from '../../../../../src/store/embedded/hnsw/build-pace.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

const BATCH_MS = 80;

/** A builder whose rests take as long as they should, beside a thread that works the given share of all time. */
function startBuilder(busyShare: number, busy = new BusyTime()): { restsMs: number[]; batch(ms?: number): void } {
  const clock = new FakeClock();
  const restsMs: number[] = [];
  const pass = (ms: number): void => {
    clock.advance(ms);
    busy.addMs(ms * busyShare);
  };
  const pace = new BuildPace(busy, clock, (ms) => {
    restsMs.push(ms);
    pass(ms);
  });
  return {
    restsMs,
    batch(ms = BATCH_MS) {
      pass(ms);
      pace.pause();
    },
  };
}

describe('the pace of an index build', () => {
  it('is full speed beside an idle thread', () => {
    const builder = startBuilder(0);
    for (let i = 0; i < 5; i++) builder.batch();
    expect(builder.restsMs).toEqual([]);
  });

  it('is a fifth beside a thread that is always busy', () => {
    const builder = startBuilder(1);
    for (let i = 0; i < 5; i++) builder.batch();
    expect(builder.restsMs).toHaveLength(5);
    for (const ms of builder.restsMs) expect(ms).toBeCloseTo(4 * BATCH_MS, 0);
  });

  it('lies in between beside one that is half busy', () => {
    const builder = startBuilder(0.5);
    for (let i = 0; i < 5; i++) builder.batch();
    for (const ms of builder.restsMs) expect(ms).toBeCloseTo(2 * BATCH_MS, 0);
  });

  it('takes a turn that is told late for no more than all of the time', () => {
    const busy = new BusyTime();
    const builder = startBuilder(0, busy);
    busy.addMs(10 * BATCH_MS);
    builder.batch();
    expect(builder.restsMs).toEqual([4 * BATCH_MS]);
  });

  it('outlives the wrap-around of the sum', () => {
    const busy = new BusyTime();
    busy.addMs(2_147_483);
    const builder = startBuilder(1, busy);
    for (let i = 0; i < 5; i++) builder.batch();
    expect(busy.totalUs).toBeLessThan(0);
    for (const ms of builder.restsMs) expect(ms).toBeCloseTo(4 * BATCH_MS, 0);
  });

  it('sees through the shared buffer what another thread adds', () => {
    const busy = new BusyTime();
    new BusyTime(busy.buffer).addMs(1.5);
    expect(busy.totalUs).toBe(1_500);
  });
});
