import { ownCopy } from '../../../base/text/own-copy.ts';
import { languageOfTerm } from '../../../base/text/stems.ts';

/** Bytes of a term's string, its map entry and its slot. */
const TERM_BYTES = 80;

/** The index terms of one namespace, numbered in the order they came. */
export class Dictionary {
  readonly #numbers = new Map<string, number>();
  readonly #languages = new Set<string>();

  intern(term: string): number {
    const known = this.#numbers.get(term);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(ownCopy(term), number);
    const language = languageOfTerm(term);
    if (language !== undefined) this.#languages.add(language);
    return number;
  }

  /** undefined: no document ever held it. */
  find(term: string): number | undefined {
    return this.#numbers.get(term);
  }

  /** Those that some text was in, besides English. */
  get languages(): ReadonlySet<string> {
    return this.#languages;
  }

  get memoryBytes(): number {
    return this.#numbers.size * TERM_BYTES;
  }
}
