import type { Duplex } from 'node:stream';
import type { RequestBudget } from '../../api/request-budget.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { Metrics } from '../../base/metrics.ts';
import { encodeBody } from '../../protocol/codec.ts';
import type { TagSequence } from '../../protocol/proof.ts';
import type { ServerLimits } from './limits.ts';
import { errorBody, resultBody } from './replies.ts';
import { ReplyShare } from './reply-share.ts';
import { FrameWriter } from './writer.ts';

export interface OutboxDeps {
  readonly budget: RequestBudget;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** What one connection sends: encoded, tagged, within its bounds, and counted among the unread replies of all. */
export class Outbox {
  readonly share: ReplyShare;
  readonly #deps: OutboxDeps;
  readonly #writer: FrameWriter;
  readonly #onTooMuch: () => void;

  /** `onTooMuch`: more is unread than one connection may leave so; what was to be sent is not. */
  constructor(duplex: Duplex, deps: OutboxDeps, onTooMuch: () => void) {
    this.#deps = deps;
    this.#onTooMuch = onTooMuch;
    this.#writer = new FrameWriter(duplex, deps.metrics);
    this.share = new ReplyShare(deps.budget.replies, duplex.writableHighWaterMark);
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  get takenBytes(): number {
    return this.#writer.takenBytes;
  }

  startTags(tags: TagSequence): void {
    this.#writer.startTags(tags);
  }

  hold(): void {
    this.#writer.hold();
  }

  flush(): void {
    this.#writer.flush();
  }

  /** A message of the handshake: there is always room for it. */
  greet(message: object): void {
    this.#writer.send(encodeBody(message));
  }

  control(message: object): void {
    this.#send(encodeBody(message));
  }

  ping(): void {
    this.control({ id: 0, type: 'ping', timestamp: this.#deps.clock.nowMs(), payload: {} });
  }

  /** Throws `PAYLOAD_TOO_LARGE` where it is longer than a frame. */
  result(id: number, payload: object): void {
    const { clock, limits } = this.#deps;
    const body = resultBody(id, payload, clock.nowMs());
    if (!this.#fits(body)) {
      throw new CodedError('PAYLOAD_TOO_LARGE', 'the reply is longer than a frame may be: ask for less', {
        details: { max_frame_bytes: limits.maxFrameBytes },
      });
    }
    this.#send(body);
  }

  error(id: number, error: CodedError): void {
    this.#send(this.#errorBody(id, error));
  }

  /** Of the connection (section 4): the last that is sent, whatever lies unread. */
  lastError(error: CodedError): void {
    this.#writer.send(this.#errorBody(0, error));
  }

  /** Nothing is sent after it. */
  end(): void {
    this.#writer.end();
  }

  /** The stream has room again. */
  drained(): void {
    this.#writer.pump();
    this.count();
  }

  /** To be called every now and then: the stream does not tell all. */
  count(): void {
    this.share.count(this.#writer.bufferedBytes);
  }

  /** The stream is gone, and what lay in it. */
  close(): void {
    this.share.count(0);
  }

  #send(body: Uint8Array): void {
    const { maxBufferedBytes } = this.#deps.limits;
    if (this.#writer.bufferedBytes > maxBufferedBytes) this.#writer.flush();
    if (this.#writer.bufferedBytes > maxBufferedBytes) return this.#onTooMuch();
    this.#writer.send(body);
    this.count();
  }

  #fits(body: Uint8Array): boolean {
    return this.#writer.frameBytes(body) <= this.#deps.limits.maxFrameBytes;
  }

  #errorBody(id: number, error: CodedError): Uint8Array {
    return errorBody(id, error, this.#deps.clock.nowMs(), (body) => this.#fits(body));
  }
}
