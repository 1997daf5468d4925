import type { Clock } from './clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** Lines of one kind. */
const LIMIT = { perSecond: 5, burst: 20 };

interface Kind {
  readonly bucket: TokenBucket;
  leftOut: number;
}

/** Keeps a flood of one kind of line from filling the disk: what is left out is counted, and told with the next line. */
export class LineRate {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the line is to say beside its own fields; null: it is left out. There must be few kinds. */
  pass(kind: string): { readonly left_out?: number } | null {
    let of = this.#kinds.get(kind);
    if (of === undefined) this.#kinds.set(kind, (of = { bucket: new TokenBucket(LIMIT, this.#clock), leftOut: 0 }));
    if (of.bucket.take() > 0) {
      of.leftOut++;
      return null;
    }
    const { leftOut } = of;
    of.leftOut = 0;
    return leftOut === 0 ? {} : { left_out: leftOut };
  }
}
