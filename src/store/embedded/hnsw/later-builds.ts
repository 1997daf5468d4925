// Builds that only make searches better, and take long: each waits some minutes from when the graph
// that it betters was built, and longer each time that it had to give way.

import type { Clock } from '../../../base/clock.ts';

export const LATER_MS = 300_000;
const WAIT_MAX_MS = 86_400_000;

interface Waiting {
  readonly waitMs: number;
  readonly dueAtMs: number;
}

export class LaterBuilds {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #onDue: (key: string) => void;
  /** By level: never more than there are. */
  readonly #waiting = new Map<string, Waiting>();
  #cancel: (() => void) | null = null;

  /** `onDue`: the level is to be looked at again. */
  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Whether the level's build has waited long enough; else it waits from now on, if it did not already. */
  isDue(key: string): boolean {
    const { dueAtMs } = this.#waiting.get(key) ?? this.#wait(key, LATER_MS);
    const isDue = this.#clock.monotonicMs() >= dueAtMs;
    if (!isDue) this.#startTimer();
    return isDue;
  }

  /** Of the level's large graph: one that only makes room for more has the other wait anew. */
  ended(key: string, isLater: boolean, isDone: boolean): void {
    if (isLater && isDone) this.forget(key);
    else if (isLater) this.putOff(key);
    else if (this.#waiting.has(key)) this.#wait(key, this.#waitMs(key));
  }

  /** It began and was not done. */
  putOff(key: string): void {
    this.#wait(key, Math.min(WAIT_MAX_MS, 2 * this.#waitMs(key)));
  }

  /** There is nothing to make better any more. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }

  close(): void {
    this.#cancel?.();
  }

  #waitMs(key: string): number {
    return this.#waiting.get(key)?.waitMs ?? LATER_MS;
  }

  #wait(key: string, waitMs: number): Waiting {
    const waiting = { waitMs, dueAtMs: this.#clock.monotonicMs() + waitMs };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  /** For the next that is due. */
  #startTimer(): void {
    const nowMs = this.#clock.monotonicMs();
    const next = Math.min(...[...this.#waiting.values()].map(({ dueAtMs }) => dueAtMs).filter((ms) => ms > nowMs));
    if (next === Infinity) return;
    this.#cancel ??= this.#clock.after(next - nowMs, () => {
      this.#cancel = null;
      this.#startTimer();
      const atMs = this.#clock.monotonicMs();
      for (const [key, { dueAtMs }] of this.#waiting) if (atMs >= dueAtMs) this.#onDue(key);
    });
  }
}
