import { ownCopy } from '../../../base/text/own-copy.ts';

/** Bytes of a term's string, its map entry and its slot. */
const TERM_BYTES = 80;

/** The index terms of one namespace, numbered in the order they came. */
export class Dictionary {
  readonly #numbers = new Map<string, number>();

  intern(term: string): number {
    const known = this.#numbers.get(term);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(ownCopy(term), number);
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
