import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { AuditFile, type AuditFileOptions } from '../../../../src/fronts/http/audit-file.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const DAY_MS = 86_400_000;
let folder: string;
let clock: FakeClock;
let counted: string[];
let logged: string[];
const open: AuditFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  clock = new FakeClock(Date.parse('2026-03-01T23:59:59.000Z'));
  counted = [];
  logged = [];
});
afterEach(() => {
  for (const file of open.splice(0)) file.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(options: Partial<AuditFileOptions> = {}): AuditFile {
  const file = new AuditFile({
    folder: join(folder, 'audit'),
    requests: 'write',
    keepDays: 2,
    dayBytesMax: 1_000_000,
    clock,
    log: { ...silentLog, error: (_fields, message) => void logged.push(message) },
    metrics: { ...noMetrics, count: (name) => void counted.push(name) },
    ...options,
  });
  open.push(file);
  return file;
}

const entry = (type: string, more: object = {}) => ({
  key: 'k',
  type,
  outcome: 'ok',
  from: { connection: 1 },
  ...more,
});
const names = (): string[] => readdirSync(join(folder, 'audit')).sort();
const entries = (name: string): unknown[] =>
  readFileSync(join(folder, 'audit', name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

describe('the audit log', () => {
  it('appends who did what to a file of the day, which its owner alone can read', async () => {
    const file = start();
    file.note(entry('context.store', { namespaces: ['shop'], from: { connection: 1, request: 7 } }));
    await expect
      .poll(() => entries('audit-2026-03-01.jsonl'))
      .toEqual([
        {
          time: '2026-03-01T23:59:59.000Z',
          key: 'k',
          type: 'context.store',
          namespaces: ['shop'],
          outcome: 'ok',
          connection: 1,
          request: 7,
        },
      ]);
    expect(statSync(join(folder, 'audit', 'audit-2026-03-01.jsonl')).mode & 0o077).toBe(0);
    file.close();
    open.length = 0;
    start().note(entry('level.clear'));
    await expect.poll(() => entries('audit-2026-03-01.jsonl').length).toBe(2);
  });

  it('begins a new file with a new day, and deletes those that are too old', async () => {
    const file = start();
    writeFileSync(join(folder, 'audit', 'notes.txt'), 'not ours');
    for (const type of ['one', 'two', 'three', 'four']) {
      file.note(entry(type));
      clock.advance(DAY_MS);
    }
    await expect
      .poll(names)
      .toEqual(['audit-2026-03-02.jsonl', 'audit-2026-03-03.jsonl', 'audit-2026-03-04.jsonl', 'notes.txt']);
    await expect.poll(() => entries('audit-2026-03-04.jsonl')).toMatchObject([{ type: 'four' }]);
    expect(entries('audit-2026-03-02.jsonl')).toMatchObject([{ type: 'two' }]);
    // A start deletes, too.
    clock.advance(10 * DAY_MS);
    start();
    await expect.poll(names).toEqual(['audit-2026-03-15.jsonl', 'notes.txt']);
  });

  it('takes no more than its bytes of a day, across restarts, and tells what it did not take', async () => {
    const longest = { dayBytesMax: 1_000 };
    const file = start(longest);
    for (let turn = 0; turn < 100; turn++) file.note(entry('context.store'));
    const path = join(folder, 'audit', 'audit-2026-03-01.jsonl');
    await expect.poll(() => statSync(path).size).toBeGreaterThan(800);
    const taken = counted.filter((name) => name === 'audit_entries_total').length;
    expect(counted.filter((name) => name === 'audit_lost_total')).toHaveLength(100 - taken);
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.length).toBeLessThanOrEqual(20);
    file.close();
    open.length = 0;
    start(longest).note(entry('context.store'));
    expect(statSync(path).size).toBeLessThanOrEqual(1_000);
    clock.advance(DAY_MS);
    expect(entries('audit-2026-03-01.jsonl')).toHaveLength(taken);
  });

  it('wants what is asked for and above', () => {
    const scopes = ['admin', 'write', 'read', 'any'];
    const wanted = (['admin', 'write', 'read', 'all'] as const).map((requests) => {
      const file = start({ requests });
      return scopes.filter((scope) => file.wants(scope)).length;
    });
    expect(wanted).toEqual([1, 2, 3, 4]);
  });

  it('says at the start where it cannot be written', () => {
    writeFileSync(join(folder, 'audit'), 'a file');
    expect(() => start()).toThrow(StartupError);
  });
});
