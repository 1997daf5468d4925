/** The last so many of what comes. */
export class Ring<T> {
  readonly #max: number;
  readonly #items: T[] = [];
  #next = 0;
  #oldest = 0;

  constructor(max: number) {
    this.#max = max;
  }

  push(item: T): void {
    this.#items[this.#next % this.#max] = item;
    this.#next += 1;
    this.#oldest = Math.max(this.#oldest, this.#next - this.#max);
  }

  clear(): void {
    this.#items.length = 0;
    this.#oldest = this.#next;
  }

  /** In the order in which they came. */
  get all(): T[] {
    return Array.from(
      { length: this.#next - this.#oldest },
      (_, i) => this.#items[(this.#oldest + i) % this.#max] as T,
    );
  }

  /** The last first. */
  newest(limit: number): T[] {
    return this.all.slice(-limit).reverse();
  }
}
