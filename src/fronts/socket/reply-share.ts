import type { ByteBudget, Waiter } from '../../api/byte-budget.ts';
import { hasShortReply } from './free-frames.ts';
import { STALLED_MS } from './peer-watch.ts';

/** What the unread replies of one connection take of the room that the replies of all have. */
export class ReplyShare {
  readonly #budget: ByteBudget;
  /** What lies in the stream at any time, of which no `drain` tells. */
  readonly #freeBytes: number;
  #countedBytes = 0;
  #takenBytes = 0;
  #movedMs = 0;

  constructor(budget: ByteBudget, freeBytes: number) {
    this.#budget = budget;
    this.#freeBytes = freeBytes;
  }

  /** To be told of every change, and every now and then. */
  count(unreadBytes: number): void {
    const bytes = Math.max(0, unreadBytes - this.#freeBytes);
    const more = bytes - this.#countedBytes;
    this.#countedBytes = bytes;
    if (more > 0) this.#budget.take(more);
    else if (more < 0) this.#budget.giveBack(-more);
  }

  /**
   * Whether a request may be started; where not, `waiter` is woken when it should ask again. One whose reply is short
   * waits for nobody's but its own connection's.
   */
  admits(body: Uint8Array, waiter: Waiter): boolean {
    if (this.#budget.hasRoom) return true;
    return (this.#countedBytes === 0 && hasShortReply(body)) || this.#budget.admits(waiter);
  }

  leave(waiter: Waiter): void {
    this.#budget.leave(waiter);
  }

  /** To be asked every now and then: true where others wait for room that has long been taken by replies which nobody reads. */
  isStalled(nowMs: number, takenBytes: number): boolean {
    if (this.#countedBytes === 0 || takenBytes !== this.#takenBytes) this.#movedMs = nowMs;
    this.#takenBytes = takenBytes;
    return nowMs - this.#movedMs >= STALLED_MS && this.#budget.isContended;
  }
}
