import type { Duplex } from 'node:stream';
import type { RequestBudget } from '../../api/request-budget.ts';
import { certificateNamesOf } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, toCodedError } from '../../base/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { shuttingDown, slowConsumer, slowFrame } from './connection-errors.ts';
import { ConnectionReports, type ReportDeps } from './connection-reports.ts';
import type { Dispatcher } from './dispatcher.ts';
import { Goodbye } from './goodbye.ts';
import { Handshake, type HandshakeDeps, type Session } from './handshake.ts';
import { Inbox } from './inbox.ts';
import type { ServerLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { PeerWatch, type PeerState } from './peer-watch.ts';
import type { Peer, Requester, RunningRequest } from './request-asker.ts';
import { RunningRequests } from './running-requests.ts';

export interface ConnectionDeps extends HandshakeDeps, ReportDeps {
  readonly dispatcher: Dispatcher;
  readonly budget: RequestBudget;
  readonly limits: ServerLimits;
  readonly clock: Clock;
}

/**
 * `handshake` until `welcome`, `delayed` while the answer to one that failed waits, `open` while it is served, `closing` while
 * what was sent may still be read.
 */
type Phase = 'handshake' | 'delayed' | 'open' | 'closing' | 'closed';

/** One socket's life: handshake, requests in, replies out, flow in both directions, the end. */
export class Connection implements Requester {
  readonly number: number;
  readonly addressBucket: Requester['addressBucket'];
  readonly address: string | undefined;
  readonly #duplex: Duplex;
  readonly #deps: ConnectionDeps;
  readonly #onClosed: (connection: Connection) => void;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #watch: PeerWatch;
  readonly #startedMs: number;
  readonly #running: RunningRequests;
  readonly #reports: ConnectionReports;
  #phase: Phase = 'handshake';
  #handshake: Handshake | null;
  #session: Session | null = null;
  readonly #goodbye = new Goodbye();
  #peerEnded = false;
  #paused = false;
  #cancelTimer: (() => void) | null = null;

  constructor(duplex: Duplex, peer: Peer, deps: ConnectionDeps, onClosed: (connection: Connection) => void) {
    const { limits, clock } = deps;
    this.number = peer.number;
    this.address = peer.address;
    this.addressBucket = peer.addressBucket;
    this.#duplex = duplex;
    this.#deps = deps;
    this.#onClosed = onClosed;
    this.#outbox = new Outbox(duplex, deps, () => this.fail(slowConsumer()));
    this.#handshake = new Handshake(deps, () => certificateNamesOf(duplex));
    this.#startedMs = clock.monotonicMs();
    this.#watch = new PeerWatch(this.#startedMs, limits.heartbeatMs);
    this.#inbox = new Inbox(deps.budget, this.#outbox.share, () => this.#takeUpReading());
    this.#reports = new ConnectionReports(peer, deps);
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
    this.#outbox.greet(this.#handshake!.hello());
    this.#outbox.flush();
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
  }

  reply(id: number, payload: object): void {
    if (this.#phase === 'open') this.#outbox.result(id, payload);
  }

  refuse(id: number, error: CodedError): void {
    if (this.#phase === 'open') this.#outbox.error(id, error);
  }

  /** A connection-level error: told with id 0, then the connection is closed (section 4). */
  fail(error: CodedError): void {
    if (!this.isLive()) return;
    let delayMs = 0;
    if (this.#handshake === null) this.#reports.failed(error);
    else delayMs = this.#reports.notAuthenticated(error, this.#handshake.claimedKeyId);
    if (delayMs > 0) this.#failLater(error, delayMs);
    else this.#endWith(error);
  }

  dismiss(error: CodedError): void {
    if (this.#phase !== 'open') return;
    this.#goodbye.dismiss(error, this.#deps.clock.monotonicMs(), this.#session!.principal.isRevoked);
    this.#finishIfDone();
    this.#updateFlow();
  }

  /** What waits so is read no more and holds nothing, and is over with the time for the handshake at the latest. */
  #failLater(error: CodedError, delayMs: number): void {
    const { clock, limits } = this.#deps;
    const leftMs = this.#startedMs + limits.authTimeoutMs - clock.monotonicMs();
    this.#phase = 'delayed';
    this.#inbox.close();
    this.#duplex.pause();
    this.#cancelTimer = clock.after(Math.min(delayMs, leftMs), () => this.#endWith(error));
  }

  #endWith(error: CodedError): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#outbox.lastError(error);
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
    } else if (this.#phase === 'delayed') {
      this.#endWith(shuttingDown());
    } else if (this.#phase === 'open' && this.#goodbye.say()) {
      this.#outbox.control({ type: 'goaway', deadline_ms: deadlineMs, timestamp: this.#deps.clock.nowMs() });
      this.#outbox.ping();
      this.#finishIfDone();
    }
  }

  answered(): void {
    this.#goodbye.answered();
  }

  destroy(): void {
    this.#duplex.destroy();
  }

  /**
   * What time brings about: the end of a handshake that takes too long, of a key's validity and of a silent
   * peer, and pings. Called every now and then for each connection; true where it sent something.
   */
  sweep(nowMs: number): boolean {
    this.#outbox.count();
    if (this.#phase === 'open') return this.#sweepOpen(nowMs);
    if (this.#phase === 'handshake' && nowMs - this.#startedMs >= this.#deps.limits.authTimeoutMs) {
      this.fail(new CodedError('AUTH_TIMEOUT', 'the connection did not authenticate in time'));
      return true;
    }
    if (this.#phase === 'closing' && this.#reading(nowMs) === 'stalled') this.destroy();
    return false;
  }

  #sweepOpen(nowMs: number): boolean {
    const ended = this.#session!.principal.endedBecause(this.#deps.clock.nowMs());
    if (ended !== null) this.dismiss(new CodedError('AUTH_FAILED', ended));
    this.#finishIfDone();
    if (this.#phase !== 'open') return true;
    const inTheWay = this.#outbox.share.isStalled(nowMs, this.#outbox.takenBytes);
    if (inTheWay || this.#inbox.isTooSlow(nowMs)) {
      this.fail(inTheWay ? slowConsumer() : slowFrame());
      return true;
    }
    if (this.#isIdle() && this.#goodbye.isOver(nowMs, this.#watch.arrivedMs)) {
      this.#close();
      return true;
    }
    switch (this.#paused ? this.#reading(nowMs) : this.#watch.listening(nowMs)) {
      case 'alive':
        return false;
      case 'ping':
        this.#outbox.ping();
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
    return this.#watch.reading(nowMs, this.#outbox.bufferedBytes, this.#outbox.takenBytes, requestsWait);
  }

  isLive(): boolean {
    return this.#phase === 'open' || this.#phase === 'handshake';
  }

  #onData(chunk: Uint8Array): void {
    if (!this.isLive()) return;
    this.#watch.heard(this.#deps.clock.monotonicMs());
    this.#deps.metrics.count('bytes_received_total', undefined, chunk.length);
    this.#inbox.push(chunk);
    this.#readFrames();
    this.#finishIfDone();
  }

  /** Takes frames for as long as the bounds of section 3 let it; what it leaves stays in the reader. */
  #readFrames(): void {
    this.#outbox.hold();
    try {
      while (this.#mayTakeFrame()) {
        const frame = this.#inbox.next();
        if (frame === null) break;
        this.#onFrame(frame);
      }
    } catch (error) {
      this.fail(toCodedError(error));
    }
    this.#outbox.flush();
    this.#updateFlow();
  }

  #mayTakeFrame(): boolean {
    if (!this.isLive() || this.#goodbye.isDismissed || !this.#running.haveRoom) return false;
    if (this.#running.haveReplyRoom(this.#outbox.bufferedBytes)) return true;
    this.#outbox.flush();
    return this.#running.haveReplyRoom(this.#outbox.bufferedBytes);
  }

  #onFrame(frame: Frame): void {
    if (this.#session === null) return this.#authenticate(frame);
    if (!this.#session.incoming.verify(frame.tag, frame.body)) {
      throw new CodedError('AUTH_FAILED', 'the tag of a frame does not verify');
    }
    const decoding = this.#deps.dispatcher.receive(frame.body, this, this.#watch.arrivedMs);
    if (decoding !== null)
      void this.#running.decode(decoding, frame.body.length).then(
        () => this.#takeUpReading(),
        (error: unknown) => this.fail(toCodedError(error)),
      );
  }

  #authenticate(frame: Frame): void {
    const session = this.#handshake!.authenticate(frame);
    this.#inbox.maxFrameBytes = this.#deps.limits.maxFrameBytes;
    this.#outbox.startTags(session.outgoing);
    this.#outbox.greet(this.#handshake!.welcome(session));
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
    this.#outbox.drained();
    this.#takeUpReading();
  }

  #takeUpReading(): void {
    if (this.#phase === 'open' && this.#paused && this.#mayTakeFrame()) this.#readFrames();
    this.#finishIfDone();
  }

  #onPeerEnd(): void {
    this.#peerEnded = true;
    if (this.#phase === 'handshake') this.#close();
    else this.#finishIfDone();
  }

  /** Ends a connection that has nothing left to do; requests that have come are answered first, if only with a refusal. */
  #finishIfDone(): void {
    if (this.#phase !== 'open') return;
    if (this.#goodbye.isDismissed) {
      const error = this.#goodbye.due(this.#running.isEmpty, this.#deps.clock.monotonicMs());
      if (error !== null) this.fail(error);
    } else if (this.#peerEnded && this.#isIdle()) this.#close();
  }

  #isIdle(): boolean {
    return !this.#paused && this.#running.isEmpty && this.#duplex.readableLength === 0;
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
    this.#outbox.end();
    this.#duplex.resume();
  }

  #startGrace(): void {
    if (this.#phase !== 'closing' || this.#cancelTimer !== null) return;
    this.#cancelTimer = this.#deps.clock.after(this.#deps.limits.closeGraceMs, () => this.destroy());
  }

  #onStreamError(error: Error): void {
    this.#reports.streamFailed(error);
    this.destroy();
  }

  #onClose(): void {
    this.#phase = 'closed';
    this.#cancelTimer?.();
    this.#running.abandon();
    this.#inbox.close();
    this.#outbox.close();
    this.#onClosed(this);
  }
}
