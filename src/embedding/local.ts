// Vectors without a model. The first side compares spellings: signed feature hashing (Weinberger et al., "Feature Hashing
// for Large Scale Multitask Learning", ICML 2009) of word stems and of their character n-grams, which let inflected,
// compounded and misspelt words of any language meet. The second, where there is a table of word vectors, compares
// meanings: the sum of the text's words. Of a text whose words the table knows the second counts most, of a text in another
// language only the first.

import { LoopTurns } from '../base/loop-turns.ts';
import { isStopWord, stemWord, textLanguages } from '../base/text/analyzer.ts';
import { segmentWords } from '../base/text/segment.ts';
import { SLICE_CHARS, slicesOf } from '../base/text/slices.ts';
import { MEANING_SHARE } from './meaning-share.ts';
import type { EmbeddingKind, EmbeddingProvider } from './provider.ts';
import type { WordTable } from './word-table.ts';

/** Raised with every change of the vectors that a text gives, */
const HASH_VERSION = 1;
/** also by another table. */
const SEMANTIC_VERSION = 1;
/** Characters that tell a text's language. */
const LANGUAGE_CHARS = 2_000;
const GRAM_CHARS_MIN = 3;
const GRAM_CHARS_MAX = 4;
/** Function words say little, but a text may have nothing else. */
const STOP_WORD_WEIGHT = 0.1;
const SHORT_WORD_CHARS_MAX = 3;
const SHORT_WORD_WEIGHT = 0.3;
/** Scripts that spell sounds: elsewhere a pair of characters is a word of full weight. */
const ALPHABETIC = /^[\p{sc=Latin}\p{sc=Cyrillic}\p{sc=Greek}\p{sc=Armenian}\p{sc=Georgian}]+$/u;
/** Of a longer run of letters only the start gives n-grams. */
const WORD_CHARS_MAX = 64;
/** Two words that share a place would otherwise look as if they were one. */
const WORD_PLACES = 4;
const WORD_SEED = 0x9e3779b9;
const GRAM_SEED = 0x85ebca6b;
const CACHED_WORDS_MAX = 20_000;
/** Different words of a long text that are added in one go: some milliseconds. */
const WORDS_PER_SLICE = 2_000;

/** It refuses no text. */
export interface LocalProvider extends EmbeddingProvider {
  readonly kind: 'lexical' | 'blended';
  embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]>;
}

/** Where a word's features lie in the vector and what each adds. */
interface WordFeatures {
  readonly places: Uint32Array;
  readonly values: Float32Array;
  readonly count: number;
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
function wordWeight(word: string): number {
  if (isStopWord(word)) return STOP_WORD_WEIGHT;
  return word.length <= SHORT_WORD_CHARS_MAX && ALPHABETIC.test(word) ? SHORT_WORD_WEIGHT : 1;
}

const FEATURES_MAX = WORD_PLACES + 2 * (WORD_CHARS_MAX + 2);

/** The features of one word after the other, in the same memory. */
class FeatureScratch {
  readonly places = new Uint32Array(FEATURES_MAX);
  readonly values = new Float32Array(FEATURES_MAX);
  count = 0;

  /** The word itself with weight 1, spread over a few places, and its n-grams, which together weigh as much. */
  fill(word: string, dimension: number): void {
    this.count = 0;
    const placeWeight = 1 / Math.sqrt(WORD_PLACES);
    for (let place = 0; place < WORD_PLACES; place++)
      this.#push(hashUnits(word, 0, word.length, WORD_SEED + place), dimension, placeWeight);
    const padded = `<${word.slice(0, WORD_CHARS_MAX)}>`;
    const grams = Math.max(0, padded.length - GRAM_CHARS_MIN + 1) + Math.max(0, padded.length - GRAM_CHARS_MAX + 1);
    const gramWeight = 1 / Math.sqrt(Math.max(1, grams));
    for (let size = GRAM_CHARS_MIN; size <= GRAM_CHARS_MAX; size++) {
      for (let i = 0; i + size <= padded.length; i++)
        this.#push(hashUnits(padded, i, i + size, GRAM_SEED), dimension, gramWeight);
    }
  }

  copy(): WordFeatures {
    const { count } = this;
    return { places: this.places.slice(0, count), values: this.values.slice(0, count), count };
  }

  #push(hash: number, dimension: number, weight: number): void {
    this.places[this.count] = hash % dimension;
    this.values[this.count++] = hash >= 0x80000000 ? -weight : weight;
  }
}

function normalise(vector: Float32Array): void {
  let sum = 0;
  for (const value of vector) sum += value * value;
  // Opposite signs may cancel out all of a very short text; any fixed direction is better than none.
  if (sum === 0) vector[0] = sum = 1;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) * scale;
}

