import type { Waiter } from './byte-budget.ts';

/**
 * A bound on the bytes of requests that have not come to their end. Many that have come half could hold all of it and wait
 * for each other for ever, so one that waits, the first, is let through whatever the bound: it passes it by one request.
 */
export class FrameBudget {
  readonly #bytesMax: number;
  readonly #line = new Set<Waiter>();
  #first: Waiter | null = null;
  #bytes = 0;
  #isWaking = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What has come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Somebody has to wait: whoever holds room without using it stands in the way. */
  get isContended(): boolean {
    return this.#first !== null && this.#bytes >= this.#bytesMax;
  }

  /** Whether `waiter` may take more; where not, it is woken when it may. One that is let through says so with `leave` when it is done. */
  admits(waiter: Waiter): boolean {
    if (this.#bytes < this.#bytesMax || waiter === this.#first) return true;
    if (this.#first === null) {
      this.#first = waiter;
      return true;
    }
    this.#line.add(waiter);
    return false;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
    this.#wake();
  }

  /** Its request has come to its end, or it does not wait any more. */
  leave(waiter: Waiter): void {
    this.#line.delete(waiter);
    if (waiter !== this.#first) return;
    this.#first = null;
    this.#wake();
  }

  #wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    for (const waiter of this.#line) {
      const hasRoom = this.#bytes < this.#bytesMax;
      if (!hasRoom && this.#first !== null) break;
      this.#line.delete(waiter);
      if (!hasRoom) this.#first = waiter;
      waiter.wake();
    }
    this.#isWaking = false;
  }
}
