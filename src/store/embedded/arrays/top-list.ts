export interface ScoredOrdinal {
  readonly ordinal: number;
  readonly score: number;
}

export function bestFirst(hits: readonly ScoredOrdinal[]): ScoredOrdinal[] {
  return hits.toSorted((a, b) => b.score - a.score);
}

/** The `size` highest scores seen, as a heap with the lowest of them on top. */
export class TopList {
  readonly #size: number;
  readonly #ordinals: number[] = [];
  readonly #scores: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** What a newcomer has to pass: -Infinity while there is room. */
  get worst(): number {
    return this.#scores.length < this.#size ? -Infinity : (this.#scores[0] ?? Infinity);
  }

  takes(score: number): boolean {
    return score > this.worst;
  }

  push(ordinal: number, score: number): void {
    if (this.#scores.length < this.#size) {
      this.#ordinals.push(ordinal);
      this.#scores.push(score);
      this.#up(this.#scores.length - 1);
    } else if (this.takes(score)) {
      this.#ordinals[0] = ordinal;
      this.#scores[0] = score;
      this.#down();
    }
  }

  get length(): number {
    return this.#scores.length;
  }

  /** In no order. */
  items(): ScoredOrdinal[] {
    return this.#ordinals.map((ordinal, i) => ({ ordinal, score: this.#scores[i] as number }));
  }

  #up(at: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#scores[parent] as number) <= (this.#scores[at] as number)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(): void {
    const length = this.#scores.length;
    for (let at = 0; ; ) {
      let lowest = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < length; child++) {
        if ((this.#scores[child] as number) < (this.#scores[lowest] as number)) lowest = child;
      }
      if (lowest === at) return;
      this.#swap(at, lowest);
      at = lowest;
    }
  }

  #swap(a: number, b: number): void {
    const ordinal = this.#ordinals[a] as number;
    const score = this.#scores[a] as number;
    this.#ordinals[a] = this.#ordinals[b] as number;
    this.#scores[a] = this.#scores[b] as number;
    this.#ordinals[b] = ordinal;
    this.#scores[b] = score;
  }
}
