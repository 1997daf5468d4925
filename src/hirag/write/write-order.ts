/** A write that is in flight. */
export interface InFlight {
  /** Its place in the order of beginnings and touches. */
  readonly startedAt: number;
}

interface Touch {
  readonly by: InFlight;
  readonly at: number;
}

/**
 * Tells which acknowledgements prove an order. Two writes that were in flight together may have been made in either
 * order, whichever was acknowledged first; a write that began after another one's acknowledgement came after it.
 */
export class WriteOrder {
  /** Oldest first; bounded by the requests being worked on. */
  readonly #inFlight = new Set<InFlight>();
  /** The last write of each key that a write still in flight has overlapped, in the order of their touches. */
  readonly #touches = new Map<string, Touch>();
  #sequence = 0;

  begin(): InFlight {
    const write = { startedAt: ++this.#sequence };
    this.#inFlight.add(write);
    return write;
  }

  /** True where a write that overlapped this one touched the key before. */
  hasCrossed(key: string, write: InFlight): boolean {
    const last = this.#touches.get(key);
    return last !== undefined && last.by !== write && last.at > write.startedAt;
  }

  /** The same, and the write becomes the key's last one. */
  touch(key: string, write: InFlight): boolean {
    const crossed = this.hasCrossed(key, write);
    // Nobody else in flight: nobody who could cross it.
    if (this.#inFlight.size > 1) {
      this.#touches.delete(key);
      this.#touches.set(key, { by: write, at: ++this.#sequence });
    }
    return crossed;
  }

  /** The write is over and told; touches from before the oldest one in flight can cross nothing any more. */
  end(write: InFlight): void {
    this.#inFlight.delete(write);
    const [oldest] = this.#inFlight;
    if (oldest === undefined) {
      this.#touches.clear();
      return;
    }
    for (const [key, touch] of this.#touches) {
      if (touch.at > oldest.startedAt) break;
      this.#touches.delete(key);
    }
  }
}
