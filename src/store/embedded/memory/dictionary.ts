import { ownCopy } from '../../../base/text/own-copy.ts';
import { languageOfTerm } from '../../../base/text/stems.ts';

/** Bytes of a term's string, its map entry and its slot. */
const TERM_BYTES = 80;
const NO_LANGUAGES: ReadonlySet<string> = new Set<string>();

/** The index terms of one namespace, numbered in the order they came. */
export class Dictionary {
  readonly #numbers = new Map<string, number>();
  /** Made for the first of them. */
  #languages: Set<string> | null = null;
  /** Numbers given out. */
  count = 0;

  intern(term: string): number {
    const known = this.#numbers.get(term);
    if (known !== undefined) return known;
    const number = this.count++;
    this.#remember(ownCopy(term), number);
    return number;
  }

  /** The first `count` terms in the order of their numbers, null for those of which `isUsed` says no: what `restore` takes. */
  *saved(count: number, isUsed: (term: number) => boolean): Generator<string | null> {
    let next = 0;
    for (const [term, number] of this.#numbers) {
      if (number >= count) break;
      // Numbers whose terms an earlier saving has left out.
      for (; next < number; next++) yield null;
      yield isUsed(number) ? term : null;
      next++;
    }
    for (; next < count; next++) yield null;
  }

  restore(term: string | null): void {
    const number = this.count++;
    if (term !== null) this.#remember(term, number);
  }

  /** undefined: no document ever held it. */
  find(term: string): number | undefined {
    return this.#numbers.get(term);
  }

  /** Those that some text was in, besides English. */
  get languages(): ReadonlySet<string> {
    return this.#languages ?? NO_LANGUAGES;
  }

  #remember(term: string, number: number): void {
    this.#numbers.set(term, number);
    const language = languageOfTerm(term);
    if (language !== undefined) (this.#languages ??= new Set<string>()).add(language);
  }

  get memoryBytes(): number {
    return this.#numbers.size * TERM_BYTES;
  }
}
