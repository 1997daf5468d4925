import type { Clock } from '../../src/base/clock.ts';

interface Timer {
  readonly order: number;
  readonly task: () => void;
  readonly intervalMs: number | null;
  dueMs: number;
}

/** A clock that stands still until `advance` is called; timers run inside that call, in the order they are due. */
export class FakeClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  /** Whole milliseconds, as a system has them. */
  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** Timers that wait: a test's proof that nothing is left behind. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Until the next timer is due; null: there is none. */
  get nextInMs(): number | null {
    const next = this.#nextDue(Infinity);
    return next === undefined ? null : Math.max(0, next.dueMs - this.#elapsedMs);
  }

  after(delayMs: number, task: () => void): () => void {
    return this.#start(delayMs, task, null);
  }

  every(intervalMs: number, task: () => void): () => void {
    return this.#start(intervalMs, task, Math.max(1, intervalMs));
  }

  /** Moves both clocks by `durationMs`, running what becomes due on the way. */
  advance(durationMs: number): void {
    const endMs = this.#elapsedMs + durationMs;
    for (let timer = this.#nextDue(endMs); timer !== undefined; timer = this.#nextDue(endMs)) {
      this.#moveTo(Math.max(this.#elapsedMs, timer.dueMs));
      if (timer.intervalMs === null) this.#timers.delete(timer);
      else timer.dueMs += timer.intervalMs;
      timer.task();
    }
    this.#moveTo(endMs);
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  setWallClock(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  #start(delayMs: number, task: () => void, intervalMs: number | null): () => void {
    const timer: Timer = { order: this.#order++, task, intervalMs, dueMs: this.#elapsedMs + Math.max(0, delayMs) };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #nextDue(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order))
        next = timer;
    }
    return next;
  }

  #moveTo(elapsedMs: number): void {
    this.#nowMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }
}
