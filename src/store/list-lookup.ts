import type { JsonValue } from '../base/context.ts';

/** The items of a long list, made ready to be asked about many times: n log n once, log n a question. */
export class ListLookup {
  readonly #list: readonly JsonValue[];
  #items: ReadonlySet<JsonValue> | null = null;
  /** Rising. */
  #numbers: Float64Array | null = null;

  constructor(list: readonly JsonValue[]) {
    this.#list = list;
  }

  has(item: JsonValue): boolean {
    this.#items ??= new Set(this.#list);
    return this.#items.has(item);
  }

  /** The least of its numbers that is `bound` or more; undefined: there is none. */
  firstFrom(bound: number): number | undefined {
    return this.#first((number) => number >= bound);
  }

  /** The least of its numbers that is more than `bound`; undefined: there is none. */
  firstAbove(bound: number): number | undefined {
    return this.#first((number) => number > bound);
  }

  #first(isHighEnough: (number: number) => boolean): number | undefined {
    this.#numbers ??= Float64Array.from(this.#list.filter((item) => typeof item === 'number')).sort();
    let [low, high] = [0, this.#numbers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isHighEnough(this.#numbers[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return this.#numbers[low];
  }
}
