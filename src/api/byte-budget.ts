/** Somebody who waits for room. Once woken it is out of the line, and has to ask again. */
export interface Waiter {
  wake(): void;
}

/** A bound on bytes that many share. Past it they wait in line, and are woken in turn. */
export class ByteBudget {
  readonly #bytesMax: number;
  readonly #line = new Set<Waiter>();
  #bytes = 0;
  #isWaking = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What is taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Below the bound one more gets in, however large: so everything gets in some time, and the bound is passed by one. */
  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax;
  }

  /** Somebody has to wait. */
  get isContended(): boolean {
    return this.#line.size > 0 && !this.hasRoom;
  }

  /** Whether `waiter` may take what it needs now; where not, it is woken when it should ask again. */
  admits(waiter: Waiter): boolean {
    if (this.hasRoom) return true;
    this.#line.add(waiter);
    return false;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#isWaking) return;
    this.#isWaking = true;
    for (const waiter of this.#line) {
      if (!this.hasRoom) break;
      this.#line.delete(waiter);
      waiter.wake();
    }
    this.#isWaking = false;
  }

  leave(waiter: Waiter): void {
    this.#line.delete(waiter);
  }
}
