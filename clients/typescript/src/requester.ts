import type { Clock } from '../../../src/base/clock.ts';
import type { Random } from '../../../src/base/random.ts';
import { checkCall } from './arguments.ts';
import { Call } from './call.ts';
import { CallQueue } from './call-queue.ts';
import type { Connection } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { atCallSite, ContextManagerError, toClientError, unsendable, type CallSite } from './errors.ts';
import { Pool, type PoolDeps, type PoolOptions } from './pool.ts';
import { backoffMs, FAILURES_MAX, isRefusal, isRetrySafe, type BackoffOptions } from './retry.ts';
import type { CallOptions } from './types.ts';

export interface RequesterOptions extends PoolOptions {
  readonly timeoutMs: number;
  /** Calls that wait for a connection or for their next attempt; one more is refused with `QUEUE_FULL`. */
  readonly maxQueued: number;
  readonly retry: BackoffOptions;
}

/** Sees every call through: finds it a connection, makes it again where that is safe, ends it in time. */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #deadlines: Deadlines;
  readonly #queue = new CallQueue();
  /** Calls between two attempts. */
  readonly #pausing = new Set<Call>();
  /** Why no connection could be made last; undefined: one was. */
  #connectFailure: ContextManagerError | undefined;
  #closing = false;
  /** Of those who wait in `close`. */
  readonly #whenIdle = new Set<() => void>();
  /** Settles `start`; null once it has. */
  #starting: { readonly resolve: () => void; readonly reject: (error: ContextManagerError) => void } | null = null;

  constructor(options: RequesterOptions, deps: PoolDeps) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#deadlines = new Deadlines(deps.clock, () => this.#calls());
    this.#pool = new Pool(options, deps, {
      onReady: () => this.#onReady(),
      onRoom: () => this.#serveQueue(),
      onClosed: (_connection, error, unanswered, unsent) => this.#onClosed(error, unanswered, unsent),
      onConnectFailed: (error) => this.#onConnectFailed(error),
      onReply: (call, payload) => this.#onReply(call, payload),
      onErrorReply: (call, error) => this.#onErrorReply(call, error),
    });
  }

  /** Whether a connection is there that takes calls. */
  get isReady(): boolean {
    return !this.#closing && this.#pool.isReady;
  }

  get namespaces(): readonly string[] {
    return this.#pool.namespaces;
  }

  /** Resolves with the first connection; rejects where the first attempt fails. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#pool.start();
    });
  }

  request(type: string, payload: object, options: CallOptions, site: CallSite | null): Promise<unknown> {
    return new Promise((resolve, reject: (error: ContextManagerError) => void) => {
      try {
        checkCall(type, payload, options);
      } catch (error) {
        return reject(atCallSite(toClientError(error), site));
      }
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
      const call = new Call({
        type,
        payload,
        traceparent: options.traceparent,
        deadlineAtMs: this.#clock.monotonicMs() + timeoutMs,
        retrySafe: isRetrySafe(type, payload),
        site,
        onExpired: this.#onExpired,
        resolve,
        reject,
      });
      if (this.#closing) return this.#refuse(call, closedError());
      if (options.signal !== undefined && !this.#watchSignal(call, options.signal)) return;
      this.#place(call);
      this.#deadlines.watch(call.deadlineAtMs);
    });
  }

  /** Takes no more calls, waits up to `timeoutMs` for those under way, then ends every connection. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = true;
    if (this.#outstanding > 0 && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#whenIdle.delete(done);
          cancel();
          resolve();
        };
        const cancel = this.#clock.after(timeoutMs, done);
        this.#whenIdle.add(done);
      });
    }
    for (const call of [...this.#calls()]) this.#refuse(call, closedError());
    this.#deadlines.stop();
    this.#pool.close();
  }

  /** Ends everything at once. */
  destroy(error: ContextManagerError): void {
    this.#closing = true;
    this.#starting?.reject(error);
    this.#starting = null;
    for (const call of [...this.#calls()]) this.#refuse(call, error);
    this.#deadlines.stop();
    this.#pool.destroy();
  }

  /** All that are neither answered nor given up. */
  *#calls(): Generator<Call> {
    yield* this.#pool.calls();
    yield* this.#pausing;
    yield* this.#queue;
  }

  get #outstanding(): number {
    return this.#pool.inFlightCount + this.#waitingCount;
  }

  get #waitingCount(): number {
    return this.#pausing.size + this.#queue.size;
  }

  #onReady(): void {
    this.#connectFailure = undefined;
    this.#starting?.resolve();
    this.#starting = null;
  }

  /** True where the call goes on: its signal has not fired yet. */
  #watchSignal(call: Call, signal: AbortSignal): boolean {
    if (signal.aborted) {
      this.#refuse(call, aborted(signal));
      return false;
    }
    const onAbort = (): void => this.#refuse(call, aborted(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    call.detachSignal = () => signal.removeEventListener('abort', onAbort);
    return true;
  }

  /** Sends a call, or lets it wait for room. */
  #place(call: Call): void {
    const connection = this.#queue.size === 0 ? this.#pool.pick() : null;
    if (connection !== null) return this.#send(call, connection);
    if (this.#waitingCount >= this.#options.maxQueued) {
      return this.#refuse(
        call,
        new ContextManagerError('QUEUE_FULL', 'too many calls wait for a connection', { retryable: true }),
      );
    }
    call.state = 'queued';
    this.#queue.push(call);
  }

  #serveQueue(): void {
    while (this.#queue.size > 0) {
      const connection = this.#pool.pick();
      if (connection === null) return;
      this.#send(this.#queue.shift()!, connection);
    }
  }

  #send(call: Call, connection: Connection): void {
    const leftMs = call.deadlineAtMs - this.#clock.monotonicMs();
    try {
      connection.send(call, leftMs > Number.MAX_SAFE_INTEGER ? undefined : Math.max(1, Math.floor(leftMs)));
    } catch (error) {
      this.#refuse(call, unsendable(error));
    }
  }

  #onReply(call: Call, payload: unknown): void {
    this.#settle(call);
    call.resolve(payload);
  }

  /** Section 6: with every retryable code nothing was done, so that any request may be made again. */
  #onErrorReply(call: Call, error: ContextManagerError): void {
    if (error.retryable && error.code !== 'DEADLINE_EXCEEDED') this.#tryAgain(call, error, error);
    else this.#refuse(call, error);
  }

  #onClosed(error: ContextManagerError, unanswered: readonly Call[], unsent: readonly Call[]): void {
    for (const call of unsent) this.#tryAgain(call, error, lostWhile(call, error));
    for (const call of unanswered) {
      call.sent = true;
      if (call.retrySafe) this.#tryAgain(call, error, lostWhile(call, error));
      else this.#refuse(call, lostWhile(call, error));
    }
  }

  #onConnectFailed(error: ContextManagerError): void {
    this.#connectFailure = error;
    if (this.#starting !== null) {
      this.#starting.reject(error);
      this.#starting = null;
      return;
    }
    if (!isRefusal(error) || this.#pool.isHopeful) return;
    // The server does not want this client: waiting would only hide it from the callers.
    for (const call of this.#queue.takeAll()) this.#refuse(call, error);
  }

  /** Another attempt after a pause, or `refusal` where there is no time or no room for one. */
  #tryAgain(call: Call, error: ContextManagerError, refusal: ContextManagerError): void {
    call.failures += 1;
    call.lastError = error;
    const delayMs = Math.max(error.retryAfterMs ?? 0, backoffMs(this.#options.retry, call.failures, this.#random));
    const hasTime = this.#clock.monotonicMs() + delayMs < call.deadlineAtMs;
    if (!hasTime || call.failures > FAILURES_MAX || this.#waitingCount >= this.#options.maxQueued) {
      return this.#refuse(call, refusal);
    }
    call.state = 'pausing';
    this.#pausing.add(call);
    call.cancelPause = this.#clock.after(delayMs, () => {
      this.#endPause(call);
      this.#place(call);
    });
  }

  readonly #onExpired = (call: Call): void => {
    const sent = call.sent || (call.connection?.hasWritten(call) ?? false);
    const message = sent ? 'no answer came in time' : 'no connection took the call in time';
    const cause = (call.state === 'queued' ? this.#connectFailure : undefined) ?? call.lastError;
    this.#refuse(
      call,
      new ContextManagerError('TIMEOUT', cause === undefined ? message : `${message}: ${cause.message}`, {
        retryable: call.retrySafe || !sent,
        details: { sent },
        ...(cause === undefined ? {} : { cause }),
      }),
    );
  };

  #refuse(call: Call, error: ContextManagerError): void {
    if (call.state === 'settled') return;
    this.#settle(call);
    call.reject(atCallSite(error, call.site));
  }

  /** Takes a call out of wherever it is. */
  #settle(call: Call): void {
    if (call.state === 'queued') this.#queue.remove(call);
    else if (call.state === 'pausing') this.#endPause(call);
    call.state = 'settled';
    call.detachSignal?.();
    call.connection?.forget(call);
    if (this.#whenIdle.size > 0 && this.#outstanding === 0) for (const done of this.#whenIdle) done();
  }

  #endPause(call: Call): void {
    this.#pausing.delete(call);
    call.cancelPause?.();
    call.cancelPause = null;
  }
}

function lostWhile(call: Call, cause: ContextManagerError): ContextManagerError {
  if (cause.code === 'CLOSED') return cause;
  return new ContextManagerError('CONNECTION_LOST', `${cause.message}, and no reply had come`, {
    retryable: call.retrySafe || !call.sent,
    details: { ...cause.details, sent: call.sent },
    cause,
  });
}

function aborted(signal: AbortSignal): ContextManagerError {
  return new ContextManagerError('ABORTED', 'the call was aborted', { cause: signal.reason });
}

function closedError(): ContextManagerError {
  return new ContextManagerError('CLOSED', 'the client was closed');
}
