/** Two sums that only grow. */
export interface Sums {
  readonly part: number;
  readonly whole: number;
}

const NOTHING: Sums = { part: 0, whole: 0 };

/** How often `note` is to be called. */
export const NOTED_EVERY_MS = 10_000;
/** Notes that are kept: five minutes. */
const NOTES_MAX = 30;

/** What two sums grew by of late, one over the other. Nothing is done where they grow: they are read every so often. */
export class RecentRatio {
  readonly #read: () => Sums;
  /** Oldest first. */
  readonly #notes: Sums[] = [NOTHING];

  constructor(read: () => Sums) {
    this.#read = read;
  }

  note(): void {
    this.#notes.push(this.#read());
    if (this.#notes.length > NOTES_MAX) this.#notes.shift();
  }

  /** 0 where `whole` did not grow. */
  get value(): number {
    const now = this.#read();
    const before = this.#notes[0] ?? NOTHING;
    const whole = now.whole - before.whole;
    return whole === 0 ? 0 : (now.part - before.part) / whole;
  }
}
