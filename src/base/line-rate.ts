import type { Clock } from './clock.ts';

/** Lines of one kind that may come at once, and then each second. */
const BURST = 20;
const PER_SECOND = 5;

interface Kind {
  tokens: number;
  filledAtMs: number;
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
    const nowMs = this.#clock.monotonicMs();
    let of = this.#kinds.get(kind);
    if (of === undefined) this.#kinds.set(kind, (of = { tokens: BURST, filledAtMs: nowMs, leftOut: 0 }));
    of.tokens = Math.min(BURST, of.tokens + ((nowMs - of.filledAtMs) / 1000) * PER_SECOND);
    of.filledAtMs = nowMs;
    if (of.tokens < 1) {
      of.leftOut++;
      return null;
    }
    of.tokens--;
    const { leftOut } = of;
    of.leftOut = 0;
    return leftOut === 0 ? {} : { left_out: leftOut };
  }
}
