import { beforeEach, describe, expect, it } from 'vitest';
import { badRequest, CodedError } from '../../../../src/base/errors.ts';
import { silentLog, type Log } from '../../../../src/base/log.ts';
import type { Metrics } from '../../../../src/base/metrics.ts';
import type { CircuitBreaker } from '../../../../src/base/resilience/circuit-breaker.ts';
import { PassingFault } from '../../../../src/base/resilience/passing-fault.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { CIRCUIT_RULES, testBreaker } from '../../../support/test-breaker.ts';

const { failureThreshold, windowMs, timeoutMs } = CIRCUIT_RULES;
const fault = (): Promise<never> => Promise.reject(new PassingFault('STORE_UNAVAILABLE', 'it is down'));
const refused = new CodedError('STORE_UNAVAILABLE', 'it refuses that', { permanent: true });
const garbage = new CodedError('STORE_UNAVAILABLE', 'that is no answer');

describe('a circuit breaker', () => {
  let clock: FakeClock;
  let breaker: CircuitBreaker;
  let told: string[];
  let gauge: { name: string; labels: unknown; read: () => number | undefined } | undefined;
  /** Calls that went through to the backend. */
  let attempts: number;
  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    attempts = 0;
    const tell = (_fields: object, message: string): void => void told.push(message.split(':')[0] ?? '');
    const log: Log = { ...silentLog, info: tell, warn: tell };
    const metrics: Metrics = {
      count() {},
      observe() {},
      gauge: (name, read, labels) => void (gauge = { name, read, labels }),
    };
    breaker = testBreaker({}, { clock, log, metrics });
  });

  const run = <T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    breaker.run(() => {
      attempts++;
      return attempt();
    }, signal);
  const fail = () => expect(run(fault)).rejects.toThrow('it is down');
  const failTimes = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await fail();
  };
  const succeed = async () => expect(await run(() => Promise.resolve('done'))).toBe('done');
  const rejectWith = (error: Error) => expect(run(() => Promise.reject(error))).rejects.toBe(error);
  const isRefused = async (retryAfterMs: number): Promise<void> => {
    const before = attempts;
    await expect(run(() => Promise.resolve())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      retryAfterMs,
    });
    expect(attempts).toBe(before);
  };
  const toHalfOpen = async (): Promise<void> => {
    await failTimes(failureThreshold);
    clock.advance(timeoutMs);
    expect(breaker.state).toBe('half_open');
  };
  /** A probe that is out until it is told how it ends. */
  const probe = () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    return { ended: run(() => promise), resolve, reject };
  };

  it('opens with the last of so many failures, and then refuses at once with what is left of its time', async () => {
    await failTimes(failureThreshold - 1);
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
    await isRefused(timeoutMs);
    clock.advance(timeoutMs - 1.5);
    await isRefused(2);
    expect(attempts).toBe(failureThreshold);
  });

  it('counts the failures of a window alone', async () => {
    await fail();
    clock.advance(windowMs - 1);
    await failTimes(failureThreshold - 2);
    clock.advance(1);
    await fail();
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
  });

  it('counts failures whatever succeeds between them', async () => {
    for (let i = 1; i < failureThreshold; i++) {
      await fail();
      await succeed();
      await rejectWith(refused);
    }
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
  });

  it('counts no refusals, no answers that are none and no mistakes of our own', async () => {
    await failTimes(failureThreshold - 1);
    for (const error of [refused, badRequest('/text', 'is wrong'), garbage, new TypeError('a mistake of our own')]) {
      await rejectWith(error);
      expect(breaker.state).toBe('closed');
    }
    await fail();
    expect(breaker.state).toBe('open');
  });

  it('lets one probe at a time through when its time is over, and closes after so many', async () => {
    await toHalfOpen();
    const first = probe();
    await isRefused(1_000);
    clock.advance(10 * timeoutMs);
    await isRefused(1_000);
    first.resolve('done');
    await first.ended;
    expect(breaker.state).toBe('half_open');
    const second = probe();
    await isRefused(1_000);
    second.resolve('done');
    await second.ended;
    expect(breaker.state).toBe('closed');
    await Promise.all([succeed(), succeed(), succeed()]);
    await failTimes(failureThreshold - 1);
    expect(breaker.state).toBe('closed');
  });

  it('opens again with one failure of a probe, also after one that succeeded', async () => {
    await toHalfOpen();
    await succeed();
    await fail();
    expect(breaker.state).toBe('open');
    await isRefused(timeoutMs);
    clock.advance(timeoutMs);
    await succeed();
    expect(breaker.state).toBe('half_open');
    await succeed();
    expect(breaker.state).toBe('closed');
  });

  it('closes by probes that the backend refuses, as it lives', async () => {
    await toHalfOpen();
    await rejectWith(refused);
    await rejectWith(refused);
    expect(breaker.state).toBe('closed');
  });

  it('frees the probe of a caller who went away, and of an answer that is none, for the next', async () => {
    await toHalfOpen();
    const controller = new AbortController();
    const gone = new CodedError('DEADLINE_EXCEEDED', 'too late');
    const { promise, reject } = Promise.withResolvers<string>();
    const ended = run(() => promise, controller.signal);
    await isRefused(1_000);
    controller.abort(gone);
    reject(gone);
    await expect(ended).rejects.toBe(gone);
    await rejectWith(garbage);
    expect(breaker.state).toBe('half_open');
    await succeed();
    expect(breaker.state).toBe('half_open');
    await succeed();
    expect(breaker.state).toBe('closed');
  });

  it('counts no caller who went away, but a fault that came before', async () => {
    const aborted = AbortSignal.abort();
    for (let i = 0; i < 2 * failureThreshold; i++) {
      await expect(run(() => Promise.reject(refused), aborted)).rejects.toBe(refused);
    }
    await failTimes(failureThreshold - 1);
    await expect(run(() => Promise.reject(refused), aborted)).rejects.toBe(refused);
    expect(breaker.state).toBe('closed');
    await expect(run(fault, aborted)).rejects.toThrow('it is down');
    expect(breaker.state).toBe('open');
  });

  it('does not listen to calls that began before its state changed', async () => {
    const [good, bad] = [probe(), probe()];
    await toHalfOpen();
    bad.reject(new PassingFault('STORE_UNAVAILABLE', 'late'));
    good.resolve('late');
    await Promise.allSettled([good.ended, bad.ended]);
    expect(breaker.state).toBe('half_open');
    await succeed();
    expect(breaker.state).toBe('half_open');
  });

  it('closes at once when it is reset, and counts from none', async () => {
    await failTimes(failureThreshold - 1);
    breaker.reset();
    await failTimes(failureThreshold - 1);
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
    breaker.reset();
    expect(breaker.state).toBe('closed');
    await Promise.all([succeed(), succeed()]);
    await failTimes(failureThreshold - 1);
    expect(breaker.state).toBe('closed');
  });

  it('does not listen to a probe that began before it was reset', async () => {
    await toHalfOpen();
    const { ended, reject } = probe();
    breaker.reset();
    await Promise.all([succeed(), succeed()]);
    reject(new PassingFault('STORE_UNAVAILABLE', 'late'));
    await expect(ended).rejects.toThrow('late');
    expect(breaker.state).toBe('closed');
    await failTimes(failureThreshold - 1);
    expect(breaker.state).toBe('closed');
  });

  it('shows its state as a gauge, and tells each change once', async () => {
    expect(gauge).toMatchObject({ name: 'circuit_state', labels: { backend: 'vector_db' } });
    expect(gauge?.read()).toBe(0);
    await failTimes(failureThreshold);
    expect(gauge?.read()).toBe(2);
    clock.advance(timeoutMs);
    expect([gauge?.read(), gauge?.read()]).toEqual([1, 1]);
    await fail();
    expect(gauge?.read()).toBe(2);
    clock.advance(timeoutMs);
    await succeed();
    await succeed();
    expect(gauge?.read()).toBe(0);
    const again = ['circuit open', 'circuit half-open'];
    expect(told).toEqual([...again, ...again, 'circuit closed']);
  });

  it('leaves no timer behind', async () => {
    await toHalfOpen();
    expect(clock.pendingTimers).toBe(0);
  });
});
