import type { Clock } from '../../base/clock.ts';
import { badRequest, CodedError, toCodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Services } from '../../api/handlers/handler.ts';
import { decodeBody, salvageRequestId, type BodyMap } from '../../protocol/codec.ts';
import type { RequestEnvelope } from '../../protocol/messages.generated.ts';
import type { Validators } from '../../protocol/messages.ts';
import { Call } from './call.ts';
import { envelopeId, isPingAnswer } from './envelope.ts';
import type { Session } from './handshake.ts';
import type { ServerLimits } from './limits.ts';
import { createMessageTable, type MessageEntry } from '../../api/operations.ts';
import { enterNamespaces } from '../../api/namespace-gate.ts';
import { RequestLedger } from './request-ledger.ts';
import { checkTimestamp } from './timestamp.ts';

/** A connection as the gate sees it. */
export interface Requester {
  /** Its name in the log. */
  readonly number: number;
  readonly session: Session;
  isRunning(id: number): boolean;
  started(call: Call): void;
  settled(call: Call): void;
  /** Throws a `CodedError` where the payload cannot be sent; `refuse` it then. */
  reply(id: number, payload: object): void;
  refuse(id: number, error: CodedError): void;
  /** Ends the connection with an error. */
  fail(error: CodedError): void;
}

export interface DispatcherDeps {
  readonly services: Services;
  readonly validators: Validators;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The one gate: whatever a request must pass before its handler runs, it passes here. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #table = createMessageTable();
  readonly #ledger: RequestLedger;
  #running = 0;
  #shuttingDown = false;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#ledger = new RequestLedger(deps.log, deps.metrics, deps.clock);
    deps.metrics.gauge('requests_in_flight', () => this.#running);
  }

  /** From now on every new request is `SHUTTING_DOWN`. */
  shutDown(): void {
    this.#shuttingDown = true;
  }

  /**
   * Takes a body whose tag was verified, and sees to it that it is answered, now or later. `arrivedMs`
   * (monotonic) is when its bytes came: a deadline counts from there.
   */
  receive(body: Uint8Array, from: Requester, arrivedMs: number): void {
    const startedMs = this.#deps.clock.monotonicMs();
    let message: BodyMap;
    try {
      message = decodeBody(body);
    } catch (error) {
      // 0 is no id that a client should use: where it stands for one that cannot be read, nobody can be answered.
      return this.#refuse(
        from,
        { id: salvageRequestId(body) || null, traceparent: undefined },
        undefined,
        error,
        startedMs,
      );
    }
    if (isPingAnswer(message)) return;
    let entry: MessageEntry | undefined;
    try {
      const request = this.#deps.validators.envelope(message);
      entry = this.#table.get(request.type);
      const call = this.#admit(entry, request, from, startedMs, arrivedMs);
      this.#run(entry!, request, call, from, startedMs);
    } catch (error) {
      this.#refuse(from, { id: envelopeId(message), traceparent: message['traceparent'] }, entry, error, startedMs);
    }
  }

  /** Every check in turn, the cheap ones first; throws the first refusal. */
  #admit(
    entry: MessageEntry | undefined,
    request: RequestEnvelope,
    from: Requester,
    startedMs: number,
    arrivedMs: number,
  ): Call {
    const { limits, clock, validators } = this.#deps;
    const { principal } = from.session;
    if (from.isRunning(request.id))
      throw badRequest('/id', 'is that of a request in flight', 'a request with this id is in flight');
    if (this.#shuttingDown) throw new CodedError('SHUTTING_DOWN', 'the server is shutting down: connect elsewhere');
    const retryAfterMs = principal.bucket?.take() ?? 0;
    if (retryAfterMs > 0) throw new CodedError('RATE_LIMITED', 'the key is over its rate', { retryAfterMs });
    if (entry === undefined) throw new CodedError('UNKNOWN_TYPE', 'there is no request of this type');
    checkTimestamp(request.timestamp, clock.nowMs(), limits);
    if (!principal.has(entry.scope)) throw new CodedError('FORBIDDEN', `the key lacks the scope ${entry.scope}`);
    validators.payload(entry.type, request.payload);
    enterNamespaces(entry.reach, request.payload, principal);
    const deadlineAtMs = request.deadline_ms === undefined ? null : arrivedMs + request.deadline_ms;
    if (deadlineAtMs !== null && startedMs >= deadlineAtMs) {
      throw new CodedError('DEADLINE_EXCEEDED', 'the deadline passed before the work was started');
    }
    if (entry.bounded && this.#running >= limits.maxInFlightTotal) {
      throw new CodedError('OVERLOADED', 'the server works on as many requests as it may', {
        retryAfterMs: OVERLOAD_RETRY_MS,
      });
    }
    return new Call(request.id, from.number, from.session, clock, deadlineAtMs, entry.replyBytes(request.payload));
  }

  #run(entry: MessageEntry, request: RequestEnvelope, call: Call, from: Requester, startedMs: number): void {
    const outcome = entry.handle(request.payload, call, this.#deps.services);
    if (outcome instanceof Promise) {
      this.#running += 1;
      from.started(call);
      void this.#settle(entry, call, from, outcome, startedMs, request.traceparent);
    } else {
      from.reply(call.id, outcome);
      this.#ledger.answered(entry.type, startedMs);
    }
  }

  async #settle(
    entry: MessageEntry,
    call: Call,
    from: Requester,
    outcome: Promise<object>,
    startedMs: number,
    traceparent: string | undefined,
  ): Promise<void> {
    try {
      from.reply(call.id, await outcome);
      this.#ledger.answered(entry.type, startedMs);
    } catch (error) {
      this.#refuse(from, { id: call.id, traceparent }, entry, error, startedMs);
    }
    this.#running -= 1;
    call.settle();
    from.settled(call);
  }

  /** Section 4: an answer where the request's id is known, else the end of the connection. */
  #refuse(
    from: Requester,
    { id, traceparent }: { readonly id: number | null; readonly traceparent: unknown },
    entry: MessageEntry | undefined,
    reason: unknown,
    startedMs: number,
  ): void {
    const error = toCodedError(reason);
    this.#ledger.failed({ type: entry?.type, connection: from.number, request: id, traceparent }, error, startedMs);
    if (id === null) from.fail(error);
    else from.refuse(id, error);
  }
}

/** Told with `OVERLOADED`: about as long as the requests ahead take. */
const OVERLOAD_RETRY_MS = 250;
