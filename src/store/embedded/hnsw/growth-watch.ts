// Which levels grow fast just now, as in an import: what is built of them meanwhile is outgrown before it is done, and
// takes time from what comes.

import type { Clock } from '../../../base/clock.ts';

export const GROWTH_WINDOW_MS = 500;
/** Contexts added in one window. */
const FAST_MIN = 500;
/** Levels that are watched at a time; the one that something came to longest ago is not any more. */
const WATCHED_MAX = 1_000;

interface Window {
  readonly sinceMs: number;
  readonly before: number;
  added: number;
}

export class GrowthWatch {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #onDue: () => void;
  readonly #windows = new Map<string, Window>();
  readonly #putOff = new Set<string>();
  /** null: nothing is put off. */
  #cancel: (() => void) | null = null;

  /** `onDue`: what was put off is to be looked at again, whoever writes then or not. */
  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  added(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const window = this.#windows.get(key);
    const ageMs = window === undefined ? Infinity : nowMs - window.sinceMs;
    if (window !== undefined && ageMs < GROWTH_WINDOW_MS) {
      window.added++;
      return;
    }
    const before = ageMs < 2 * GROWTH_WINDOW_MS ? (window?.added ?? 0) : 0;
    // Where it stood before, it would be among those that are forgotten first.
    this.#windows.delete(key);
    this.#windows.set(key, { sinceMs: nowMs, before, added: 1 });
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > WATCHED_MAX && oldest !== undefined) this.#windows.delete(oldest);
  }

  get watched(): number {
    return this.#windows.size;
  }

  /** Whether the level grows fast: then it is put off until `onDue`. */
  putOffFast(key: string): boolean {
    if (!this.isFast(key)) return false;
    this.#putOff.add(key);
    this.#cancel ??= this.#clock.after(GROWTH_WINDOW_MS, () => this.#due());
    return true;
  }

  isPutOff(key: string): boolean {
    return this.#putOff.has(key);
  }

  close(): void {
    this.#cancel?.();
  }

  /** It goes by the timer and by no clock: timers come early, too, and what was put off then would wait for the next write. */
  #due(): void {
    this.#cancel = null;
    this.#putOff.clear();
    this.#onDue();
  }

  isFast(key: string): boolean {
    const window = this.#windows.get(key);
    if (window === undefined) return false;
    if (this.#clock.monotonicMs() - window.sinceMs < GROWTH_WINDOW_MS)
      return Math.max(window.before, window.added) >= FAST_MIN;
    this.#windows.delete(key);
    return false;
  }
}
