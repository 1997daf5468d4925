import type { Clock } from '../../../src/base/clock.ts';

/** A longer timer would run out at once; it is set anew when this one is over. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Something that must be over by a time of the monotonic clock. */
export interface Timed {
  readonly deadlineAtMs: number;
  expire(): void;
}

/**
 * One timer for all calls: it stands at the earliest deadline known when it was set. Calls usually have the
 * same timeout, so a new one seldom comes before it, and most calls cost no timer at all.
 */
export class Deadlines {
  private readonly clock: Clock;
  private readonly waiting = new Set<Timed>();
  private armedAtMs = Infinity;
  private disarm: (() => void) | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(timed: Timed): void {
    if (timed.deadlineAtMs === Infinity) return;
    this.waiting.add(timed);
    if (timed.deadlineAtMs < this.armedAtMs) this.arm(timed.deadlineAtMs);
  }

  remove(timed: Timed): void {
    this.waiting.delete(timed);
    if (this.waiting.size === 0) this.stop();
  }

  private stop(): void {
    this.disarm?.();
    this.disarm = null;
    this.armedAtMs = Infinity;
  }

  private arm(atMs: number): void {
    this.disarm?.();
    this.armedAtMs = atMs;
    const delayMs = Math.max(0, Math.ceil(atMs - this.clock.monotonicMs()));
    this.disarm = this.clock.after(Math.min(delayMs, TIMER_MS_MAX), () => this.onTime());
  }

  private onTime(): void {
    this.disarm = null;
    this.armedAtMs = Infinity;
    const nowMs = this.clock.monotonicMs();
    let nextMs = Infinity;
    for (const timed of [...this.waiting]) {
      if (timed.deadlineAtMs <= nowMs) {
        this.waiting.delete(timed);
        timed.expire();
      } else if (timed.deadlineAtMs < nextMs) nextMs = timed.deadlineAtMs;
    }
    if (nextMs < this.armedAtMs) this.arm(nextMs);
  }
}
