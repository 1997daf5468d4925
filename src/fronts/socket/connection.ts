import type { Duplex } from 'node:stream';
import type { RequestBudget } from '../../api/request-budget.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, toCodedError } from '../../base/errors.ts';
import { encodeBody } from '../../protocol/codec.ts';
import type { Frame } from '../../protocol/frame.ts';
import { shuttingDown, slowConsumer, slowFrame } from './connection-errors.ts';
import { ConnectionReports, type ReportDeps } from './connection-reports.ts';
import type { Dispatcher } from './dispatcher.ts';
import { Handshake, type HandshakeDeps, type Session } from './handshake.ts';
import { Inbox } from './inbox.ts';
import type { ServerLimits } from './limits.ts';
import { PeerWatch, type PeerState } from './peer-watch.ts';
import { errorBody, resultBody } from './replies.ts';
import type { Requester, RunningRequest } from './request-asker.ts';
import { ReplyShare } from './reply-share.ts';
import { RunningRequests } from './running-requests.ts';
import { FrameWriter } from './writer.ts';

export interface ConnectionDeps extends HandshakeDeps, ReportDeps {
  readonly dispatcher: Dispatcher;
  readonly budget: RequestBudget;
  readonly limits: ServerLimits;
  readonly clock: Clock;
}

/** `handshake` until `welcome`, `open` while it is served, `closing` while what was sent may still be read. */
type Phase = 'handshake' | 'open' | 'closing' | 'closed';

/** A peer that knows of the server's end, waits for nothing and has been silent for so long will send nothing more. */
const FAREWELL_QUIET_MS = 500;

/** One socket's life: handshake, requests in, replies out, flow in both directions, the end. */
export class Connection implements Requester {
  readonly number: number;
  addressBucket: Requester['addressBucket'] = null;
  readonly #duplex: Duplex;
  readonly #deps: ConnectionDeps;
  readonly #onClosed: (connection: Connection) => void;
  readonly #inbox: Inbox;
  readonly #writer: FrameWriter;
  readonly #watch: PeerWatch;
  readonly #startedMs: number;
  readonly #running: RunningRequests;
  readonly #share: ReplyShare;
  readonly #reports: ConnectionReports;
  #phase: Phase = 'handshake';
  #handshake: Handshake | null;
  #session: Session | null = null;
  /** What the peer is known to know of the server's end (section 3). */
  #farewell: 'none' | 'said' | 'heard' = 'none';
  #peerEnded = false;
  #paused = false;
  #cancelGrace: (() => void) | null = null;

  constructor(duplex: Duplex, number: number, deps: ConnectionDeps, onClosed: (connection: Connection) => void) {
    const { limits, clock, metrics } = deps;
    this.number = number;
    this.#duplex = duplex;
    this.#deps = deps;
    this.#onClosed = onClosed;
    this.#writer = new FrameWriter(duplex, metrics);
    this.#handshake = new Handshake(deps);
    this.#startedMs = clock.monotonicMs();
    this.#watch = new PeerWatch(this.#startedMs, limits.heartbeatMs);
    this.#share = new ReplyShare(deps.budget.replies, duplex.writableHighWaterMark);
    this.#inbox = new Inbox(deps.budget, this.#share, () => this.#takeUpReading());
    this.#reports = new ConnectionReports(number, duplex, deps);
    this.#running = new RunningRequests(limits, deps.budget, duplex.writableHighWaterMark);
  }

