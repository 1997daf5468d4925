// From texts to index terms, and from a query to what retrieval needs of it.

import { requestOf } from './courtesy.ts';
import { findDates, type NamedDate } from './dates.ts';
import { IRREGULAR_ENGLISH } from './irregular.ts';
import { ownCopy, VIEW_CHARS_MIN } from './own-copy.ts';
import { isHan, segmentForIndex, segmentInSlices, segmentWords } from './segment.ts';
import { stemEnglish } from './stemmer.ts';
import { ENGLISH_STOP_WORDS } from './stopwords.ts';

/** Raised with every change of what is made of a text, terms, traits and key: indexes made before must be rebuilt. */
export const ANALYZER_VERSION = 3;

/** Bounds the memory of the stem cache; natural language repeats some ten thousand words. */
const CACHED_STEMS_MAX = 50_000;
/** A capitalised word inside a sentence. */
const NAME_INSIDE = /(?<=[\p{L}\p{N},;'’"] )\p{Lu}[\p{L}\p{M}]+/gu;
const ASCII_LETTERS = /^[a-z]+$/;
const ASCII_LAST = 0x7f;
/** What a Han character of a query counts inside a longer run, whose pairs say more: half of all words are pairs. */
const HAN_INSIDE_WEIGHT = 0.2;
/** What a word counts that only wraps the question (`requestOf`). */
const COURTESY_WEIGHT = 0.1;
const stems = new Map<string, string>();

export interface WeightedTerm {
  readonly term: string;
  /** 1 for a plain word of the query. */
  readonly weight: number;
}

export interface QueryAnalysis {
  /** Distinct index terms, in the order of the query. */
  readonly terms: readonly WeightedTerm[];
  /** Folded words that may name a speaker: all but function words, and capitalised ones of those. */
  readonly names: ReadonlySet<string>;
  readonly dates: readonly NamedDate[];
}

/** Stem of a folded word: Porter2 for ASCII letters, the word itself for any other script. */
export function stemWord(word: string): string {
  // Pairs of characters are many and short, and would push the words of spaced scripts out of the cache.
  if (word.length < VIEW_CHARS_MIN && word.charCodeAt(0) > ASCII_LAST) return word;
  const known = stems.get(word);
  if (known !== undefined) return known;
  const own = ownCopy(word);
  const stem = ASCII_LETTERS.test(own) ? stemEnglish(IRREGULAR_ENGLISH.get(own) ?? own) : own;
  if (stems.size >= CACHED_STEMS_MAX) stems.clear();
  stems.set(own, stem);
  return stem;
}

export function isStopWord(word: string): boolean {
  return ENGLISH_STOP_WORDS.has(word);
}

/** Index terms of `text` in order, without function words; with them where there is nothing else. */
export function analyze(text: string): string[] {
  const { words, characters } = segmentForIndex(text);
  const terms = termsOf(words);
  for (const character of characters) terms.push(character);
  return terms;
}

/** How often each term stands in a text, in the order in which they come, and how many stand in it. */
export interface TermCounts {
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
}

export function countTerms(text: string): TermCounts {
  const terms = analyze(text);
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return { counts, length: terms.length };
}

/** Words that are told apart, stemmed and counted in a few milliseconds. */
const SLICE_WORDS = 8_192;

/** The same as `countTerms`, with a pause every few milliseconds however long the text. */
export function* countTermsInSlices(text: string): Generator<void, TermCounts> {
  if (text.length <= SLICE_WORDS) return countTerms(text);
  const { words, characters } = yield* segmentInSlices(text);
  const counts = new Map<string, number>();
  const isTelling = (word: string): boolean => !ENGLISH_STOP_WORDS.has(word);
  let length = yield* addInSlices(words, (some) => some.filter(isTelling).map(stemWord), counts);
  if (length === 0) length = yield* addInSlices(words, (some) => some.map(stemWord), counts);
  length += yield* addInSlices(characters, (some) => some, counts);
  return { counts, length };
}

/** Returns how many terms were counted. */
function* addInSlices(
  words: readonly string[],
  termsOf: (some: readonly string[]) => readonly string[],
  counts: Map<string, number>,
): Generator<void, number> {
  let length = 0;
  for (let from = 0; from < words.length; from += SLICE_WORDS) {
    const terms = termsOf(words.slice(from, from + SLICE_WORDS));
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    length += terms.length;
    yield;
  }
  return length;
}

function termsOf(words: readonly string[]): string[] {
  const terms: string[] = [];
  for (const word of words) if (!ENGLISH_STOP_WORDS.has(word)) terms.push(stemWord(word));
  return terms.length > 0 ? terms : words.map(stemWord);
}

/** What a query asks for: its terms, the names and the dates in it. */
export function analyzeQuery(text: string): QueryAnalysis {
  const { words, characters, alone } = segmentForIndex(text);
  const weights = new Map<string, number>();
  const { courtesies } = requestOf(text);
  for (const word of courtesies) if (!ENGLISH_STOP_WORDS.has(word)) weights.set(stemWord(word), COURTESY_WEIGHT);
  for (const term of termsOf(words.filter((word) => !courtesies.has(word)))) weights.set(term, 1);
  for (const character of alone) weights.set(character, 1);
  for (const character of characters) {
    if (isHan(character.codePointAt(0) ?? 0) && !weights.has(character)) weights.set(character, HAN_INSIDE_WEIGHT);
  }
  const terms = [...weights].map(([term, weight]) => ({ term, weight }));
  const names = new Set(words.filter((word) => !ENGLISH_STOP_WORDS.has(word)));
  // Will, May or Don inside a sentence is a person, at its start most likely not.
  for (const name of text.match(NAME_INSIDE) ?? []) {
    for (const word of segmentWords(name)) names.add(word);
  }
  return { terms, names, dates: findDates(text) };
}

/** Makes the tables of months and marks, which takes some dozens of milliseconds, before the first question waits for them. */
export function prepareAnalysis(): void {
  analyzeQuery('in May, à deux');
}

/** Whether the query names the speaker of a text (`TextTraits.speaker`) by any part of the name. */
export function namesSpeaker(query: QueryAnalysis, speaker: readonly string[]): boolean {
  return speaker.some((word) => query.names.has(word));
}
