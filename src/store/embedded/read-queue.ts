// The reads of the store's thread. Most are done in one step. Those that are not take turns, one step each, and the
// others need not wait for them.

import type { WireReply } from './border/messages.ts';
import type { Pace, Steps } from './border/steps.ts';
import type { QueuedCall } from './store-engine.ts';

/** As long as a `get` waits for a long read, at most. */
const STEP_MS = 4;
/** Long reads that take turns; each may hold some memory. Others begin anew when there is a place for them. */
const BEGUN_MAX = 8;

interface BegunRead {
  readonly queued: QueuedCall;
  readonly steps: Steps<WireReply>;
}

export class ReadQueue {
  readonly #pace: Pace;
  readonly #open: (queued: QueuedCall) => Steps<WireReply>;
  /** All by the ids of their calls, the first first. */
  readonly #waiting = new Map<number, QueuedCall>();
  readonly #begun = new Map<number, BegunRead>();
  readonly #parked = new Map<number, QueuedCall>();

  /** `pace`: what the steps that `open` gives ask for the time. */
  constructor(pace: Pace, open: (queued: QueuedCall) => Steps<WireReply>) {
    this.#pace = pace;
    this.#open = open;
  }

  get size(): number {
    return this.#waiting.size + this.#begun.size + this.#parked.size;
  }

  /** Some are in the middle of their work. */
  get hasBegun(): boolean {
    return this.#begun.size > 0;
  }

  add(queued: QueuedCall): void {
    this.#waiting.set(queued.call.id, queued);
  }

  /** Nobody waits for this one any more: it ends here, wherever it is. */
  cancel(id: number): void {
    this.#waiting.delete(id);
    this.#parked.delete(id);
    const begun = this.#begun.get(id);
    if (begun === undefined) return;
    this.#begun.delete(id);
    end(begun);
    this.#callUp();
  }

  /** Those that nobody has looked at yet; each is to be given to `begin`. */
  waiting(): Iterable<QueuedCall> {
    return this.#waiting.values();
  }

  /** The first step of a read; its reply, where that was all there was to do. */
  begin(queued: QueuedCall): WireReply | null {
    this.#waiting.delete(queued.call.id);
    return this.#step({ queued, steps: this.#open(queued) });
  }

  /** One more step of the read whose turn it is. */
  goOn(): WireReply | null {
    for (const [id, begun] of this.#begun) {
      this.#begun.delete(id);
      const reply = this.#step(begun);
      this.#callUp();
      return reply;
    }
    return null;
  }

  #step(read: BegunRead): WireReply | null {
    const { queued, steps } = read;
    this.#pace.startStep(STEP_MS);
    const { done, value } = steps.next();
    if (done === true) return value;
    if (this.#begun.size < BEGUN_MAX) {
      this.#begun.set(queued.call.id, read);
      return null;
    }
    end(read);
    this.#parked.set(queued.call.id, queued);
    return null;
  }

  /** A place that is free is for the first that was parked, however many others wait: while any is parked none is free. */
  #callUp(): void {
    for (const [id, queued] of this.#parked) {
      if (this.#begun.size >= BEGUN_MAX) return;
      this.#parked.delete(id);
      this.#begun.set(id, { queued, steps: this.#open(queued) });
    }
  }
}

function end({ steps }: BegunRead): void {
  steps.return(undefined as never);
}
