import type { RequestBudget } from '../../api/request-budget.ts';
import { NumberMap } from '../../base/number-map.ts';
import type { RunningRequest } from './request-asker.ts';
import type { ServerLimits } from './limits.ts';

/** Requests of one connection that are being worked on, and whether there is room for another (section 3). */
export class RunningRequests {
  readonly #limits: ServerLimits;
  readonly #budget: Pick<RequestBudget, 'running' | 'decoding' | 'replies'>;
  readonly #highWaterBytes: number;
  readonly #replyRoomBytes: number;
  readonly #byId = new NumberMap<RunningRequest>();
  #requestBytes = 0;
  /** What their replies are expected to weigh. */
  #expectedBytes = 0;
  /** One is being decoded: what comes behind it waits, so that requests are begun in the order in which they were sent. */
  #isDecoding = false;

  /** `drainBytes`: below it the stream tells of no `drain` after which reading could be taken up again. */
  constructor(
    limits: ServerLimits,
    budget: Pick<RequestBudget, 'running' | 'decoding' | 'replies'>,
    drainBytes: number,
  ) {
    const { highWaterBytes, replyRoomBytes, maxBufferedBytes } = limits;
    this.#limits = limits;
    this.#budget = budget;
    this.#highWaterBytes = Math.max(Math.min(highWaterBytes, maxBufferedBytes / 2), drainBytes);
    this.#replyRoomBytes = Math.max(Math.min(replyRoomBytes, maxBufferedBytes / 2), this.#highWaterBytes);
  }

  get isEmpty(): boolean {
    return this.#byId.size === 0 && !this.#isDecoding;
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  add(id: number, running: RunningRequest): void {
    this.#byId.set(id, running);
    this.#requestBytes += running.requestBytes;
    this.#expectedBytes += running.call.replyBytes;
    this.#budget.running.take(running.requestBytes);
    this.#budget.replies.take(running.call.replyBytes);
  }

  /** `decoding` a body of so many bytes takes several slices. Resolves or rejects as it does. */
  async decode(decoding: Promise<void>, bytes: number): Promise<void> {
    const { running, decoding: place } = this.#budget;
    this.#isDecoding = true;
    place.take(1);
    running.take(bytes);
    try {
      await decoding;
    } finally {
      this.#isDecoding = false;
      running.giveBack(bytes);
      place.giveBack(1);
    }
  }

  /** It is done: not before takes it no more memory, though its connection may have ended long ago. */
  remove(id: number, running: RunningRequest): void {
    if (this.#byId.delete(id)) {
      this.#requestBytes -= running.requestBytes;
      this.#expectedBytes -= running.call.replyBytes;
    }
    this.#budget.running.giveBack(running.requestBytes);
    this.#budget.replies.giveBack(running.call.replyBytes);
  }

  /** Nobody waits for them any more: those not started yet need not start. */
  abandon(): void {
    for (const { call } of this.#byId.values()) call.abandon();
    this.#byId.clear();
  }

  /** Below each bound one more gets in, whatever its size. */
  get haveRoom(): boolean {
    if (this.#isDecoding) return false;
    return this.#byId.size < this.#limits.maxInFlight && this.#requestBytes < this.#limits.maxRequestBytes;
  }

  /** Room for another reply beside `unreadBytes`: what is expected counts like what is there, as all of it may come at once. */
  haveReplyRoom(unreadBytes: number): boolean {
    return unreadBytes <= this.#highWaterBytes && unreadBytes + this.#expectedBytes <= this.#replyRoomBytes;
  }
}
