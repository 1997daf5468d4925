import type { Timed } from './deadlines.ts';
import type { CallSite, ContextManagerError } from './errors.ts';

/** How a call stands. `pausing`: it waits for its next attempt. */
export type CallState = 'queued' | 'in_flight' | 'pausing' | 'settled';

export interface CallInit {
  readonly type: string;
  readonly payload: object;
  readonly traceparent: string | undefined;
  /** By the monotonic clock; Infinity: none. */
  readonly deadlineAtMs: number;
  /** Made twice it does what it does once (see `isRetrySafe`). */
  readonly retrySafe: boolean;
  readonly site: CallSite | null;
  readonly onExpired: (call: Call) => void;
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: ContextManagerError) => void;
}

/** The connection that a call goes out on, as the call knows it. */
interface Carrier {
  hasWritten(call: Call): boolean;
  forget(call: Call): void;
}

/** One call of the user's, over all its attempts. */
export class Call implements Timed {
  readonly type: string;
  readonly payload: object;
  readonly traceparent: string | undefined;
  readonly deadlineAtMs: number;
  readonly retrySafe: boolean;
  readonly site: CallSite | null;
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: ContextManagerError) => void;
  state: CallState = 'queued';
  /** Failed attempts so far. */
  failures = 0;
  /** Whether a server may have got it, in any attempt. */
  sent = false;
  /** Where it is in flight, and under which id. */
  connection: Carrier | null = null;
  requestId = 0;
  /** The write of that connection that its request goes out with. */
  writeNumber = 0;
  /** Its neighbours in the queue that it waits in. */
  ahead: Call | null = null;
  behind: Call | null = null;
  /** Why the last attempt failed. */
  lastError: ContextManagerError | undefined;
  /** Undoes what waits for this call outside: its abort listener, its pause. */
  detachSignal: (() => void) | null = null;
  cancelPause: (() => void) | null = null;
  readonly #onExpired: (call: Call) => void;

  constructor(init: CallInit) {
    this.type = init.type;
    this.payload = init.payload;
    this.traceparent = init.traceparent;
    this.deadlineAtMs = init.deadlineAtMs;
    this.retrySafe = init.retrySafe;
    this.site = init.site;
    this.#onExpired = init.onExpired;
    this.resolve = init.resolve;
    this.reject = init.reject;
  }

  expire(): void {
    this.#onExpired(this);
  }
}
