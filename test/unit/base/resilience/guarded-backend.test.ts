import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { noMetrics, type Metrics } from '../../../../src/base/metrics.ts';
import { Bulkhead, type BulkheadLimits } from '../../../../src/base/resilience/bulkhead.ts';
import type { CircuitBreaker } from '../../../../src/base/resilience/circuit-breaker.ts';
import { GuardedBackend } from '../../../../src/base/resilience/guarded-backend.ts';
import { PassingFault } from '../../../../src/base/resilience/passing-fault.ts';
import { testBreaker } from '../../../support/test-breaker.ts';

const LIMITS: BulkheadLimits = { concurrencyMax: 2, queueMax: 3, queueBytesMax: 1_000 };
const OVERLOADED = { code: 'OVERLOADED', retryable: true, retryAfterMs: 250 };

describe('a guarded backend', () => {
  let breaker: CircuitBreaker;
  let backend: GuardedBackend;
  let gauges: Map<string, () => number | undefined>;
  /** Names of the requests that went out, in order. */
  let out: string[];
  let ends: Map<string, PromiseWithResolvers<string>>;
  beforeEach(() => {
    gauges = new Map();
    out = [];
    ends = new Map();
    const metrics: Metrics = { count() {}, observe() {}, gauge: (name, read) => void gauges.set(name, read) };
    breaker = testBreaker({ failureThreshold: 2 });
    backend = new GuardedBackend(breaker, new Bulkhead('the vector database', LIMITS), metrics);
  });

  const send = (name: string, wait: Partial<Parameters<GuardedBackend['run']>[1]> = {}): Promise<string> => {
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    const running = backend.run(
      () => {
        out.push(name);
        return end.promise;
      },
      { bytes: 0, ...wait },
    );
    running.catch(() => undefined);
    return running;
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.resolve(name);
    await settled();
  };
  const settled = () => new Promise(setImmediate);
  const figures = () => ['running', 'queue_length', 'queue_bytes'].map((of) => readGauge(of));
  const readGauge = (of: string) => gauges.get(of === 'running' ? 'backend_requests_running' : `backend_${of}`)?.();

  it('is asked by so many at a time; the others follow in the order of their arrival', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => send(name, { bytes: 10 }));
    await settled();
    expect(out).toEqual(['a', 'b']);
    expect(figures()).toEqual([2, 3, 30]);
    await end('b');
    expect(out).toEqual(['a', 'b', 'c']);
    await end('a');
    await end('c');
    expect(out).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(figures()).toEqual([2, 0, 0]);
    await end('d');
    await end('e');
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(figures()).toEqual([0, 0, 0]);
  });

  it('refuses one that would wait behind too many, or behind too much, and takes it when there is room', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) void send(name);
    await expect(send('too many')).rejects.toMatchObject(OVERLOADED);
    await end('a');
    void send('f', { bytes: 5_000 });
    await end('b');
    await expect(send('too much')).rejects.toMatchObject(OVERLOADED);
    for (const name of ['c', 'd', 'e', 'f']) await end(name);
    const last = send('last');
    await end('last');
    expect(await last).toBe('last');
    expect(out).not.toContain('too many');
    expect(out).not.toContain('too much');
  });

  it('never refuses what is urgent, and serves it first', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) void send(name);
    void send('urgent', { isUrgent: true, bytes: 5_000 });
    await end('a');
    expect(out).toEqual(['a', 'b', 'urgent']);
  });

  it('lets whoever stops waiting go, with the reason, and goes on with the others', async () => {
    for (const name of ['a', 'b']) void send(name);
    const controller = new AbortController();
    const gone = send('gone', { signal: controller.signal, bytes: 10 });
    void send('next');
    controller.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    await expect(gone).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message: 'too late' });
    await expect(send('late', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(figures()).toEqual([2, 1, 0]);
    await end('a');
    expect(out).toEqual(['a', 'b', 'next']);
  });

  it('frees the place of a request that fails', async () => {
    const failing = backend.run(() => Promise.reject(new Error('it broke')), { bytes: 0 });
    await expect(failing).rejects.toThrow('it broke');
    expect(figures()).toEqual([0, 0, 0]);
  });

  it('refuses those that wait when its circuit opens, and who comes then', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => send(name));
    await settled();
    const down = new PassingFault('STORE_UNAVAILABLE', 'it is down');
    ends.get('a')?.reject(down);
    ends.get('b')?.reject(down);
    await settled();
    expect(breaker.state).toBe('open');
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    expect(out).toEqual(['a', 'b']);
    await expect(send('e')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterMs: 60_000 });
    expect(figures()).toEqual([0, 0, 0]);
  });

  it('lets small ones pass large ones where it is fair, and the oldest come to its turn', async () => {
    const fair = { ...LIMITS, concurrencyMax: 1, queueMax: 10, queueBytesMax: 10_000, isFair: true };
    backend = new GuardedBackend(breaker, new Bulkhead('the vector database', fair), noMetrics);
    const sizes = { first: 1, a: 900, b: 900, c: 900, small: 5, smaller: 3 };
    for (const [name, bytes] of Object.entries(sizes)) void send(name, { bytes });
    for (const name of ['first', 'smaller', 'a', 'small', 'b', 'c']) {
      await settled();
      expect(out.at(-1)).toBe(name);
      await end(name);
    }
  });

  it('has places and a queue for what somebody waits for, as bounded as the others', async () => {
    const lane = () => new Bulkhead('the vector database', { ...LIMITS, concurrencyMax: 1, queueMax: 1 });
    const read = new Map<string, () => number | undefined>();
    const metrics: Metrics = { count() {}, observe() {}, gauge: (name, value) => void read.set(name, value) };
    backend = new GuardedBackend(breaker, lane(), metrics, lane());
    for (const name of ['a', 'b']) void send(name, { bytes: 10 });
    await expect(send('c')).rejects.toMatchObject(OVERLOADED);
    for (const name of ['q', 'r']) void send(name, { bytes: 1, isAwaited: true });
    await expect(send('s', { isAwaited: true })).rejects.toMatchObject(OVERLOADED);
    await settled();
    expect(out).toEqual(['a', 'q']);
    expect([...read.values()].map((value) => value())).toEqual([2, 2, 11]);
    await end('q');
    expect(out).toEqual(['a', 'q', 'r']);
    await end('a');
    expect(out).toEqual(['a', 'q', 'r', 'b']);
  });
});
