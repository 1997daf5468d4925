/** Of a frame that is still coming after so many heartbeats less than this has come: its length is not what was sent. */
const SLOWEST_BYTES_PER_SECOND = 1_024;
const HEARTBEATS_MIN = 3;

/**
 * How a frame comes on. A length that was changed on the way would swallow the frames behind it, whose bytes look like signs of
 * life, while every call waits in vain.
 */
export class FramePace {
  #sinceMs: number | null = null;

  /** After bytes came: `partialBytes` of a frame that is not complete are here; `isNew`: others were completed before it. */
  count(partialBytes: number, isNew: boolean, nowMs: number): void {
    if (partialBytes === 0) this.#sinceMs = null;
    else if (isNew || this.#sinceMs === null) this.#sinceMs = nowMs;
  }

  isTooSlow(partialBytes: number, nowMs: number, heartbeatMs: number): boolean {
    if (this.#sinceMs === null) return false;
    const elapsedMs = nowMs - this.#sinceMs;
    return elapsedMs >= HEARTBEATS_MIN * heartbeatMs && partialBytes * 1_000 < SLOWEST_BYTES_PER_SECOND * elapsedMs;
  }
}
