import type { ComponentChildren } from 'preact';
import type { Figures } from '../api/figures.ts';
import { bytes, count, duration, milliseconds, percent, rate } from '../format/numbers.ts';
import { StatusWord } from '../parts/status-dot.tsx';

function Stat(props: {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly more?: ComponentChildren;
  readonly tone?: 'bad' | 'warn' | undefined;
}) {
  return (
    <div class="stat">
      <dt>{props.label}</dt>
      <dd>
        <span class={`stat-value num ${props.tone ?? ''}`}>{props.value}</span>
        {props.more !== undefined && <span class="stat-more num">{props.more}</span>}
      </dd>
    </div>
  );
}

export function Headline({ figures }: { readonly figures: Figures }) {
  const { requests, latency_ms: latency, cache } = figures;
  const delay = figures.event_loop_delay_ms;
  return (
    <dl class="stats">
      <Stat
        label="Server"
        value={<StatusWord status={figures.phase === 'running' ? figures.status : figures.phase} />}
        more={`up ${duration(figures.uptime_ms)}`}
      />
      <Stat label="Requests" value={`${rate(requests.per_second)}/s`} more={`${count(requests.total)} in all`} />
      <Stat
        label="Failed"
        value={`${rate(requests.failed_per_second)}/s`}
        tone={requests.failed_per_second > 0 ? 'bad' : undefined}
        more={`${count(requests.in_flight)} in flight`}
      />
      <Stat label="Latency p95" value={milliseconds(latency.p95)} more={`p50 ${milliseconds(latency.p50)}`} />
      <Stat label="Connections" value={count(figures.connections)} more="open now" />
      <Stat label="Cache hits" value={percent(cache.hit_rate)} more={`${count(cache.entries)} vectors`} />
      <Stat
        label="Event loop"
        value={milliseconds(delay)}
        tone={typeof delay === 'number' && delay > 100 ? 'warn' : undefined}
        more="delay"
      />
      <Stat label="Memory" value={bytes(figures.memory_bytes)} more="resident" />
    </dl>
  );
}
