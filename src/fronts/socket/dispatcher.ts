import type { Gate } from '../../api/gate.ts';
import type { GateRequest } from '../../api/gate-request.ts';
import type { Origin } from '../../api/handlers/handler.ts';
import type { Clock } from '../../base/clock.ts';
import { badRequest } from '../../base/errors.ts';
import { LoopTurns } from '../../base/loop-turns.ts';
import {
  decodeRequest,
  isLongBody,
  salvageRequestId,
  SlicedDecoding,
  type BodyMap,
  type DecodedRequest,
} from '../../protocol/codec.ts';
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

/** A body, whose, and when it came and was taken up, on the monotonic clock. */
interface Arrival {
  readonly body: Uint8Array;
  readonly from: Requester;
  readonly arrivedMs: number;
  readonly startedMs: number;
}

type WireRequest = GateRequest & { readonly origin: { readonly request: number } };

/** Between a connection and the gate: envelopes in, replies out, and what only this wire knows of a request. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #turns = new LoopTurns();

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a body whose tag was verified, and sees to it that it is answered, now or later. `arrivedMs`
   * (monotonic) is when its bytes came: a deadline counts from there. Null: it was decoded at once; else it is
   * when this resolves, and no other of the connection is to be taken before.
   */
  receive(body: Uint8Array, from: Requester, arrivedMs: number): Promise<void> | null {
    const arrival: Arrival = { body, from, arrivedMs, startedMs: this.#deps.clock.monotonicMs() };
    if (isLongBody(body)) return this.#receiveLong(arrival);
    let decoded: DecodedRequest;
    try {
      decoded = decodeRequest(body);
    } catch (error) {
      this.#undecodable(arrival, salvageRequestId(body), error);
      return null;
    }
    this.#serve(this.#requestIn(decoded.message, arrival), decoded.valueCount, arrival);
    return null;
  }

  #receiveLong(arrival: Arrival): Promise<void> | null {
    const decoding = new SlicedDecoding(arrival.body);
    const slices = decoding.run();
    const next = (): IteratorResult<void, DecodedRequest> | null => {
      try {
        return slices.next();
      } catch (error) {
        this.#undecodable(arrival, decoding.requestId, error);
        return null;
      }
    };
    const first = next();
    if (first === null) return null;
    if (first.done !== true) return this.#goOn(next, arrival);
    this.#serve(this.#requestIn(first.value.message, arrival), first.value.valueCount, arrival);
    return null;
  }

  /** Slice by slice, for as long as somebody waits for the answer. */
  async #goOn(next: () => IteratorResult<void, DecodedRequest> | null, arrival: Arrival): Promise<void> {
    const { from } = arrival;
    let slice: IteratorResult<void, DecodedRequest> | null;
    do {
      await this.#turns.next();
      slice = from.isLive() ? next() : null;
      if (slice === null) return;
    } while (slice.done !== true);
    const { message, valueCount } = slice.value;
    const request = this.#requestIn(message, arrival);
    if (request === null) return;
    const checks = this.#deps.gate.payloadSlices(request.type, request.payload);
    while (checks.next().done !== true) {
      await this.#turns.next();
      if (!from.isLive()) return;
    }
    this.#serve(request, valueCount, arrival);
  }

  /** Null: there is none, or it was refused. */
  #requestIn(message: BodyMap, arrival: Arrival): WireRequest | null {
    const { from, startedMs } = arrival;
    if (isPingAnswer(message)) {
      from.answered();
      return null;
    }
    try {
      return this.#request(message, arrival);
    } catch (error) {
      this.#turnAway(from, envelopeId(message), message, error, startedMs);
      return null;
    }
  }

  #serve(request: WireRequest | null, valueCount: number, { body, from }: Arrival): void {
    if (request === null) return;
    const { gate, limits } = this.#deps;
    const bytes = body.length + limits.valueBytes * valueCount;
    gate.serve(request, new RequestAsker(from, request.origin.request, bytes, limits.itemBytes));
  }

  /** What the envelope says, and what the wire asks of it. */
  #request(message: BodyMap, { body, from, startedMs, arrivedMs }: Arrival): WireRequest {
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
      bytes: body.length,
      traceparent: envelope.traceparent,
      deadlineAtMs: envelope.deadline_ms === undefined ? null : arrivedMs + envelope.deadline_ms,
      startedMs,
    };
  }

  /** 0 is no id that a client should use: where it stands for one that cannot be read, nobody can be answered. */
  #undecodable({ from, startedMs }: Arrival, id: number, error: unknown): void {
    this.#turnAway(from, id || null, {}, error, startedMs);
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
