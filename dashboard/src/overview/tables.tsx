import type { Figures } from '../api/figures.ts';
import { milliseconds, rate } from '../format/numbers.ts';
import { ago } from '../format/times.ts';
import { Card } from '../parts/card.tsx';
import { Empty } from '../parts/empty.tsx';
import { StatusWord } from '../parts/status-dot.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

export function TypesCard({ figures }: { readonly figures: Figures }) {
  return (
    <Card title="Requests by type" aside="last minute">
      {figures.types.length === 0 ? (
        <Empty title="No requests in the last minute" />
      ) : (
        <Table
          label="Requests by type"
          columns={[
            { head: 'Type' },
            { head: 'Per second', isNumber: true },
            { head: 'p50', isNumber: true },
            { head: 'p95', isNumber: true },
          ]}
        >
          {figures.types.map((row) => (
            <tr key={row.type}>
              <td class="code">{row.type}</td>
              <td class="num right">{rate(row.per_second)}</td>
              <td class="num right">{milliseconds(row.p50_ms)}</td>
              <td class="num right">{milliseconds(row.p95_ms)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

export function ErrorsCard({ figures }: { readonly figures: Figures }) {
  return (
    <Card title="Recent errors">
      {figures.recent_errors.length === 0 ? (
        <Empty title="No request has failed since the start" />
      ) : (
        <Table
          label="Recent errors"
          columns={[{ head: 'When' }, { head: 'Code' }, { head: 'Type' }, { head: 'Request', isNumber: true }]}
        >
          {figures.recent_errors.map((row, place) => (
            <tr key={`${row.at} ${place}`}>
              <td>
                <Time ms={row.at} text={ago(row.at, figures.at)} />
              </td>
              <td class="code bad">{row.code}</td>
              <td class="code">{row.type ?? '–'}</td>
              <td class="num right">{row.request_id ?? '–'}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

export function JobsCard({ figures }: { readonly figures: Figures }) {
  return (
    <Card title="Jobs">
      {figures.jobs.length === 0 ? (
        <Empty title="No job is scheduled" />
      ) : (
        <Table
          label="Jobs"
          columns={[
            { head: 'Job' },
            { head: 'Schedule' },
            { head: 'Last run' },
            { head: 'Outcome' },
            { head: 'Took', isNumber: true },
            { head: 'Next', isNumber: true },
          ]}
        >
          {figures.jobs.map((job) => (
            <tr key={job.name}>
              <td>{job.name}</td>
              <td class="code">{job.schedule}</td>
              <td>
                {job.last_started_at === null ? (
                  <span class="muted">not yet</span>
                ) : (
                  <Time ms={job.last_started_at} text={ago(job.last_started_at, figures.at)} />
                )}
              </td>
              <td>
                {job.running ? (
                  <StatusWord status="running" />
                ) : job.last_outcome === null ? (
                  <span class="muted">–</span>
                ) : (
                  <StatusWord status={job.last_outcome} />
                )}
              </td>
              <td class="num right">{milliseconds(job.last_duration_ms)}</td>
              <td class="right">
                {job.next_at === null ? (
                  <span class="muted">–</span>
                ) : (
                  <Time ms={job.next_at} text={ago(job.next_at, figures.at)} />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
