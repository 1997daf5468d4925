/** Bytes of a term's string, its map entry and its slot. */
const TERM_BYTES = 80;

/** V8 makes a part of a text from this length on a view of it, which keeps the whole text in memory. */
const VIEW_LENGTH_MIN = 13;

/** The index terms of one namespace, numbered in the order they came. */
export class Dictionary {
  readonly #numbers = new Map<string, number>();

  intern(term: string): number {
    const known = this.#numbers.get(term);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(term.length < VIEW_LENGTH_MIN ? term : copyOf(term), number);
    return number;
  }

  /** undefined: no document ever held it. */
  find(term: string): number | undefined {
    return this.#numbers.get(term);
  }

  get memoryBytes(): number {
    return this.#numbers.size * TERM_BYTES;
  }
}

function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
