import { expect, it } from 'vitest';
import { PeerWatch } from '../../../src/server/peer-watch.ts';

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
  expect(watch.reading(200, 500)).toBe('alive');
  expect(watch.reading(450, 400)).toBe('alive');
  expect(watch.reading(749, 400)).toBe('alive');
  expect(watch.reading(750, 400)).toBe('stalled');
});

it('never takes a peer for stalled for which nothing waits', () => {
  const watch = new PeerWatch(0, 100);
  expect([300, 900, 5_000].map((nowMs) => watch.reading(nowMs, 0))).toEqual(['alive', 'alive', 'alive']);
});
