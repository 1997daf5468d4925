import type { Gate } from '../../api/gate.ts';
import type { GateRequest } from '../../api/gate-request.ts';
import type { Origin } from '../../api/handlers/handler.ts';
import type { Clock } from '../../base/clock.ts';
import { badRequest } from '../../base/errors.ts';
import { decodeRequest, salvageRequestId, type BodyMap } from '../../protocol/codec.ts';
import type { Validators } from '../../protocol/messages.ts';
import { envelopeId, isPingAnswer } from './envelope.ts';
import type { ServerLimits } from './limits.ts';
import { refuse, RequestAsker, type Requester } from './request-asker.ts';
import { checkTimestamp } from './timestamp.ts';

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
      request = this.#request(message, body.length, from, startedMs, arrivedMs);
    } catch (error) {
      return this.#turnAway(from, envelopeId(message), message, error, startedMs);
    }
    const { gate, limits } = this.#deps;
    const bytes = body.length + limits.valueBytes * valueCount;
    gate.serve(request, new RequestAsker(from, request.origin.request, bytes, limits.itemBytes));
  }

  /** What the envelope says, and what the wire asks of it. */
  #request(
    message: BodyMap,
    bytes: number,
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
      addressBucket: from.addressBucket(),
      origin: originOf(from, envelope.id),
      bytes,
      traceparent: envelope.traceparent,
      deadlineAtMs: envelope.deadline_ms === undefined ? null : arrivedMs + envelope.deadline_ms,
      startedMs,
    };
  }

  /** What never came to the gate. */
  #turnAway(from: Requester, id: number | null, message: BodyMap, reason: unknown, startedMs: number): void {
    const { type, traceparent } = message;
    const error = this.#deps.gate.turnedAway(
      {
        type: typeof type === 'string' ? type : undefined,
        origin: originOf(from, id),
        traceparent,
        principal: from.session.principal,
        startedMs,
      },
      reason,
    );
    refuse(from, id, error);
  }
}

function originOf<Id extends number | null>(
  { number, address }: Requester,
  request: Id,
): Origin & { readonly request: Id } {
  return { door: 'socket', connection: number, address, request };
}
