import { expect, it } from 'vitest';
import { TokenBucket } from '../../../src/base/token-bucket.ts';
import { FakeClock } from '../../support/fake-clock.ts';

it('lets a burst through at once, then the rate', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, clock);
  expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 0, 100]);
  clock.advance(60);
  expect(bucket.take()).toBe(40);
  clock.advance(40);
  expect([bucket.take(), bucket.take()]).toEqual([0, 100]);
});

it('saves up no more than the burst', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, clock);
  clock.advance(3_600_000);
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 100]);
});

it('keeps rates below one a second', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ perSecond: 0.01, burst: 1 }, clock);
  expect([bucket.take(), bucket.take()]).toEqual([0, 100_000]);
  clock.advance(100_000);
  expect(bucket.take()).toBe(0);
});

it('is not moved by the wall clock', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, clock);
  bucket.take();
  clock.setWallClock(clock.nowMs() + 1_000_000);
  expect(bucket.take()).toBe(1_000);
});

it('keeps count of what was taken when its limit changes', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ perSecond: 1, burst: 3 }, clock);
  for (let i = 0; i < 3; i++) bucket.take();
  bucket.change({ perSecond: 2, burst: 5 });
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 500]);
  bucket.change({ perSecond: 4, burst: 1 });
  expect(bucket.take()).toBe(250);
  clock.advance(60_000);
  expect([bucket.take(), bucket.take()]).toEqual([0, 250]);
});
