import type { CircuitBreaker } from './circuit-breaker.ts';

/** The circuits of the backends that a server asks, by the backends' names. */
export class Circuits {
  readonly #breakers = new Map<string, CircuitBreaker>();

  add(breaker: CircuitBreaker): void {
    this.#breakers.set(breaker.backend, breaker);
  }

  get all(): readonly CircuitBreaker[] {
    return [...this.#breakers.values()];
  }

  /** Undefined: no such backend is asked. */
  get(backend: string): CircuitBreaker | undefined {
    return this.#breakers.get(backend);
  }
}
