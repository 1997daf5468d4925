import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../../src/base/random.ts';
import { ErasureNotes } from '../../../../src/hirag/erasure/erasure-notes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FaultyStore } from '../../../support/faulty-store.ts';

const INPUT = { namespace: 'n' } as const;
const HOUR_MS = 3_600_000;

describe('an erasure that its server has left', () => {
  it.each([
    ["is another one's when its lease is over", 60_000, 0, 1],
    ['is not before', 30_000, 0, 0],
    ['does not wait for the time to come again where the clock is put back', 0, -HOUR_MS, 1],
    ["is another one's where the clock is put forward", 0, HOUR_MS, 1],
  ])('%s', async (_name, passedMs, jumpMs, taken) => {
    const clock = new FakeClock();
    const store = new FaultyStore();
    await new ErasureNotes(store, clock, systemRandom).begin(INPUT);
    clock.advance(passedMs);
    clock.setWallClock(clock.nowMs() + jumpMs);
    expect(await new ErasureNotes(store, clock, systemRandom).take()).toHaveLength(taken);
  });

  it('is renewed where the clock was put back under it', async () => {
    const clock = new FakeClock();
    const notes = new ErasureNotes(new FaultyStore(), clock, systemRandom);
    const note = await notes.begin(INPUT);
    expect((await notes.renew(note))?.untilMs).toBe(note.untilMs);
    clock.setWallClock(clock.nowMs() - HOUR_MS);
    expect((await notes.renew(note))?.untilMs).toBe(clock.nowMs() + 60_000);
  });
});
