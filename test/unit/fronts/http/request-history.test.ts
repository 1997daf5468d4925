import { describe, expect, it } from 'vitest';
import { quantile, RequestHistory } from '../../../../src/fronts/http/request-history.ts';
import { CounterSeries, HistogramSeries } from '../../../../src/fronts/http/series.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const BOUNDS = [0.01, 0.1, 1];

function start(): {
  clock: FakeClock;
  history: RequestHistory;
  done: (type: string, seconds: number, outcome?: string) => void;
} {
  const clock = new FakeClock();
  const counts = new CounterSeries('requests', ['type', 'outcome']);
  const durations = new HistogramSeries('durations', ['type'], BOUNDS);
  return {
    clock,
    history: new RequestHistory(counts, durations, clock),
    done(type, seconds, outcome = 'ok') {
      counts.add(1, { type, outcome });
      durations.observe(seconds, { type });
    },
  };
}

describe('the history of requests', () => {
  it('tells what came since a note, and nothing of what came before', () => {
    const { clock, history, done } = start();
    done('ping', 0.05);
    clock.advance(10_000);
    history.note();
    done('query', 0.5);
    done('query', 5, 'OVERLOADED');
    clock.advance(5_000);
    expect(history.since(5_000)).toEqual({
      seconds: 5,
      types: [{ type: 'query', count: 2, failed: 1, buckets: Float64Array.of(0, 0, 1, 1) }],
    });
    const all = history.since(60_000);
    expect(all.seconds).toBe(15);
    expect(all.types.map(({ type, count }) => [type, count])).toEqual([
      ['ping', 1],
      ['query', 2],
    ]);
    expect(history.total).toBe(3);
  });

  it('forgets what is older than a minute, however seldom or often it is noted', () => {
    for (const everyMs of [100, 1_000, 10_000]) {
      const { clock, history, done } = start();
      done('ping', 0.05);
      for (let ms = 0; ms < 200_000; ms += everyMs) {
        history.note();
        clock.advance(everyMs);
      }
      const { seconds, types } = history.since(60_000);
      expect(types).toEqual([]);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(seconds).toBeGreaterThan(12);
    }
  });
});

it.each([
  [[0, 0, 0, 0], 0.5, null],
  [[10, 0, 0, 0], 0.5, 0.005],
  [[0, 10, 0, 0], 0.5, 0.055],
  [[10, 10, 0, 0], 0.5, 0.01],
  [[0, 0, 0, 3], 0.5, 1],
  [[99, 0, 1, 0], 0.99, 0.01],
  [[98, 0, 2, 0], 0.99, 0.55],
])('of %j the quantile %d is %s', (buckets, share, expected) => {
  const found = quantile(Float64Array.from(buckets), BOUNDS, share);
  if (expected === null) expect(found).toBeNull();
  else expect(found).toBeCloseTo(expected);
});
