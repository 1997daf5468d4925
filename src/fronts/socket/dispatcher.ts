import type { Call } from '../../api/call.ts';
import type { Gate, GateRequest } from '../../api/gate.ts';
import type { Clock } from '../../base/clock.ts';
import { badRequest, type CodedError, toCodedError } from '../../base/errors.ts';
import { decodeRequest, salvageRequestId, type BodyMap } from '../../protocol/codec.ts';
import type { Validators } from '../../protocol/messages.ts';
import { envelopeId, isPingAnswer } from './envelope.ts';
import type { Session } from './handshake.ts';
import type { ServerLimits } from './limits.ts';
import { checkTimestamp } from './timestamp.ts';

/** A request that is being worked on. */
export interface RunningRequest {
  readonly call: Call;
  /** What it weighs: its bytes, and something for each value that they hold. */
  readonly requestBytes: number;
}

/** What a value adds to the weight of a request: one of two bytes on the wire may take a hundred in memory. */
const VALUE_BYTES = 16;

/** A connection as its requests see it. */
export interface Requester {
  /** Its name in the log. */
  readonly number: number;
  readonly session: Session;
  isRunning(id: number): boolean;
  started(id: number, running: RunningRequest): void;
  settled(id: number, running: RunningRequest): void;
  /** Throws a `CodedError` where the payload cannot be sent; `refuse` it then. */
  reply(id: number, payload: object): void;
  refuse(id: number, error: CodedError): void;
  /** The client answered a ping of the server's. */
  answered(): void;
  /** Ends the connection with an error. */
  fail(error: CodedError): void;
}

export interface DispatcherDeps {
  readonly gate: Gate;
  readonly validators: Validators;
  readonly limits: ServerLimits;
  readonly clock: Clock;
}

/** Between a connection and the gate: envelopes in, replies out, and what only this wire knows of a request. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a body whose tag was verified, and sees to it that it is answered, now or later. `arrivedMs`
   * (monotonic) is when its bytes came: a deadline counts from there.
   */
  receive(body: Uint8Array, from: Requester, arrivedMs: number): void {
    const startedMs = this.#deps.clock.monotonicMs();
    let message: BodyMap;
    let valueCount: number;
    try {
      ({ message, valueCount } = decodeRequest(body));
    } catch (error) {
      // 0 is no id that a client should use: where it stands for one that cannot be read, nobody can be answered.
      return this.#turnAway(from, salvageRequestId(body) || null, {}, error, startedMs);
    }
    if (isPingAnswer(message)) return from.answered();
    let request: GateRequest & { readonly origin: { readonly request: number } };
    try {
      request = this.#request(message, from, startedMs, arrivedMs);
    } catch (error) {
      return this.#turnAway(from, envelopeId(message), message, error, startedMs);
    }
    this.#answer(request, request.origin.request, body.length + VALUE_BYTES * valueCount, from);
  }

  /** What the envelope says, and what the wire asks of it. */
  #request(
    message: BodyMap,
    from: Requester,
    startedMs: number,
    arrivedMs: number,
  ): GateRequest & { readonly origin: { readonly request: number } } {
    const { validators, clock, limits } = this.#deps;
    const envelope = validators.envelope(message);
    if (from.isRunning(envelope.id))
      throw badRequest('/id', 'is that of a request in flight', 'a request with this id is in flight');
    checkTimestamp(envelope.timestamp, clock.nowMs(), limits);
    const { principal, sender } = from.session;
    return {
      type: envelope.type,
      payload: envelope.payload,
      principal,
      sender,
      origin: { door: 'socket', connection: from.number, request: envelope.id },
      traceparent: envelope.traceparent,
      deadlineAtMs: envelope.deadline_ms === undefined ? null : arrivedMs + envelope.deadline_ms,
      startedMs,
    };
  }

  #answer(request: GateRequest, id: number, requestBytes: number, from: Requester): void {
    const { gate } = this.#deps;
    try {
      const call = gate.admit(request);
      const answered = gate.answer(call, (reply) => from.reply(id, reply));
      if (answered instanceof Promise) {
        const running = { call, requestBytes };
        from.started(id, running);
        void this.#settle(answered, id, running, from);
      }
    } catch (error) {
      this.#refuse(from, id, toCodedError(error));
    }
  }

  async #settle(answered: Promise<void>, id: number, running: RunningRequest, from: Requester): Promise<void> {
    try {
      await answered;
    } catch (error) {
      this.#refuse(from, id, toCodedError(error));
    }
    from.settled(id, running);
  }

  /** What never came to the gate. */
  #turnAway(from: Requester, id: number | null, message: BodyMap, reason: unknown, startedMs: number): void {
    const { type, traceparent } = message;
    const error = this.#deps.gate.turnedAway(
      {
        type: typeof type === 'string' ? type : undefined,
        origin: { door: 'socket', connection: from.number, request: id },
        traceparent,
        startedMs,
      },
      reason,
    );
    this.#refuse(from, id, error);
  }

  /** Section 4: an answer where the request's id is known, else the end of the connection. */
  #refuse(from: Requester, id: number | null, error: CodedError): void {
    if (id === null || error.closesConnection) from.fail(error);
    else from.refuse(id, error);
  }
}
