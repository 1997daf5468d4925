import type { Duplex } from 'node:stream';
import type { Clock } from '../../../src/base/clock.ts';
import { NumberMap } from '../../../src/base/number-map.ts';
import type { Random } from '../../../src/base/random.ts';
import { decodeReplyBody, encodeMessage, type BodyMap } from '../../../src/protocol/codec.ts';
import { FRAME_BYTES_MAX_DEFAULT } from '../../../src/base/wire-limits.ts';
import { FrameReader, type Frame } from '../../../src/protocol/frame.ts';
import type { ErrorPayload } from '../../../src/protocol/messages.generated.ts';
import type { Call } from './call.ts';
import { ContextManagerError, fromPayload, toClientError } from './errors.ts';
import { FramePace } from './frame-pace.ts';
import { ClientHandshake, notAServer, type Identity, type Session } from './handshake.ts';
import { FrameOutbox } from './outbox.ts';

/** What a connection tells whoever keeps it. */
export interface ConnectionEvents {
  /** It is authenticated. */
  onReady(connection: Connection): void;
  /** It may take calls again, or one more. */
  onRoom(): void;
  /** The server is going away: nothing new here, what is in flight is finished. */
  onDraining(connection: Connection): void;
  /** Over. `unanswered` had no reply; the second list never left this process. */
  onClosed(
    connection: Connection,
    error: ContextManagerError,
    unanswered: readonly Call[],
    unsent: readonly Call[],
  ): void;
  onReply(call: Call, payload: unknown): void;
  onErrorReply(call: Call, error: ContextManagerError): void;
}

export interface ConnectionOptions {
  /** Where the other side is, as it is told. */
  readonly address: string;
  readonly identity: Identity;
  /** Calls in flight; the server reads no further past its own limit of 256. */
  readonly maxInFlight: number;
}

/** A connection that silence has lasted on for so many heartbeats is lost (section 3). */
const SILENT_HEARTBEATS = 3;
/** How long the end of a connection waits until the last bytes are written. */
const FLUSH_MS_MAX = 1_000;
const REQUEST_ID_MAX = 0xffff_ffff;

/** One socket's life, from hello to its end. Any duplex stream will do. */
export class Connection {
  readonly address: string;
  readonly #stream: Duplex;
  readonly #events: ConnectionEvents;
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  readonly #reader = new FrameReader();
  readonly #pace = new FramePace();
  readonly #outbox: FrameOutbox;
  readonly #inFlight = new NumberMap<Call>();
  #handshake: ClientHandshake | null;
  #session: Session | null = null;
  #draining = false;
  #closed = false;
  #lastId = 0;
  #heardAtMs: number;
  #pingedAtMs: number;
  #stopHeartbeat: (() => void) | null = null;

