import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeConfigFiles } from '../../src/config/node-files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { snapshotSchedule } from '../../src/config/schedules.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
/** From systemd 250 on it looks at a file that is not installed. */
const hasSystemdAnalyze = spawnSync('systemd-analyze', ['security', '--offline=true', '--help']).status === 0;

const PREFIX = 'context_manager_';
/** Those of docs/metrics.md, which a test compares with what a server tells. */
const METRICS = new Set(
  [...read('docs/metrics.md').matchAll(/^\| `([a-z0-9_]+)` \| (?:counter|gauge|histogram) \|/gm)].map(
    ([, name]) => name,
  ),
);
const RUNBOOKS = readdirSync(join(ROOT, 'docs/runbooks')).map((name) => `docs/runbooks/${name}`);

describe('metrics by name', () => {
  it.each([
    'deploy/prometheus/alerts.yml',
    'deploy/prometheus/alerts.test.yml',
    'deploy/grafana/context-manager.json',
    ...RUNBOOKS,
  ])('in %s are metrics of the server', (path) => {
    const names = [...read(path).matchAll(/context_manager_([a-z0-9_]+)/g)]
      .map(([, name = '']) => name.replace(/_(bucket|sum|count)$/, ''))
      // A collection of Qdrant, and what an adapter makes of a counter.
      .filter((name) => name !== 'long_term');
    expect(names.filter((name) => !METRICS.has(name))).toEqual([]);
    if (!path.startsWith('docs/')) expect(names.length, PREFIX).toBeGreaterThan(5);
  });

  it('that runbooks look for are metrics of the server', () => {
    const asked = RUNBOOKS.flatMap((path) =>
      [...read(path).matchAll(/grep -?E? ?'([^']+)'|grep ([a-z_]+_[a-z_]+)$/gm)].flatMap(([, many, one]) =>
        (many ?? one ?? '').split('|').filter((name) => /^[a-z0-9]+_[a-z0-9_]+$/.test(name)),
      ),
    );
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => ![...METRICS].some((known) => known?.startsWith(name)))).toEqual([]);
  });
});

describe('alerts', () => {
  it('have a runbook each', () => {
    const named = [...read('deploy/prometheus/alerts.yml').matchAll(/runbook: (\S+)/g)].map(([, path = '']) => path);
    expect(named).toHaveLength([...read('deploy/prometheus/alerts.yml').matchAll(/- alert:/g)].length);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.skipIf(!hasPromtool).each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])('pass promtool %s %s (needs promtool)', (...args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, {
      cwd: join(ROOT, 'deploy/prometheus'),
      encoding: 'utf8',
    });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});

describe('settings of the containers', () => {
  const load = (path: string) =>
    loadConfig({
      environment: { CONFIG_PATH: path, CONFIG_ENV: 'production' },
      folder: '/nowhere',
      files: nodeConfigFiles,
    });

  it.each([
    ['embedded', 'embedded'],
    ['qdrant', 'qdrant'],
  ])('%s.toml are settings, and mean what they say', (name, driver) => {
    const { settings, unused } = load(join(ROOT, `deploy/config/${name}.toml`));
    expect(settings.vectorDb.driver).toBe(driver);
    expect(settings.server).toMatchObject({ host: '0.0.0.0', httpHost: '0.0.0.0' });
    expect(unused).toEqual([]);
  });

  it('in the chart and in its manifests are the same, and settings', () => {
    const values = block(read('deploy/helm/context-manager/values.yaml'), 'config: |');
    const manifests = block(read('deploy/kubernetes/context-manager.yaml'), 'production.toml: |');
    expect(manifests).toBe(values);
    const files = { read: (path: string) => (path === '/c.toml' ? values : null), isFolder: () => false };
    const { settings } = loadConfig({ environment: { CONFIG_PATH: '/c.toml' }, folder: '/nowhere', files });
    expect(settings.vectorDb.driver).toBe('qdrant');
  });

  it('have pods make no snapshots, which would go with the pod', () => {
    const manifests = read('deploy/kubernetes/context-manager.yaml');
    const pairs = manifests.matchAll(/- \{ name: ([A-Z_]+)(?<!_FILE), value: "?([^"]*?)"? \}/g);
    const environment: Record<string, string> = {};
    for (const [, name = '', value = ''] of pairs) environment[name] = value;
    expect(environment).toMatchObject({ CONFIG_ENV: 'production' });
    const path = join(ROOT, 'deploy/config/qdrant.toml');
    // As in the image: what it sets in production lies beside the program.
    const source = { environment: { ...environment, CONFIG_PATH: path }, folder: ROOT, files: nodeConfigFiles };
    expect(snapshotSchedule(loadConfig(source).settings)).toBeUndefined();
  });
});

/** The indented text behind a key of YAML. */
function block(yaml: string, key: string): string {
  const lines = yaml
    .slice(yaml.indexOf(key) + key.length)
    .split('\n')
    .slice(1);
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const indent = first.length - first.trimStart().length;
  const end = lines.findIndex((line) => line.trim() !== '' && line.length - line.trimStart().length < indent);
  return lines
    .slice(0, end)
    .map((line) => line.slice(indent))
    .join('\n')
    .trim();
}

describe('the systemd unit', () => {
  it.skipIf(!hasSystemdAnalyze)('may do little, by the measure of systemd-analyze (needs it)', () => {
    const args = ['security', '--offline=true', '--threshold=30', 'deploy/context-manager.service'];
    const { status, stdout } = spawnSync('systemd-analyze', args, { cwd: ROOT, encoding: 'utf8' });
    const [, exposure = 'none'] = /Overall exposure level for context-manager\.service: ([\d.]+)/.exec(stdout) ?? [];
    expect(Number(exposure), stdout.slice(-2000)).toBeLessThan(3);
    expect(status).toBe(0);
  });
});
