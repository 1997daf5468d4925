import { Ring } from '../base/ring.ts';
import type { SlowRequest } from '../protocol/messages.generated.ts';

/** Each takes less than 4 KiB: names of namespaces and stages are bounded where they come from. */
const KEPT_MAX = 256;

/** The last requests that took long, without what they said. */
export class SlowRequests {
  /** From which on one is kept, in milliseconds; 0: none is. */
  thresholdMs: number;
  readonly #ring = new Ring<SlowRequest>(KEPT_MAX);
  #total = 0;

  constructor(thresholdMs: number) {
    this.thresholdMs = thresholdMs;
  }

  /** Since the server started, whether they are still kept or not. */
  get total(): number {
    return this.#total;
  }

  note(request: SlowRequest): void {
    this.#total += 1;
    this.#ring.push(request);
  }

  /** The last first. */
  newest(limit: number): SlowRequest[] {
    return this.#ring.newest(limit);
  }

  clear(): void {
    this.#ring.clear();
  }
}
