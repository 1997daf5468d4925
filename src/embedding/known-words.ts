// What each word adds to the vector of a text, worked out once: its features by spelling, how much it counts, and
// where the table has what it means. One look brings all of it; the features of all words stand in two lists, as
// two small arrays for each would take longer to make than to fill.

import { isStopWord, stemWord } from '../base/text/analyzer.ts';
import { ownCopy } from '../base/text/own-copy.ts';
import type { WordTable } from './word-table.ts';

const GRAM_CHARS_MIN = 3;
const GRAM_CHARS_MAX = 4;
/** Function words say little, but a text may have nothing else. */
const STOP_WORD_WEIGHT = 0.1;
const SHORT_WORD_CHARS_MAX = 3;
const SHORT_WORD_WEIGHT = 0.3;
/** Scripts that spell sounds: elsewhere a pair of characters is a word of full weight. */
const ALPHABETIC = /^[\p{sc=Latin}\p{sc=Cyrillic}\p{sc=Greek}\p{sc=Armenian}\p{sc=Georgian}]+$/u;
/** Of a longer run of letters only the start gives n-grams. */
export const WORD_CHARS_MAX = 64;
/** Two words that share a place would otherwise look as if they were one. */
const WORD_PLACES = 4;
const WORD_SEED = 0x9e3779b9;
const GRAM_SEED = 0x85ebca6b;
/** Of one word. */
const FEATURES_MAX = WORD_PLACES + 2 * (WORD_CHARS_MAX + 2);
const CACHED_WORDS_MAX = 20_000;
/** At eight bytes; twenty thousand English words have a third of it. */
const CACHED_FEATURES_MAX = 1 << 20;
const FIRST_FEATURES = 1 << 14;

export interface KnownWord {
  /** From 0 to 1, for a word that comes once. */
  readonly weight: number;
  /** In the table of word vectors; -1: there is no table, or it lacks the word. */
  readonly row: number;
  /** Its features in the lists. */
  readonly start: number;
  readonly end: number;
}

/** FNV-1a over UTF-16 units with the finaliser of MurmurHash3, so that all 32 bits are usable. */
function hashUnits(text: string, start: number, end: number, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Frequent words are short in every alphabet (Zipf's law of abbreviation), and stop lists exist for few languages. */
function weightOf(word: string): number {
  if (isStopWord(word)) return STOP_WORD_WEIGHT;
  return word.length <= SHORT_WORD_CHARS_MAX && ALPHABETIC.test(word) ? SHORT_WORD_WEIGHT : 1;
}

export class KnownWords {
  /** Numbers of the vectors that features are added to. */
  readonly #dimension: number;
  readonly #table: WordTable | null;
  readonly #words = new Map<string, KnownWord>();
  /** Where each feature lies in a vector and what it adds. */
  #places = new Uint32Array(FIRST_FEATURES);
  #values = new Float32Array(FIRST_FEATURES);
  /** Behind the features of the words that are kept. */
  #end = 0;

  constructor(dimension: number, table: WordTable | null) {
    this.#dimension = dimension;
    this.#table = table;
  }

  /** As `segmentWords` has it. Its features stand where it says until the next call. `keeps`: for other texts as well. */
  get(word: string, keeps: boolean): KnownWord {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    if (keeps && this.#isFull) {
      this.#words.clear();
      this.#end = 0;
    }
    const start = this.#end;
    const end = this.#fill(start, stemWord(word));
    const made = { weight: weightOf(word), row: this.#table?.rowOf(word) ?? -1, start, end };
    if (!keeps) return made;
    this.#words.set(ownCopy(word), made);
    this.#end = end;
    return made;
  }

  /** Adds `weight` times the word's features. */
  addTo(vector: Float32Array, { start, end }: KnownWord, weight: number): void {
    const places = this.#places;
    const values = this.#values;
    for (let i = start; i < end; i++) {
      const place = places[i] as number;
      vector[place] = (vector[place] as number) + weight * (values[i] as number);
    }
  }

  /** Behind those that are kept there is always room for one that is not. */
  get #isFull(): boolean {
    return this.#words.size >= CACHED_WORDS_MAX || this.#end + 2 * FEATURES_MAX > CACHED_FEATURES_MAX;
  }

  /** The stem itself with weight 1, spread over a few places, and its n-grams, which together weigh as much. Gives their end. */
  #fill(start: number, stem: string): number {
    if (start + FEATURES_MAX > this.#places.length) this.#enlarge();
    let at = start;
    const placeWeight = 1 / Math.sqrt(WORD_PLACES);
    for (let place = 0; place < WORD_PLACES; place++)
      this.#put(at++, hashUnits(stem, 0, stem.length, WORD_SEED + place), placeWeight);
    const padded = `<${stem.slice(0, WORD_CHARS_MAX)}>`;
    const grams = Math.max(0, padded.length - GRAM_CHARS_MIN + 1) + Math.max(0, padded.length - GRAM_CHARS_MAX + 1);
    const gramWeight = 1 / Math.sqrt(Math.max(1, grams));
    for (let size = GRAM_CHARS_MIN; size <= GRAM_CHARS_MAX; size++) {
      for (let i = 0; i + size <= padded.length; i++)
        this.#put(at++, hashUnits(padded, i, i + size, GRAM_SEED), gramWeight);
    }
    return at;
  }

  #put(at: number, hash: number, weight: number): void {
    this.#places[at] = hash % this.#dimension;
    this.#values[at] = hash >= 0x80000000 ? -weight : weight;
  }

  #enlarge(): void {
    const places = new Uint32Array(2 * this.#places.length);
    const values = new Float32Array(2 * this.#values.length);
    places.set(this.#places);
    values.set(this.#values);
    this.#places = places;
    this.#values = values;
  }
}
