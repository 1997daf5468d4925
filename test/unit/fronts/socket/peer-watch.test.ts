import { expect, it } from 'vitest';
import { PeerWatch } from '../../../../src/fronts/socket/peer-watch.ts';

it('pings once a heartbeat of silence, and gives up after three', () => {
  const watch = new PeerWatch(0, 100);
  expect([99, 100, 150, 199, 200, 299, 300].map((nowMs) => watch.listening(nowMs))).toEqual([
    'alive',
    'ping',
    'alive',
    'alive',
    'ping',
    'alive',
    'silent',
  ]);
});

it('takes any byte for life', () => {
  const watch = new PeerWatch(0, 100);
  watch.heard(299);
  expect(watch.listening(300)).toBe('alive');
  expect(watch.arrivedMs).toBe(299);
  expect(watch.listening(598)).toBe('ping');
  expect(watch.listening(599)).toBe('silent');
});

it('takes reading for life where it does not listen', () => {
  const watch = new PeerWatch(0, 100);
  expect(watch.reading(200, 500, 0, false)).toBe('alive');
  expect(watch.reading(450, 400, 100, false)).toBe('alive');
  expect(watch.reading(749, 400, 100, false)).toBe('alive');
  expect(watch.reading(750, 400, 100, false)).toBe('stalled');
});

it('takes no new replies for reading', () => {
  const watch = new PeerWatch(0, 100);
  expect(watch.reading(200, 500, 0, false)).toBe('alive');
  expect(watch.reading(400, 900, 0, false)).toBe('stalled');
});

it('has less patience with a peer whose requests wait, but never less than three heartbeats of a short beat', () => {
  const [patient, hasty] = [new PeerWatch(0, 30_000), new PeerWatch(0, 100)];
  expect([9_999, 10_000].map((nowMs) => patient.reading(nowMs, 1, 0, true))).toEqual(['alive', 'stalled']);
  expect([299, 300].map((nowMs) => hasty.reading(nowMs, 1, 0, true))).toEqual(['alive', 'stalled']);
  expect([10_000, 89_999, 90_000].map((nowMs) => new PeerWatch(0, 30_000).reading(nowMs, 1, 0, false))).toEqual([
    'alive',
    'alive',
    'stalled',
  ]);
});

it('never takes a peer for stalled for which nothing waits', () => {
  const watch = new PeerWatch(0, 100);
  expect([300, 900, 5_000].map((nowMs) => watch.reading(nowMs, 0, 0, true))).toEqual(['alive', 'alive', 'alive']);
});
