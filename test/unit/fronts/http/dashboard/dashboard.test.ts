import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { noAudit } from '../../../../../src/api/audit.ts';
import { systemClock as clock } from '../../../../../src/base/clock.ts';
import { FailedLogins } from '../../../../../src/base/failed-logins.ts';
import { silentLog as log } from '../../../../../src/base/log.ts';
import { systemRandom as random } from '../../../../../src/base/random.ts';
import { Circuits } from '../../../../../src/base/resilience/circuits.ts';
import { Dashboard } from '../../../../../src/fronts/http/dashboard/dashboard.ts';
import { createHealth } from '../../../../../src/fronts/http/health.ts';
import { startHttpListener } from '../../../../../src/fronts/http/http.ts';
import { createMetricsRegistry } from '../../../../../src/fronts/http/metrics.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** While the store is opened. */
async function starting(): Promise<{ url: string; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'cm-dashboard-'));
  const circuits = new Circuits();
  const metrics = createMetricsRegistry(clock);
  const health = createHealth({ clock, version: '1.2.3', circuits, eventLoopDelaySeconds: () => 0 });
  const dashboard = new Dashboard({
    ...{ clock, random, log, metrics, health, circuits, folder },
    audit: noAudit,
    failedLogins: new FailedLogins({ perMinute: 5, delayMsMax: 0 }, { clock, log, metrics }),
    allowedHosts: [],
    capacities: { immediate: null, short_term: null, long_term: null },
    queryDefaults: {
      weights: { similarity: 1, recency: 0, level: 0, frequency: 0 },
      ranking: 'proportional',
      maxTokens: 4000,
      limit: 50,
      relevanceThreshold: 0,
      minSimilarity: 0,
    },
  });
  const http = await startHttpListener({ host: '127.0.0.1', port: 0, health, metrics, dashboard, clock, log });
  cleanUps.push(
    () => rmSync(folder, { recursive: true }),
    () => metrics.close(),
    () => http.close(),
    () => dashboard.close(),
  );
  return { url: `http://127.0.0.1:${http.port}`, folder };
}

describe('the dashboard of a server that is starting', () => {
  it('says that it will be there', async () => {
    const { url } = await starting();
    const login = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key_id: 'a', secret: 'b' }),
    };
    for (const [path, options] of [['/api/login', login], ['/api/login'], ['/api/overview'], ['/api/live']] as const) {
      const answer = await fetch(url + path, options);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(await answer.json()).toMatchObject({ error: { code: 'STORE_UNAVAILABLE', retry_after_ms: 1000 } });
    }
  });

  it('serves the page once it is built, and its files for ever', async () => {
    const { url, folder } = await starting();
    const before = await fetch(`${url}/`);
    expect(before.status).toBe(503);
    expect(await before.text()).toContain('npm run build:dashboard');
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'assets', 'index-1a.js'), 'export {};');
    writeFileSync(join(folder, 'index.html'), '<!doctype html>');
    const page = await fetch(`${url}/`);
    expect([page.status, await page.text(), page.headers.get('cache-control')]).toEqual([
      200,
      '<!doctype html>',
      'no-store',
    ]);
    const script = await fetch(`${url}/assets/index-1a.js`);
    expect(Object.fromEntries(script.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
    const again = await fetch(`${url}/assets/index-1a.js`, {
      headers: { 'if-none-match': script.headers.get('etag')! },
    });
    expect(again.status).toBe(304);
    const head = await fetch(`${url}/assets/index-1a.js`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
  });
});