  constructor(stream: Duplex, options: ConnectionOptions, clock: Clock, random: Random, events: ConnectionEvents) {
    this.address = options.address;
    this.#stream = stream;
    this.#events = events;
    this.#clock = clock;
    this.#maxInFlight = options.maxInFlight;
    this.#handshake = new ClientHandshake(options.identity, clock, random);
    this.#outbox = new FrameOutbox(stream);
    this.#heardAtMs = this.#pingedAtMs = clock.monotonicMs();
    stream.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    stream.on('drain', () => events.onRoom());
    stream.on('error', (error: Error) => this.#fail(this.#lost(error)));
    stream.on('close', () => this.#fail(this.#lost()));
    stream.on('end', () => this.#fail(this.#lost()));
  }

  /** Authenticated, not going away, and neither its calls nor its bytes are too many. */
  get hasRoom(): boolean {
    return (
      this.#session !== null &&
      !this.#draining &&
      !this.#closed &&
      this.#inFlight.size < this.#maxInFlight &&
      this.#outbox.hasRoom
    );
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** What the server said that the key may use; empty before it did. */
  get namespaces(): readonly string[] {
    return this.#session?.namespaces ?? [];
  }

  /** What the server says it is; empty before it was let in. */
  get server(): string {
    return this.#session?.server ?? '';
  }

  /** Whether the server has greeted. */
  get isGreeted(): boolean {
    return this.#handshake === null || this.#handshake.answered;
  }

  calls(): Iterable<Call> {
    return this.#inFlight.values();
  }

  /** Sends a call's request. Throws, and sends nothing, where its payload cannot be sent. */
  send(call: Call, deadlineMs: number | undefined): void {
    const id = this.#takeId();
    const { outgoing, maxFrameBytes } = this.#session!;
    const request = {
      id,
      type: call.type,
      timestamp: this.#clock.nowMs(),
      payload: call.payload,
      deadline_ms: deadlineMs,
      traceparent: call.traceparent,
    };
    this.#outbox.push(encodeMessage(request, outgoing, maxFrameBytes));
    call.connection = this;
    call.requestId = id;
    call.writeNumber = this.#outbox.writeNumber;
    call.state = 'in_flight';
    this.#inFlight.set(id, call);
  }

  /** Whether a call's request has left this process. */
  hasWritten(call: Call): boolean {
    return call.writeNumber < this.#outbox.writeNumber;
  }

  /** A call that nobody waits for any more; its reply will be passed over. */
  forget(call: Call): void {
    this.#inFlight.delete(call.requestId);
    call.connection = null;
    this.#events.onRoom();
    this.#endIfDrained();
  }

  /** Takes nothing new and ends when what is in flight is answered. */
  drain(): void {
    this.#draining = true;
    this.#endIfDrained();
  }

  destroy(error: ContextManagerError): void {
    this.#fail(error);
  }

  #takeId(): number {
    do {
      this.#lastId = this.#lastId === REQUEST_ID_MAX ? 1 : this.#lastId + 1;
    } while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    const nowMs = this.#clock.monotonicMs();
    this.#heardAtMs = nowMs;
    this.#reader.push(chunk);
    let isComplete = false;
    try {
      for (let frame = this.#reader.next(); frame !== null && !this.#closed; frame = this.#reader.next()) {
        isComplete = true;
        this.#onFrame(frame);
      }
      this.#pace.count(this.#reader.bufferedBytes, isComplete, nowMs);
    } catch (error) {
      const isOurs = error instanceof ContextManagerError;
      this.#fail(this.isGreeted || isOurs ? toClientError(error) : notAServer(error));
    }
  }

  #onFrame(frame: Frame): void {
    const session = this.#session;
    if (session === null) return this.#shakeHands(frame);
    if (!session.incoming.verify(frame.tag, frame.body)) {
      throw new ContextManagerError('PROTOCOL_ERROR', 'the tag of a frame from the server does not verify');
    }
    this.#onMessage(decodeReplyBody(frame.body));
  }

  #shakeHands(frame: Frame): void {
    const handshake = this.#handshake!;
    if (!handshake.answered) {
      this.#outbox.push(handshake.answer(frame));
      // `welcome` lists the key's namespaces, which may be many.
      this.#reader.maxFrameBytes = FRAME_BYTES_MAX_DEFAULT;
      return;
    }
    const session = handshake.finish(frame);
    this.#session = session;
    this.#handshake = null;
    this.#reader.maxFrameBytes = Math.max(session.maxFrameBytes, FRAME_BYTES_MAX_DEFAULT);
    this.#stopHeartbeat = this.#clock.every(session.heartbeatMs, () => this.#onHeartbeat(session.heartbeatMs));
    this.#events.onReady(this);
  }

  #onMessage(message: BodyMap): void {
    const { id, type } = message;
    if (type === 'ping') return this.#answerPing(id);
    if (type === 'goaway') return this.#onGoaway();
    if (type === 'error' && id === 0) throw fromPayload(message['payload'] as Partial<ErrorPayload>);
    const call = this.#inFlight.get(id as number);
    if (call === undefined) return;
    this.#inFlight.delete(id as number);
    call.connection = null;
    if (type === 'result') this.#events.onReply(call, message['payload']);
    else this.#events.onErrorReply(call, fromPayload(message['payload'] ?? {}));
    this.#events.onRoom();
    this.#endIfDrained();
  }

  #answerPing(id: unknown): void {
    const answer = { id, type: 'result', timestamp: this.#clock.nowMs(), payload: {} };
    this.#outbox.push(encodeMessage(answer, this.#session!.outgoing));
  }

  #onGoaway(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#events.onDraining(this);
    this.#endIfDrained();
  }

  /** Section 3: a ping after a heartbeat of silence, the end after three, also where a frame does not come on. */
  #onHeartbeat(heartbeatMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#heardAtMs >= SILENT_HEARTBEATS * heartbeatMs) {
      this.#fail(this.#lost(undefined, 'the server fell silent'));
    } else if (this.#pace.isTooSlow(this.#reader.bufferedBytes, nowMs, heartbeatMs)) {
      this.#fail(this.#lost(undefined, 'a frame of the server does not end'));
    } else if (nowMs - this.#heardAtMs >= heartbeatMs / 2 && nowMs - this.#pingedAtMs >= heartbeatMs / 2) {
      this.#pingedAtMs = nowMs;
      // Nobody waits for the answer: any frame is a sign of life.
      const ping = { id: this.#takeId(), type: 'ping', timestamp: this.#clock.nowMs(), payload: {} };
      this.#outbox.push(encodeMessage(ping, this.#session!.outgoing));
    }
  }

  #endIfDrained(): void {
    if (!this.#draining || this.#inFlight.size > 0 || this.#closed) return;
    this.#outbox.flush();
    this.#stream.end(() => this.#stream.destroy());
    // A server that reads nothing more would keep the process from ending.
    if (this.#stream.writableLength > 0)
      this.#stream.once(
        'close',
        this.#clock.after(FLUSH_MS_MAX, () => this.#stream.destroy()),
      );
    this.#fail(this.#lost(undefined, 'it was closed'), false);
  }

  #lost(cause?: Error, reason = cause?.message ?? 'the server closed it'): ContextManagerError {
    return new ContextManagerError('CONNECTION_LOST', `the connection to ${this.address} was lost: ${reason}`, {
      retryable: true,
      details: { address: this.address },
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #fail(error: ContextManagerError, destroy = true): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopHeartbeat?.();
    const unsent: Call[] = [];
    const unanswered: Call[] = [];
    for (const call of this.#inFlight.values()) {
      call.connection = null;
      (this.hasWritten(call) ? unanswered : unsent).push(call);
    }
    this.#inFlight.clear();
    if (destroy) this.#stream.destroy();
    this.#events.onClosed(this, error, unanswered, unsent);
  }
}
