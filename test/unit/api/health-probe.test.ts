import { expect, it } from 'vitest';
import { HealthProbe } from '../../../src/api/health-probe.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function create(ask: () => Promise<boolean>): { clock: FakeClock; probe: HealthProbe; asked: () => number } {
  const clock = new FakeClock();
  let count = 0;
  const probe = new HealthProbe(() => {
    count += 1;
    return ask();
  }, clock);
  return { clock, probe, asked: () => count };
}

it('waits for the first answer, then gives it out at once for a second', async () => {
  const { clock, probe, asked } = create(() => Promise.resolve(true));
  expect(await Promise.all([probe.healthy(), probe.healthy()])).toEqual([true, true]);
  clock.advance(999);
  expect(probe.healthy()).toBe(true);
  expect(asked()).toBe(1);
});

it('asks again after a second while it gives out the last answer', async () => {
  let answer = true;
  const { clock, probe, asked } = create(() => Promise.resolve(answer));
  await probe.healthy();
  answer = false;
  clock.advance(1_000);
  expect(probe.healthy()).toBe(true);
  expect(probe.healthy()).toBe(true);
  expect(asked()).toBe(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(probe.healthy()).toBe(false);
});

it('gives no answer out that is older than five seconds', async () => {
  const { clock, probe } = create(() => Promise.resolve(true));
  await probe.healthy();
  clock.advance(5_000);
  expect(probe.healthy()).toBeInstanceOf(Promise);
});

it('takes an error for a no', async () => {
  expect(await create(() => Promise.reject(new Error('down'))).probe.healthy()).toBe(false);
  const thrower = create(() => {
    throw new Error('down');
  });
  expect(await thrower.probe.healthy()).toBe(false);
});

it('takes two seconds of silence for a no, and leaves no timer', async () => {
  const { clock, probe } = create(() => new Promise(() => {}));
  const answer = probe.healthy();
  clock.advance(2_000);
  expect(await answer).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});
