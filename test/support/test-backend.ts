import { noMetrics } from '../../src/base/metrics.ts';
import { Bulkhead, type BulkheadLimits } from '../../src/base/resilience/bulkhead.ts';
import { GuardedBackend } from '../../src/base/resilience/guarded-backend.ts';
import { testBreaker } from './test-breaker.ts';

/** By default one that lets all pass, for tests of what a backend's faults do without it. */
export function testBackend(limits: Partial<BulkheadLimits> = {}): GuardedBackend {
  const wide = { concurrencyMax: 1_000, queueMax: 100_000, queueBytesMax: 1e9 };
  return new GuardedBackend(testBreaker(), new Bulkhead('the vector database', { ...wide, ...limits }), noMetrics);
}