  /** Takes the stream over and says hello. */
  start(): void {
    const duplex = this.#duplex;
    duplex.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    duplex.on('drain', () => this.#onDrain());
    duplex.on('end', () => this.#onPeerEnd());
    duplex.on('error', (error) => this.#onStreamError(error));
    duplex.on('close', () => this.#onClose());
    this.#writer.send(encodeBody(this.#handshake!.hello()));
    this.#writer.flush();
  }

  get session(): Session {
    return this.#session!;
  }

  isRunning(id: number): boolean {
    return this.#running.has(id);
  }

  started(id: number, running: RunningRequest): void {
    this.#running.add(id, running);
  }

  settled(id: number, running: RunningRequest): void {
    this.#running.remove(id, running);
    this.#takeUpReading();
    this.#finishIfDone();
  }

  reply(id: number, payload: object): void {
    if (this.#phase !== 'open') return;
    const { clock, limits } = this.#deps;
    const body = resultBody(id, payload, clock.nowMs());
    if (!this.#fits(body)) {
      throw new CodedError('PAYLOAD_TOO_LARGE', 'the reply is longer than a frame may be: ask for less', {
        details: { max_frame_bytes: limits.maxFrameBytes },
      });
    }
    this.#send(body);
  }

  refuse(id: number, error: CodedError): void {
    if (this.#phase === 'open') this.#send(this.#errorBody(id, error));
  }

  /** A connection-level error: told with id 0, then the connection is closed (section 4). */
  fail(error: CodedError): void {
    if (!this.#isLive()) return;
    if (this.#handshake === null) this.#reports.failed(error);
    else this.#reports.notAuthenticated(error, this.#handshake.claimedKeyId);
    this.#writer.send(this.#errorBody(0, error));
    this.#close();
    this.#startGrace();
  }

  /**
   * Section 3: announces the end. Requests may be on their way until the peer has heard of it, so they are still read and
   * answered: the ping behind the goaway is answered after them.
   */
  goAway(deadlineMs: number): void {
    if (this.#phase === 'handshake') {
      this.fail(shuttingDown());
    } else if (this.#phase === 'open' && this.#farewell === 'none') {
      this.#farewell = 'said';
      this.#send(encodeBody({ type: 'goaway', deadline_ms: deadlineMs, timestamp: this.#deps.clock.nowMs() }));
      this.#sendPing();
      this.#finishIfDone();
    }
  }

  answered(): void {
    if (this.#farewell === 'said') this.#farewell = 'heard';
  }

  destroy(): void {
    this.#duplex.destroy();
  }

  /**
   * What time brings about: the end of a handshake that takes too long, of a key's validity and of a silent
   * peer, and pings. Called every now and then for each connection; true where it sent something.
   */
  sweep(nowMs: number): boolean {
    this.#share.count(this.#writer.bufferedBytes);
    if (this.#phase === 'open') return this.#sweepOpen(nowMs);
    if (this.#phase === 'handshake' && nowMs - this.#startedMs >= this.#deps.limits.authTimeoutMs) {
      this.fail(new CodedError('AUTH_TIMEOUT', 'the connection did not authenticate in time'));
      return true;
    }
    if (this.#phase === 'closing' && this.#reading(nowMs) === 'stalled') this.destroy();
    return false;
  }

  #sweepOpen(nowMs: number): boolean {
    if (this.#session!.principal.hasExpired(this.#deps.clock.nowMs())) {
      this.fail(new CodedError('AUTH_FAILED', 'the key has expired'));
      return true;
    }
    const inTheWay = this.#share.isStalled(nowMs, this.#writer.takenBytes);
    if (inTheWay || this.#inbox.isTooSlow(nowMs)) {
      this.fail(inTheWay ? slowConsumer() : slowFrame());
      return true;
    }
    if (this.#farewell === 'heard' && this.#isIdle() && nowMs - this.#watch.arrivedMs >= FAREWELL_QUIET_MS) {
      this.#close();
      return true;
    }
    switch (this.#paused ? this.#reading(nowMs) : this.#watch.listening(nowMs)) {
      case 'alive':
        return false;
      case 'ping':
        this.#sendPing();
        return true;
      case 'silent':
        this.#reports.fellSilent();
        this.#close();
        this.#startGrace();
        return true;
      case 'stalled':
        this.fail(slowConsumer());
        return true;
    }
  }

  #reading(nowMs: number): PeerState {
    const requestsWait = this.#phase === 'open' && (!this.#inbox.isEmpty || this.#duplex.readableLength > 0);
    return this.#watch.reading(nowMs, this.#writer.bufferedBytes, this.#writer.takenBytes, requestsWait);
  }

  #isLive(): boolean {
    return this.#phase === 'open' || this.#phase === 'handshake';
  }

  #onData(chunk: Uint8Array): void {
    if (!this.#isLive()) return;
    this.#watch.heard(this.#deps.clock.monotonicMs());
    this.#deps.metrics.count('bytes_received_total', undefined, chunk.length);
    this.#inbox.push(chunk);
    this.#readFrames();
    this.#finishIfDone();
  }

  /** Takes frames for as long as the bounds of section 3 let it; what it leaves stays in the reader. */
  #readFrames(): void {
    this.#writer.hold();
    try {
      while (this.#mayTakeFrame()) {
        const frame = this.#inbox.next();
        if (frame === null) break;
        this.#onFrame(frame);
      }
    } catch (error) {
      this.fail(toCodedError(error));
    }
    this.#writer.flush();
    this.#updateFlow();
  }

  #mayTakeFrame(): boolean {
    if (!this.#isLive() || !this.#running.haveRoom) return false;
    if (this.#running.haveReplyRoom(this.#writer.bufferedBytes)) return true;
    this.#writer.flush();
    return this.#running.haveReplyRoom(this.#writer.bufferedBytes);
  }

  #onFrame(frame: Frame): void {
    if (this.#session === null) return this.#authenticate(frame);
    if (!this.#session.incoming.verify(frame.tag, frame.body)) {
      throw new CodedError('AUTH_FAILED', 'the tag of a frame does not verify');
    }
    this.#deps.dispatcher.receive(frame.body, this, this.#watch.arrivedMs);
  }

  #authenticate(frame: Frame): void {
    const session = this.#handshake!.authenticate(frame);
    this.#inbox.maxFrameBytes = this.#deps.limits.maxFrameBytes;
    this.#writer.startTags(session.outgoing);
    this.#writer.send(encodeBody(this.#handshake!.welcome(session)));
    this.#session = session;
    this.#handshake = null;
    this.#phase = 'open';
    this.#reports.authenticated(session);
  }

  #updateFlow(): void {
    if (this.#phase !== 'open') return;
    const pause = this.#inbox.isWaiting || !this.#mayTakeFrame();
    if (pause === this.#paused) return;
    this.#paused = pause;
    this.#watch.reset(this.#deps.clock.monotonicMs());
    if (pause) this.#duplex.pause();
    else this.#duplex.resume();
  }

  #onDrain(): void {
    this.#writer.pump();
    this.#share.count(this.#writer.bufferedBytes);
    this.#takeUpReading();
  }

  #takeUpReading(): void {
    if (this.#phase !== 'open' || !this.#paused || !this.#mayTakeFrame()) return;
    this.#readFrames();
    this.#finishIfDone();
  }

  #onPeerEnd(): void {
    this.#peerEnded = true;
    if (this.#phase === 'handshake') this.#close();
    else this.#finishIfDone();
  }

  /** Ends a connection that has nothing left to do; requests that have come are answered first, if only with a refusal. */
  #finishIfDone(): void {
    if (this.#phase === 'open' && this.#peerEnded && this.#isIdle()) this.#close();
  }

  #isIdle(): boolean {
    return !this.#paused && this.#running.size === 0 && this.#duplex.readableLength === 0;
  }

  /**
   * From here on nothing is sent. What still comes is thrown away rather than left: bytes that nobody read
   * would reset the connection, and the last reply with it.
   */
  #close(): void {
    this.#phase = 'closing';
    this.#watch.reset(this.#deps.clock.monotonicMs());
    this.#running.abandon();
    this.#inbox.close();
    this.#duplex.once('finish', () => this.#startGrace());
    this.#writer.end();
    this.#duplex.resume();
  }

  #startGrace(): void {
    if (this.#phase !== 'closing' || this.#cancelGrace !== null) return;
    this.#cancelGrace = this.#deps.clock.after(this.#deps.limits.closeGraceMs, () => this.destroy());
  }

  #onStreamError(error: Error): void {
    this.#reports.streamFailed(error);
    this.destroy();
  }

  #onClose(): void {
    this.#phase = 'closed';
    this.#cancelGrace?.();
    this.#running.abandon();
    this.#inbox.close();
    this.#share.count(0);
    this.#onClosed(this);
  }

  #sendPing(): void {
    this.#send(encodeBody({ id: 0, type: 'ping', timestamp: this.#deps.clock.nowMs(), payload: {} }));
  }

  #send(body: Uint8Array): void {
    if (this.#writer.bufferedBytes > this.#deps.limits.maxBufferedBytes) this.#writer.flush();
    if (this.#writer.bufferedBytes > this.#deps.limits.maxBufferedBytes) return this.fail(slowConsumer());
    this.#writer.send(body);
    this.#share.count(this.#writer.bufferedBytes);
  }

  #fits(body: Uint8Array): boolean {
    return this.#writer.frameBytes(body) <= this.#deps.limits.maxFrameBytes;
  }

  #errorBody(id: number, error: CodedError): Uint8Array {
    return errorBody(id, error, this.#deps.clock.nowMs(), (body) => this.#fits(body));
  }
}
