import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/base/metrics.ts';
import { World, type ServerProcess } from './support/processes.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
const PREFIX = 'context_manager_';
const LATENCY_BUCKETS = ['0.001', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '+Inf'];
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

interface Documented {
  readonly type: string;
  readonly labels: readonly string[];
}

/** By name, as the tables have them. */
function documented(): Map<string, Documented> {
  const rows = DOCUMENT.matchAll(/^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([^|]*)\|/gm);
  return new Map(
    [...rows].map(([, name = '', type = '', labels = '']) => [
      name,
      { type, labels: [...labels.matchAll(/`([a-z]+)`/g)].map(([, label = '']) => label) },
    ]),
  );
}

const world = new World();
let server: ServerProcess;
let page: string;

beforeAll(async () => {
  server = await world.serve(world.folder());
  const client = await server.connect();
  await client.store({ text: 'The courier comes on Thursday' });
  await client.store({ text: 'The courier comes on Friday', level: 'long_term' });
  await client.query({ query: 'when does the courier come?', max_tokens: 500 });
  await client.gc();
  await client.get({ id: '018f0000-0000-7000-8000-000000000001' }).catch(() => undefined);
  await client.close();
  await server.connect({ keyId: 'nobody', secret: 'x'.repeat(32) }).catch(() => undefined);
  page = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
});
afterAll(() => world.cleanUp());

/** Value of the one sample that begins so. */
function sample(beginning: string): number {
  const lines = page.split('\n').filter((line) => line.startsWith(`${PREFIX}${beginning}`));
  expect(lines, beginning).toHaveLength(1);
  return Number(lines[0]?.split(' ').at(-1));
}

describe('the metrics of a server', () => {
  it('are those of the document, with their types', () => {
    const served = [...page.matchAll(/^# TYPE context_manager_(\S+) (\S+)$/gm)].map(
      ([, name = '', type = '']) => [name, type] as const,
    );
    const told = documented();
    expect(served.filter(([name, type]) => told.get(name)?.type !== type)).toEqual([]);
    const missing = [...told.keys()].filter((name) => !served.some(([each]) => each === name));
    // Some of the process' own are known on Linux alone.
    expect(missing.filter((name) => process.platform === 'linux' || !name.startsWith('process_'))).toEqual([]);
  });

  it('have the labels of the document', () => {
    const told = documented();
    for (const [name, rule] of Object.entries({ ...COUNTERS, ...HISTOGRAMS, ...GAUGES }))
      expect(told.get(name)?.labels, name).toEqual('labels' in rule ? [...rule.labels] : []);
  });

  it.skipIf(!hasPromtool)('are as promtool wants them, but for the name that has milliseconds (needs promtool)', () => {
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
    expect(said.filter((line) => !line.startsWith(`${PREFIX}avg_response_time_ms `))).toEqual([]);
  });

  it.each(['request_duration_seconds', 'embedding_duration_seconds', 'vector_db_duration_seconds'])(
    'have of %s the buckets of the document',
    (name) => {
      const line = new RegExp(`^${PREFIX}${name}_bucket\\{le="([^"]+)"`, 'gm');
      expect([...new Set([...page.matchAll(line)].map(([, bound]) => bound))]).toEqual(LATENCY_BUCKETS);
    },
  );

  it('count what was done', () => {
    expect(sample('requests_total{type="context.store",outcome="ok"}')).toBe(2);
    expect(sample('errors_total{code="NOT_FOUND"}')).toBe(1);
    expect(sample('errors_total{code="AUTH_FAILED"}')).toBe(1);
    expect(sample('auth_failures_total{code="AUTH_FAILED"}')).toBe(1);
    expect(sample('gc_runs_total')).toBeGreaterThanOrEqual(1);
    expect(sample('gc_deleted_total')).toBe(0);
    expect(sample('gc_errors_total')).toBe(0);
    expect(sample('query_budget_tokens_total')).toBe(500);
    expect(sample('query_returned_tokens_total')).toBeGreaterThan(0);
    expect(sample('store_commit_writes_count')).toBeGreaterThan(0);
    expect(sample('vector_db_duration_seconds_count{operation="search"}')).toBe(1);
    expect(sample('vector_db_duration_seconds_count{operation="write"}')).toBe(2);
  });

  it('show how things stand', () => {
    expect(sample('contexts{level="immediate"}')).toBe(1);
    expect(sample('contexts{level="long_term"}')).toBe(1);
    expect(sample('store_disk_bytes{part="database"}')).toBeGreaterThan(0);
    expect(sample('store_disk_bytes{part="log"}')).toBeGreaterThan(0);
    expect(sample('store_disk_bytes{part="indexes"}')).toBe(0);
    expect(sample('data_disk_free_bytes')).toBeLessThan(sample('data_disk_size_bytes'));
    expect(sample('uptime_seconds')).toBeGreaterThan(0);
    expect(sample('avg_response_time_ms')).toBeGreaterThan(0);
    expect(sample('cache_hit_rate')).toBeGreaterThanOrEqual(0);
    expect(sample('build_info{')).toBe(1);
  });

  it('never name what a client said: not a type that there is none of, nor a namespace', async () => {
    const client = await server.connect();
    await client.request('no.such.type' as 'ping', {}).catch(() => undefined);
    await client.store({ text: 'a secret of the shop', namespace: 'the-shop' });
    await client.close();
    page = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
    expect(sample('requests_total{type="unknown",outcome="UNKNOWN_TYPE"}')).toBe(1);
    expect(page).not.toContain('no.such.type');
    expect(page).not.toContain('the-shop');
  });
});
