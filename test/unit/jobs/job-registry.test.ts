import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { JobRegistry } from '../../../src/jobs/job-registry.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let counted: string[];
let logged: string[];
let jobs: JobRegistry;

beforeEach(() => {
  clock = new FakeClock(Date.parse('2026-03-01T10:20:30.500'));
  counted = [];
  logged = [];
  const note = (level: string) => (fields: object, message: string) =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
  jobs = new JobRegistry({
    clock,
    log: { ...silentLog, info: note('info'), warn: note('warn'), error: note('error') },
    metrics: {
      ...noMetrics,
      count: (name, labels = {}) => void counted.push([name, ...Object.values(labels)].join(' ')),
      observe: (name, value, labels = {}) => void counted.push([name, value, ...Object.values(labels)].join(' ')),
    },
  });
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Moves time on, giving every run the chance to end before the next turn. */
async function pass(stepMs: number, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    clock.advance(stepMs);
    await settled();
  }
}

describe('the state of a job', () => {
  it('tells when it ran, how long and how that ended, and when its turn is again', async () => {
    const startedAtMs = clock.nowMs();
    const run = Promise.withResolvers<void>();
    jobs.add({ name: 'upkeep', schedule: { everyMs: 60_000 }, run: () => run.promise });
    jobs.add({ name: 'nightly', schedule: { cron: '0 3 * * *' }, run: () => Promise.resolve() });
    jobs.start();
    const [upkeep, nightly] = jobs.states;
    expect(upkeep).toEqual({
      name: 'upkeep',
      schedule: 'every 60 s',
      isRunning: false,
      lastOutcome: null,
      lastStartedAtMs: null,
      lastDurationMs: null,
      nextAtMs: startedAtMs + 60_000,
    });
    expect(nightly).toMatchObject({ schedule: '0 3 * * *', nextAtMs: expect.any(Number) as number });
    const next = new Date(nightly!.nextAtMs!);
    expect([next.getHours(), next.getMinutes(), next.getSeconds()]).toEqual([3, 0, 0]);
    clock.advance(60_000);
    expect(jobs.states[0]).toMatchObject({
      isRunning: true,
      lastStartedAtMs: startedAtMs + 60_000,
      lastDurationMs: null,
    });
    clock.advance(250);
    run.reject(new CodedError('STORE_UNAVAILABLE', 'no'));
    await settled();
    expect(jobs.states[0]).toMatchObject({
      isRunning: false,
      lastOutcome: 'failed',
      lastDurationMs: 250,
      nextAtMs: startedAtMs + 120_000,
    });
  });
});

describe('a job', () => {
  it('has its turns by the clock from `start` on, and runs by hand at any time', async () => {
    let runs = 0;
    const job = jobs.add({ name: 'upkeep', schedule: { everyMs: 1000 }, run: () => Promise.resolve((runs += 1)) });
    await pass(1000, 3);
    expect(runs).toBe(0);
    jobs.start();
    await pass(1000, 3);
    expect(runs).toBe(3);
    expect(await job.run()).toBe(4);
    expect(await jobs.run('upkeep')).toBe(5);
    expect(counted.filter((line) => line === 'jobs_total upkeep ok')).toHaveLength(5);
    await jobs.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('runs once at a time: a turn during a run is left out and counted, a call by hand gets the run under way', async () => {
    const gate = Promise.withResolvers<string>();
    let runs = 0;
    const job = jobs.add({
      name: 'slow',
      schedule: { everyMs: 1000 },
      run: () => {
        runs += 1;
        return gate.promise;
      },
    });
    jobs.start();
    await pass(1000, 3);
    const byHand = [job.run(), job.run()];
    expect(runs).toBe(1);
    gate.resolve('done');
    expect(await Promise.all(byHand)).toEqual(['done', 'done']);
    await settled();
    expect(counted).toEqual([
      'jobs_total slow skipped',
      'jobs_total slow skipped',
      'jobs_total slow ok',
      'job_duration_seconds 2 slow',
    ]);
    await pass(1000, 1);
    expect(runs).toBe(2);
    await jobs.stop();
  });

  it('that fails is counted, told once, and tried again at its next turn', async () => {
    let failure: Error | null = new CodedError('STORE_UNAVAILABLE', 'down');
    const job = jobs.add({
      name: 'flush',
      schedule: { everyMs: 1000 },
      run: () => (failure === null ? Promise.resolve() : Promise.reject(failure)),
    });
    jobs.start();
    await pass(1000, 3);
    expect(logged).toEqual([
      'warn job failed, trying again at its next turn {"job":"flush","code":"STORE_UNAVAILABLE","reason":"down"}',
    ]);
    failure = new TypeError('a defect');
    await expect(job.run()).rejects.toBe(failure);
    await pass(1000, 1);
    failure = null;
    await pass(1000, 2);
    expect(logged.slice(1)).toEqual([
      'error job failed {"job":"flush","code":"INTERNAL","error":{}}',
      'info job succeeds again {"job":"flush"}',
    ]);
    expect(counted.filter((line) => line === 'jobs_total flush failed')).toHaveLength(5);
    await jobs.stop();
  });

  it('that throws before it has a promise fails like any other', async () => {
    const job = jobs.add({
      name: 'broken',
      schedule: { everyMs: 1000 },
      run: () => {
        throw new CodedError('STORE_UNAVAILABLE', 'down');
      },
    });
    jobs.start();
    await pass(1000, 1);
    await expect(job.run()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(counted.filter((line) => line === 'jobs_total broken failed')).toHaveLength(2);
    await jobs.stop();
  });
});

describe('the end of the jobs', () => {
  it('waits for what runs, tells it to end, and lets nothing start after it', async () => {
    const aborted = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const job = jobs.add({
      name: 'long',
      schedule: { everyMs: 1000 },
      run: (signal) => {
        signal.addEventListener('abort', () => aborted.resolve());
        return done.promise;
      },
    });
    jobs.start();
    await pass(1000, 1);
    let isStopped = false;
    const stopped = jobs.stop().then(() => (isStopped = true));
    await aborted.promise;
    await settled();
    expect(isStopped).toBe(false);
    done.resolve();
    await stopped;
    await pass(1000, 3);
    await expect(job.run()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(counted.filter((line) => line.startsWith('jobs_total'))).toEqual(['jobs_total long ok']);
  });

  it('comes though a job fails at it', async () => {
    const job = jobs.add({
      name: 'long',
      schedule: { everyMs: 1000 },
      run: (signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    const run = job.run();
    await Promise.all([expect(run).rejects.toMatchObject({ code: 'SHUTTING_DOWN' }), jobs.stop()]);
  });
});

describe('a registry', () => {
  it('knows its jobs by name, and no two by one name', async () => {
    const spec = { name: 'one', schedule: { everyMs: 1000 }, run: () => Promise.resolve() };
    jobs.add(spec);
    expect(() => jobs.add(spec)).toThrow(/two jobs named one/);
    expect(jobs.names).toEqual(['one']);
    expect(() => jobs.run('two')).toThrow(/no job named two/);
    await jobs.stop();
  });
});
