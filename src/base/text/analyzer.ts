// From texts to index terms, and from a query to what retrieval needs of it.

import { findDates, type NamedDate } from './dates.ts';
import { IRREGULAR_ENGLISH } from './irregular.ts';
import { segmentWords } from './segment.ts';
import { stemEnglish } from './stemmer.ts';
import { ENGLISH_STOP_WORDS } from './stopwords.ts';

/** Raised with every change of the terms that `analyze` gives: indexes made before must be rebuilt. */
export const ANALYZER_VERSION = 1;

/** Bounds the memory of the stem cache; natural language repeats some ten thousand words. */
const CACHED_STEMS_MAX = 50_000;
/** Longer runs of letters are data, not words. */
const STEMMED_CHARS_MAX = 40;
const ASCII_LETTERS = /^[a-z]+$/;
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
  const known = stems.get(word);
  if (known !== undefined) return known;
  const isEnglishLike = word.length <= STEMMED_CHARS_MAX && ASCII_LETTERS.test(word);
  const stem = isEnglishLike ? stemEnglish(IRREGULAR_ENGLISH.get(word) ?? word) : word;
  if (stems.size >= CACHED_STEMS_MAX) stems.clear();
  stems.set(word, stem);
  return stem;
}

export function isStopWord(word: string): boolean {
  return ENGLISH_STOP_WORDS.has(word);
}

/** Index terms of `text` in order, without function words; with them where there is nothing else. */
export function analyze(text: string): string[] {
  const words = segmentWords(text);
  const terms: string[] = [];
  for (const word of words) if (!ENGLISH_STOP_WORDS.has(word)) terms.push(stemWord(word));
  return terms.length > 0 ? terms : words.map(stemWord);
}

/** What a query asks for: its terms, the names and the dates in it. */
export function analyzeQuery(text: string): QueryAnalysis {
  const terms = [...new Set(analyze(text))].map((term) => ({ term, weight: 1 }));
  const names = new Set(segmentWords(text).filter((word) => !ENGLISH_STOP_WORDS.has(word)));
  // Will, May or Don inside a sentence is a person, at its start most likely not.
  for (const match of text.matchAll(/(?<=[\p{L}\p{N},;'’"] ?)(?<![.!?]\s?)\b\p{Lu}\p{Ll}+/gu)) {
    for (const word of segmentWords(match[0])) names.add(word);
  }
  return { terms, names, dates: findDates(text) };
}

/** Whether the query names the speaker of a text (`TextTraits.speaker`) by any part of the name. */
export function namesSpeaker(query: QueryAnalysis, speaker: readonly string[]): boolean {
  return speaker.some((word) => query.names.has(word));
}
