import { type Clock, TIMER_MS_MAX } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { NamespaceSet } from '../base/namespace-set.ts';
import type { RequestScope } from '../base/request-scope.ts';
import type { CallOptions } from '../hirag/types.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { GateRequest } from './gate-request.ts';
import type { HandlerCall, Origin } from './handlers/handler.ts';
import type { Principal } from './principal.ts';
import type { Operation } from './operations.ts';

const NO_OPTIONS: CallOptions = {};

/**
 * One request that the gate has let through. It is the handler's view of its caller and, where it can be ended
 * early, the options of the call below: signal and timer are made when somebody asks for them.
 */
export class Call implements HandlerCall {
  readonly operation: Operation;
  /** Its payload is checked, and in a namespace that the key sees. */
  readonly request: GateRequest;
  /** On the monotonic clock. */
  readonly startedMs: number;
  /** What its reply is expected to weigh, at most, while it is being built. */
  readonly replyBytes: number;
  /** On the monotonic clock; null: the client waits as long as it takes. */
  readonly #deadlineAtMs: number | null;
  readonly #clock: Clock;
  #abort: AbortController | null = null;
  #cancelTimer: (() => void) | null = null;
  #abandoned = false;

  /** Null: it is answered at once and logs nothing by itself. */
  readonly scope: RequestScope | null;

  constructor(
    operation: Operation,
    request: GateRequest,
    startedMs: number,
    clock: Clock,
    scope: RequestScope | null = null,
  ) {
    this.operation = operation;
    this.request = request;
    this.startedMs = startedMs;
    this.#deadlineAtMs = request.deadlineAtMs ?? null;
    this.replyBytes = operation.replyBytes(request.payload);
    this.#clock = clock;
    this.scope = scope;
  }

  get origin(): Origin {
    return this.request.origin;
  }

  get traceparent(): unknown {
    return this.request.traceparent;
  }

  get principal(): Principal {
    return this.request.principal;
  }

  get payload(): BodyMap {
    return this.request.payload;
  }

  get bytes(): number | undefined {
    return this.request.bytes;
  }

  get mayRead(): boolean {
    return this.request.principal.has('read');
  }

  get sender(): string {
    return this.request.sender;
  }

  get namespaces(): NamespaceSet {
    return this.request.principal.allowed;
  }

  get options(): CallOptions {
    // What only reads can end when its client goes; a write that was asked for without a deadline is seen through.
    const endsWithClient = this.operation.scope === 'read' || this.operation.waits;
    return this.#deadlineAtMs === null && !endsWithClient ? NO_OPTIONS : this;
  }

  /** On the monotonic clock, so that the reply comes before the client's time is over; undefined: it has no end. */
  get deadlineAtMs(): number | undefined {
    if (this.#deadlineAtMs === null) return undefined;
    const givenMs = this.#deadlineAtMs - this.startedMs;
    return this.#deadlineAtMs - Math.min(REPLY_MS_MAX, givenMs * REPLY_SHARE);
  }

  get isLook(): boolean {
    return this.request.isLook === true;
  }

  /** Aborts with `DEADLINE_EXCEEDED` when the client's time is nearly over, or the client is gone. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#abandoned) this.#expire();
      else if (this.deadlineAtMs !== undefined) this.#startTimer(this.deadlineAtMs);
    }
    return this.#abort.signal;
  }

  /** Nobody waits for the result any more. */
  abandon(): void {
    this.#abandoned = true;
    if (this.#abort !== null) this.#expire();
  }

  /** The result is there: no timer stays behind. */
  settle(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #startTimer(deadlineAtMs: number): void {
    const leftMs = Math.min(deadlineAtMs - this.#clock.monotonicMs(), TIMER_MS_MAX);
    if (leftMs <= 0) this.#expire();
    else this.#cancelTimer = this.#clock.after(leftMs, () => this.#expire());
  }

  #expire(): void {
    this.settle();
    this.#abort?.abort(new CodedError('DEADLINE_EXCEEDED', 'the deadline passed before the work was done'));
  }
}

/** What is left of the client's time for the way of the reply: whoever gives up first does not hear why. */
const REPLY_SHARE = 0.05;
const REPLY_MS_MAX = 250;