/** Keeps the features of words that it has seen. */
export class LocalEmbedder {
  /** Numbers of the first side, and the second side's behind them. */
  readonly #hashed: number;
  readonly #table: WordTable | null;
  readonly #cache = new Map<string, WordFeatures>();
  readonly #scratch = new FeatureScratch();

  constructor(dimension: number, table: WordTable | null) {
    this.#hashed = table === null ? dimension : dimension - Math.min(table.dimension, dimension >> 1);
    this.#table = table;
  }

  /**
   * Embeds each text into its vector, which is all zeros and of the embedder's dimension. Stops between slices of some
   * milliseconds; up to `SLICE_CHARS` of texts are one.
   */
  *embedding(vectors: readonly Float32Array[], texts: readonly string[]): Generator<void, void, void> {
    let chars = 0;
    for (const [i, text] of texts.entries()) {
      chars += text.length;
      if (i > 0 && chars > SLICE_CHARS) {
        yield;
        chars = text.length;
      }
      yield* this.#embedOne(vectors[i] as Float32Array, text);
    }
  }

  *#embedOne(vector: Float32Array, text: string): Generator<void, void, void> {
    const counts = new Map<string, number>();
    let isFirst = true;
    for (const slice of slicesOf(text)) {
      if (!isFirst) yield;
      isFirst = false;
      for (const word of segmentWords(slice)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    // A text of symbols alone counts as one word.
    if (counts.size === 0) counts.set(text.trim().slice(0, WORD_CHARS_MAX), 1);
    // A long text has mostly words that no other has, and would push theirs out of the cache.
    const keeps = text.length <= SLICE_CHARS;
    const spelling = vector.subarray(0, this.#hashed);
    const meaning = vector.subarray(this.#hashed);
    // Words of other languages are in the table as well, for what they mean in English.
    const isEnglish = this.#table !== null && textLanguages(text.slice(0, LANGUAGE_CHARS)).latin === undefined;
    let added = 0;
    let known = 0;
    let total = 0;
    for (const [word, count] of counts) {
      if (++added % WORDS_PER_SLICE === 0) yield;
      const times = 1 + Math.log(count);
      const weight = times * wordWeight(word);
      total += weight;
      this.#add(spelling, stemWord(word), weight, keeps);
      if (isEnglish && this.#addMeaning(meaning, word, times)) known += weight;
    }
    normalise(spelling);
    if (known > 0) blend(spelling, meaning, MEANING_SHARE * (known / total) ** 2);
  }

  #add(vector: Float32Array, stem: string, weight: number, keeps: boolean): void {
    const { places, values, count } = this.#features(stem, keeps);
    for (let i = 0; i < count; i++) {
      const place = places[i] as number;
      vector[place] = (vector[place] as number) + weight * (values[i] as number);
    }
  }

  /** False: the word is not known. How much a frequent one counts is in the table. */
  #addMeaning(vector: Float32Array, word: string, times: number): boolean {
    const row = this.#table?.rowOf(word) ?? -1;
    if (row >= 0) this.#table?.add(vector, row, times);
    return row >= 0;
  }

  #features(stem: string, keeps: boolean): WordFeatures {
    const known = this.#cache.get(stem);
    if (known !== undefined) return known;
    this.#scratch.fill(stem, this.#hashed);
    if (!keeps) return this.#scratch;
    const features = this.#scratch.copy();
    if (this.#cache.size >= CACHED_WORDS_MAX) this.#cache.clear();
    this.#cache.set(stem, features);
    return features;
  }
}

/** One unit vector of both sides, of which the second has this share of the square length. */
function blend(spelling: Float32Array, meaning: Float32Array, share: number): void {
  normalise(meaning);
  const ofSpelling = Math.sqrt(1 - share);
  const ofMeaning = Math.sqrt(share);
  for (let i = 0; i < spelling.length; i++) spelling[i] = (spelling[i] as number) * ofSpelling;
  for (let i = 0; i < meaning.length; i++) meaning[i] = (meaning[i] as number) * ofMeaning;
}

export interface LocalOptions {
  /** Of both sides together. */
  readonly dimension: number;
  /** null: spellings alone. */
  readonly table: WordTable | null;
}

/** The default provider: deterministic, no network, no download. Queries and passages are embedded alike. */
export function createLocalProvider({ dimension, table }: LocalOptions): LocalProvider {
  const embedder = new LocalEmbedder(dimension, table);
  const turns = new LoopTurns();
  return {
    id:
      table === null ? `local-hash-v${HASH_VERSION}-${dimension}` : `local-semantic-v${SEMANTIC_VERSION}-${dimension}`,
    dimension,
    kind: table === null ? 'lexical' : 'blended',
    async embed(texts: readonly string[], _kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]> {
      signal?.throwIfAborted();
      const vectors = texts.map(() => new Float32Array(dimension));
      const slices = embedder.embedding(vectors, texts);
      while (slices.next().done !== true) {
        await turns.next();
        signal?.throwIfAborted();
      }
      return vectors;
    },
  };
}
