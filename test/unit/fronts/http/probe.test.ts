import { expect, it } from 'vitest';
import { Ailment, Probe } from '../../../../src/fronts/http/probe.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const LATE = { isWell: false, reason: 'did not answer within 1000 ms' };

function create(check: (signal: AbortSignal) => Promise<unknown>): { clock: FakeClock; probe: Probe } {
  const clock = new FakeClock();
  return { clock, probe: new Probe({ clock, timeLimitMs: 1_000, check }) };
}

it('says the words of an ailment, and of no other error', async () => {
  const ailing = create(() => Promise.reject(new Ailment('the folder is gone')));
  expect(await ailing.probe.result(0)).toEqual({ isWell: false, reason: 'the folder is gone' });
  const failing = create(() => Promise.reject(new Error('/home/of/somebody')));
  expect(await failing.probe.result(0)).toEqual({ isWell: false, reason: 'did not answer' });
});

it('a check that takes too long is told to stop, and is late for all who wait for it', async () => {
  const stopped = Promise.withResolvers<never>();
  let asked = 0;
  const { clock, probe } = create((signal) => {
    asked += 1;
    // It notices only after a while that nobody waits for it.
    signal.addEventListener('abort', () => setTimeout(() => stopped.reject(new Error('aborted')), 5));
    return stopped.promise;
  });
  const first = probe.result(0);
  clock.advance(1_000);
  expect(await first).toEqual(LATE);
  expect(await probe.result(0)).toEqual(LATE);
  expect(asked).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});
