import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from './clock.ts';
import type { RequestTrace } from './tracing.ts';

/** What of a request its lines in the log say. */
export type ScopeFields = Readonly<Record<string, unknown>>;

const scopes = new AsyncLocalStorage<RequestScope>();

/** One request while it is worked on, known to whatever works on it, however far below: for the log, not for decisions. */
export class RequestScope {
  readonly #clock: Clock;
  readonly #fields: () => ScopeFields;
  readonly #stagesMs = new Map<string, number>();

  /** Null: nobody is told of it. */
  readonly trace: RequestTrace | null;

  /** `fields` is asked for with each line that is written. */
  constructor(clock: Clock, fields: () => ScopeFields, trace: RequestTrace | null = null) {
    this.trace = trace;
    this.#clock = clock;
    this.#fields = fields;
  }

  get fields(): ScopeFields {
    return this.#fields();
  }

  /** How long each stage took, in milliseconds; those that ran several times in all. Of two at once each counts whole. */
  get stagesMs(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#stagesMs);
  }

  run<T>(work: () => T): T {
    return scopes.run(this, work);
  }

  async stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    const trace = this.trace?.stage(name);
    let hasFailed = true;
    try {
      const result = await work();
      hasFailed = false;
      return result;
    } finally {
      trace?.end(hasFailed);
      const tookMs = this.#clock.monotonicMs() - startedMs;
      this.#stagesMs.set(name, (this.#stagesMs.get(name) ?? 0) + tookMs);
    }
  }
}

/** Undefined: no request is worked on. */
export function currentScope(): RequestScope | undefined {
  return scopes.getStore();
}

/** Does `work` as a stage of the request that it is done for, where there is one. `name`: never made of what a client sent. */
export function inStage<T>(name: string, work: () => Promise<T>): Promise<T> {
  const scope = scopes.getStore();
  return scope === undefined ? work() : scope.stage(name, work);
}
