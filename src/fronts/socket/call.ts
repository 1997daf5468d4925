import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { HandlerCall } from '../../api/handlers/handler.ts';
import type { CallOptions } from '../../hirag/types.ts';
import type { Session } from './handshake.ts';

const NO_OPTIONS: CallOptions = {};

/**
 * One request being worked on. It is the handler's view of its caller and, where the client gave a deadline,
 * the options of the call below: signal and timer are made when somebody asks for them.
 */
export class Call implements HandlerCall {
  readonly id: number;
  readonly connection: number;
  /** What its reply is expected to weigh, at most, while it is being built. */
  readonly replyBytes: number;
  readonly #session: Session;
  readonly #clock: Clock;
  /** On the monotonic clock; null: the client waits as long as it takes. */
  readonly #deadlineAtMs: number | null;
  #abort: AbortController | null = null;
  #cancelTimer: (() => void) | null = null;
  #abandoned = false;

  constructor(
    id: number,
    connection: number,
    session: Session,
    clock: Clock,
    deadlineAtMs: number | null,
    replyBytes = 0,
  ) {
    this.id = id;
    this.connection = connection;
    this.replyBytes = replyBytes;
    this.#session = session;
    this.#clock = clock;
    this.#deadlineAtMs = deadlineAtMs;
  }

  get sender(): string {
    return this.#session.sender;
  }

  get options(): CallOptions {
    return this.#deadlineAtMs === null ? NO_OPTIONS : this;
  }

  /** Aborts with `DEADLINE_EXCEEDED` when the client's time is over or the client is gone. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#abandoned) this.#expire();
      else if (this.#deadlineAtMs !== null) this.#startTimer(this.#deadlineAtMs);
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

/** The longest delay that a timer of the runtime takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;
