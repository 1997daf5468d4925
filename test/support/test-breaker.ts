import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { CircuitBreaker, type CircuitParts, type CircuitRules } from '../../src/base/resilience/circuit-breaker.ts';
import { FakeClock } from './fake-clock.ts';

export const CIRCUIT_RULES: CircuitRules = {
  failureThreshold: 5,
  windowMs: 60_000,
  timeoutMs: 60_000,
  successThreshold: 2,
};

/** By default one that opens as late as may be, for tests of what a backend's faults do without it. */
export function testBreaker(
  rules: Partial<CircuitRules> = { failureThreshold: 1000 },
  parts: Partial<CircuitParts> = {},
): CircuitBreaker {
  return new CircuitBreaker(
    { name: 'vector_db', title: 'the vector database', code: 'STORE_UNAVAILABLE' },
    { ...CIRCUIT_RULES, ...rules },
    { clock: new FakeClock(), log: silentLog, metrics: noMetrics, ...parts },
  );
}
