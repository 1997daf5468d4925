import { HISTORY_MS, type Point } from '../api/live.ts';
import { milliseconds, rate } from '../format/numbers.ts';
import { Card } from '../parts/card.tsx';
import { Chart } from '../parts/chart.tsx';

const perSecond = (value: number | null | undefined): string => (typeof value === 'number' ? `${rate(value)}/s` : '–');

export function Charts({ points }: { readonly points: readonly Point[] }) {
  const times = points.map(({ at }) => at);
  const common = { times, spanMs: HISTORY_MS };
  return (
    <div class="grid grid-2">
      <Card title="Traffic" aside="live, up to 5 minutes">
        <Chart
          {...common}
          label="Requests per second"
          format={perSecond}
          lines={[
            {
              name: 'requests',
              colour: '--chart-1',
              values: points.map((point) => point.perSecond),
              isFilled: true,
            },
            { name: 'failed', colour: '--chart-bad', values: points.map((point) => point.failedPerSecond) },
          ]}
        />
      </Card>
      <Card title="Latency" aside="live, up to 5 minutes">
        <Chart
          {...common}
          label="Latency of requests"
          format={milliseconds}
          lines={[
            { name: 'p50', colour: '--chart-1', values: points.map(({ p50 }) => p50) },
            { name: 'p95', colour: '--chart-2', values: points.map(({ p95 }) => p95) },
            { name: 'p99', colour: '--chart-3', values: points.map(({ p99 }) => p99) },
          ]}
        />
      </Card>
    </div>
  );
}
