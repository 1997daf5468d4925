// Vectors without a model. The first side compares spellings: signed feature hashing (Weinberger et al., "Feature Hashing
// for Large Scale Multitask Learning", ICML 2009) of word stems and of their character n-grams, which let inflected,
// compounded and misspelt words of any language meet. The second, where there is a table of word vectors, compares
// meanings: the sum of the text's words. Of a text whose words the table knows the second counts most, of a text in another
// language only the first.

import { LoopTurns } from '../base/loop-turns.ts';
import { textLanguages } from '../base/text/analyzer.ts';
import { isAscii } from '../base/text/ascii.ts';
import { languagesOf, type TextLanguages } from '../base/text/languages.ts';
import { segmentWords } from '../base/text/segment.ts';
import { SLICE_CHARS, slicesOf } from '../base/text/slices.ts';
import { KnownWords, WORD_CHARS_MAX } from './known-words.ts';
import { MEANING_SHARE } from './meaning-share.ts';
import type { EmbeddingKind, EmbeddingProvider } from './provider.ts';
import type { WordTable } from './word-table.ts';

/** Raised with every change of the vectors that a text gives, */
const HASH_VERSION = 1;
/** also by another table. */
const SEMANTIC_VERSION = 1;
/** Characters that tell a text's language. */
const LANGUAGE_CHARS = 2_000;
/** Different words of a long text that are added in one go: some milliseconds. */
const WORDS_PER_SLICE = 2_000;

/** It refuses no text. */
export interface LocalProvider extends EmbeddingProvider {
  readonly kind: 'lexical' | 'blended';
  embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]>;
}

function normalise(vector: Float32Array): void {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) * (vector[i] as number);
  // Opposite signs may cancel out all of a very short text; any fixed direction is better than none.
  if (sum === 0) vector[0] = sum = 1;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * scale;
}

/** Keeps the features of words that it has seen. */
export class LocalEmbedder {
  /** Numbers of the first side, and the second side's behind them. */
  readonly #hashed: number;
  readonly #table: WordTable | null;
  readonly #words: KnownWords;

  constructor(dimension: number, table: WordTable | null) {
    this.#hashed = table === null ? dimension : dimension - Math.min(table.dimension, dimension >> 1);
    this.#table = table;
    this.#words = new KnownWords(this.#hashed, table);
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
    let words: readonly string[] | null = null;
    for (const slice of slicesOf(text)) {
      if (words !== null) yield;
      words = segmentWords(slice);
      for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    // Words of other languages are in the table as well, for what they mean in English.
    const isEnglish = this.#table !== null && languagesAtStart(text, words ?? []).latin === undefined;
    // A text of symbols alone counts as one word.
    if (counts.size === 0) counts.set(text.trim().slice(0, WORD_CHARS_MAX), 1);
    // A long text has mostly words that no other has, and would push theirs out of the cache.
    const keeps = text.length <= SLICE_CHARS;
    const spelling = vector.subarray(0, this.#hashed);
    const meaning = vector.subarray(this.#hashed);
    let added = 0;
    let known = 0;
    let total = 0;
    for (const [word, count] of counts) {
      if (++added % WORDS_PER_SLICE === 0) yield;
      const own = this.#words.get(word, keeps);
      const times = 1 + Math.log(count);
      const weight = times * own.weight;
      total += weight;
      this.#words.addTo(spelling, own, weight);
      if (!isEnglish || own.row < 0) continue;
      // How much a frequent word counts is in the table.
      this.#table?.add(meaning, own.row, times);
      known += weight;
    }
    normalise(spelling);
    if (known > 0) blend(spelling, meaning, MEANING_SHARE * (known / total) ** 2);
  }
}

/** `words`: of the last slice of the text, which may be all of it. */
function languagesAtStart(text: string, words: readonly string[]): TextLanguages {
  const isKnown = text.length <= LANGUAGE_CHARS && isAscii(text);
  return isKnown ? languagesOf(words, words) : textLanguages(text.slice(0, LANGUAGE_CHARS));
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
