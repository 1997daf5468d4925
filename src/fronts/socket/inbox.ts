import type { Waiter } from '../../api/byte-budget.ts';
import type { FrameBudget } from '../../api/frame-budget.ts';
import type { RequestBudget } from '../../api/request-budget.ts';
import { isLongBody } from '../../protocol/codec.ts';
import { FrameReader, type Frame } from '../../protocol/frame.ts';
import { FREE_BYTES, isFree } from './free-frames.ts';
import type { ReplyShare } from './reply-share.ts';

/**
 * Where others wait for the room that a frame takes, so many of its bytes must come in this time. It is looked at so
 * often at least before it is found too slow: a server that was held up itself has not read what was there.
 */
const PACE_MS = 2_500;
const PACE_BYTES = 64 * 1024;
const PACE_LOOKS_MIN = 4;

/**
 * Frames of one connection as they come, within what all connections may hold together: past that it is not to be read
 * from (`isWaiting`) until `onRoom`.
 */
export class Inbox implements Waiter {
  readonly #budget: RequestBudget;
  readonly #replies: ReplyShare;
  readonly #onRoom: () => void;
  #reader = new FrameReader();
  /** Complete, and waiting until it may be worked on. */
  #held: Frame | null = null;
  #waitsForBytes = false;
  /** What the frame that is coming, or held, counts as, and where. */
  #countedBytes = 0;
  #countedIn: FrameBudget | null = null;
  /** Since when its pace is measured; null: it is not. */
  #pacedFromMs: number | null = null;
  #pacedBytes = 0;
  #pacedLooks = 0;

  constructor(budget: RequestBudget, replies: ReplyShare, onRoom: () => void) {
    this.#budget = budget;
    this.#replies = replies;
    this.#onRoom = onRoom;
  }

  /** Limit on the length of the frames to come, in bytes. */
  set maxFrameBytes(bytes: number) {
    this.#reader.maxFrameBytes = bytes;
  }

  /** The next frame can go no further for want of room that others hold. */
  get isWaiting(): boolean {
    return this.#held !== null || this.#waitsForBytes;
  }

  get isEmpty(): boolean {
    return this.#held === null && this.#reader.bufferedBytes === 0;
  }

  push(chunk: Uint8Array): void {
    this.#pacedBytes += chunk.length;
    this.#reader.push(chunk);
  }

  /** The next frame that may be worked on; null where none has come, or where it has to wait. Throws as `FrameReader` does. */
  next(): Frame | null {
    const frame = this.#held ?? this.#reader.next();
    const mayRun = frame === null || this.#admits(frame.body);
    this.#held = mayRun ? null : frame;
    this.#count();
    return mayRun ? frame : null;
  }

  wake(): void {
    this.#waitsForBytes = false;
    this.#pacedFromMs = null;
    this.#onRoom();
  }

  /** To be asked every now and then: true where a frame comes so slowly that it keeps room from others that wait for it. */
  isTooSlow(nowMs: number): boolean {
    if (this.#countedIn === null || this.isWaiting) {
      this.#pacedFromMs = null;
      return false;
    }
    if (this.#pacedFromMs === null) return this.#paceFrom(nowMs);
    this.#pacedLooks += 1;
    if (nowMs - this.#pacedFromMs < PACE_MS || this.#pacedLooks < PACE_LOOKS_MIN) return false;
    const isSlow = this.#pacedBytes < PACE_BYTES;
    this.#paceFrom(nowMs);
    return isSlow && this.#countedIn.isContended;
  }

  /** Drops all that has come. */
  close(): void {
    this.#reader = new FrameReader();
    this.#held = null;
    this.#budget.running.leave(this);
    this.#budget.decoding.leave(this);
    this.#replies.leave(this);
    this.#count();
  }

  #admits(body: Uint8Array): boolean {
    const { running } = this.#budget;
    if (!running.hasRoom && !isFree(body) && !running.admits(this)) return false;
    const { decoding } = this.#budget;
    if (!decoding.hasRoom && isLongBody(body) && !decoding.admits(this)) return false;
    return this.#replies.admits(body, this);
  }

  #paceFrom(nowMs: number): false {
    this.#pacedFromMs = nowMs;
    this.#pacedBytes = 0;
    this.#pacedLooks = 0;
    return false;
  }

  /** Tells the others what this one holds, and finds out whether it may hold more. */
  #count(): void {
    const heldBytes = this.#held?.body.length ?? this.#reader.partialBytes;
    const bytes = Math.max(0, heldBytes - FREE_BYTES);
    if (bytes === 0 && this.#countedIn === null) return;
    const coming = (this.#countedIn ??= this.#budget.coming(this.#held?.body.length ?? this.#reader.partialLength));
    if (bytes >= this.#countedBytes) coming.take(bytes - this.#countedBytes);
    else coming.giveBack(this.#countedBytes - bytes);
    this.#countedBytes = bytes;
    // One that is first stays it while its frame is held here: the next one would pass the bound as well.
    this.#waitsForBytes = bytes > 0 && this.#held === null && !coming.admits(this);
    if (bytes > 0) return;
    this.#countedIn = null;
    coming.leave(this);
  }
}
