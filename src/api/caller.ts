import { CodedError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { TokenBucket } from '../base/token-bucket.ts';
import type { Scope } from '../base/wire-names.ts';
import { takeFrom, type Gate } from './gate.ts';
import type { Origin } from './handlers/handler.ts';
import { PendingRequest } from './pending-request.ts';
import type { Principal } from './principal.ts';

/** Whoever asks with a bearer token: a key, in one namespace, as one agent. */
export interface Caller {
  /** Counts what it asks against the key's rate. */
  readonly principal: Principal;
  /** The same rights without a rate: for the steps of a request that was counted as a whole. */
  readonly unmetered: Principal;
  /** The default of `agent_id`. */
  readonly agent: string;
}

export interface CallerDoorDeps {
  readonly gate: Gate;
  readonly clock: Clock;
  /** Of an address; null: no limit. */
  readonly addressBucket: (address: string) => TokenBucket | null;
}

export interface AskOptions {
  readonly door: Origin['door'];
  /** Of the client, as the system tells it. */
  readonly address: string | undefined;
  /** From now; absent: it takes as long as it takes. */
  readonly timeoutMs?: number;
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal;
  /** It was counted already, by `enter`. */
  readonly isCounted?: boolean;
}

export interface EnterOptions extends Pick<AskOptions, 'door' | 'address'> {
  /** The wire's word for what it is about; absent: it has none. */
  readonly type?: string;
  /** All of which the key must have. */
  readonly scopes?: readonly Scope[];
}

/** Brings what callers ask to the gate. */
export class CallerDoor {
  readonly #deps: CallerDoorDeps;
  #accepted = 0;

  constructor(deps: CallerDoorDeps) {
    this.#deps = deps;
  }

  /**
   * Counts one request of a caller. Throws `AUTH_FAILED` where its key has ended, `RATE_LIMITED` where it is over its rate, `FORBIDDEN`
   * where the key lacks a scope; the gate counts and tells of it as of what it refuses itself.
   */
  enter({ principal }: Caller, { door, address, type, scopes = [] }: EnterOptions): void {
    const { gate, clock, addressBucket } = this.#deps;
    const startedMs = clock.monotonicMs();
    try {
      const nowMs = clock.nowMs();
      const ended = principal.endedBecause(nowMs);
      if (ended !== null) throw new CodedError('AUTH_FAILED', ended);
      principal.use.asked(nowMs);
      takeFrom(addressBucket(address ?? ''), 'address');
      takeFrom(principal.bucket, 'key');
      const lacking = scopes.find((scope) => !principal.has(scope));
      if (lacking !== undefined) throw new CodedError('FORBIDDEN', `the key lacks the scope ${lacking}`);
    } catch (error) {
      this.#accepted += 1;
      const origin = { door, address, request: this.#accepted };
      throw gate.turnedAway({ type, origin, traceparent: undefined, principal, startedMs }, error);
    }
  }

  /** The wire's result. Rejects with what the gate refuses. */
  ask(caller: Caller, type: string, payload: Record<string, unknown>, options: AskOptions): Promise<object> {
    const { gate, clock, addressBucket } = this.#deps;
    const { door, address, timeoutMs, signal, isCounted = false } = options;
    this.#accepted += 1;
    const startedMs = clock.monotonicMs();
    const asker = new PendingRequest();
    const abandon = (): void => asker.abandon();
    if (signal?.aborted === true) abandon();
    signal?.addEventListener('abort', abandon, { once: true });
    gate.serve(
      {
        type,
        payload,
        principal: isCounted ? caller.unmetered : caller.principal,
        addressBucket: isCounted ? null : addressBucket(address ?? ''),
        sender: caller.agent,
        origin: { door, address, request: this.#accepted },
        deadlineAtMs: timeoutMs === undefined ? null : startedMs + timeoutMs,
        startedMs,
      },
      asker,
    );
    return asker.outcome.finally(() => signal?.removeEventListener('abort', abandon));
  }
}
