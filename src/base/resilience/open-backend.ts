import { Bulkhead } from './bulkhead.ts';
import { CircuitBreaker, type Backend, type CircuitParts } from './circuit-breaker.ts';
import type { Circuits } from './circuits.ts';
import { GuardedBackend } from './guarded-backend.ts';

/** As settings say it. */
interface BackendSettings {
  readonly circuit: {
    readonly failureThreshold: number;
    readonly successThreshold: number;
    readonly timeoutSecs: number;
    readonly windowSecs: number;
  };
  readonly maxConcurrency: number;
  readonly maxQueue: number;
  readonly maxQueueBytes: number;
}

/** `hasLanes`: requests that somebody waits for never wait behind the others. */
export function openBackend(
  backend: Backend,
  { circuit, maxConcurrency, maxQueue, maxQueueBytes }: BackendSettings,
  parts: CircuitParts & { readonly circuits: Circuits },
  { hasLanes = false } = {},
): GuardedBackend {
  const { failureThreshold, successThreshold, timeoutSecs, windowSecs } = circuit;
  const rules = { failureThreshold, successThreshold, timeoutMs: timeoutSecs * 1000, windowMs: windowSecs * 1000 };
  const breaker = new CircuitBreaker(backend, rules, parts);
  parts.circuits.add(breaker);
  const limits = { concurrencyMax: maxConcurrency, queueMax: maxQueue, queueBytesMax: maxQueueBytes };
  const bulkhead = (): Bulkhead => new Bulkhead(backend.title, { ...limits, isFair: hasLanes });
  const all = bulkhead();
  return new GuardedBackend(breaker, all, parts.metrics, hasLanes ? bulkhead() : all);
}
