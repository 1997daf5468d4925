import { expect, it } from 'vitest';
import { LateRefusals } from '../../../src/base/late-refusals.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const FULL = expect.objectContaining({ code: 'RATE_LIMITED' }) as Error;

it('an address that waits for as many refusals as it may has no further secret tried', async () => {
  const clock = new FakeClock();
  const refusals = new LateRefusals(clock);
  const told: number[] = [];
  const waits = [5000, 1000, 5000, 5000, 5000, 5000, 5000, 5000].map(async (delayMs, place) => {
    refusals.admit('::ffff:192.0.2.1');
    await refusals.wait('::ffff:192.0.2.1', delayMs);
    told.push(place);
  });
  clock.advance(400);
  expect(() => refusals.admit('192.0.2.1')).toThrow(
    expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 600 }),
  );
  refusals.admit('192.0.2.2');
  await refusals.wait('192.0.2.2', 0);
  expect(told).toEqual([]);
  clock.advance(600);
  refusals.admit('192.0.2.1');
  clock.advance(4000);
  await Promise.all(waits);
  expect(told).toHaveLength(8);
  expect(clock.pendingTimers).toBe(0);
});

it('of all addresses together there are so many, and no more', () => {
  const clock = new FakeClock();
  const refusals = new LateRefusals(clock);
  for (let i = 0; i < 4096; i++) void refusals.wait(`10.0.${i >> 8}.${i & 255}`, 1000);
  expect(() => refusals.admit('192.0.2.1')).toThrow(FULL);
  clock.advance(1000);
  refusals.admit('192.0.2.1');
});
