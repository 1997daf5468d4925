// From texts to index terms, and from a query to what retrieval needs of it.

import { asksWhen } from './asks-when.ts';
import { requestOf } from './courtesy.ts';
import { findDates, type NamedDate } from './dates.ts';
import { IRREGULAR_ENGLISH } from './irregular.ts';
import { languagesOf, type TextLanguages } from './languages.ts';
import { ownCopy, VIEW_CHARS_MIN } from './own-copy.ts';
import { isHan, segmentForIndex, segmentInSlices, segmentWords, type IndexWords } from './segment.ts';
import { stemEnglish } from './stemmer.ts';
import { isStemmed, languageForms, languageTerm } from './stems.ts';
import { ENGLISH_STOP_WORDS } from './stopwords.ts';
import { toldTimes } from './told-times.ts';

/** Raised with every change of what is made of a text, terms, traits and key: indexes made before must be rebuilt. */
export const ANALYZER_VERSION = 8;

/** Bounds the memory of the stem cache; natural language repeats some ten thousand words. */
const CACHED_STEMS_MAX = 50_000;
/** Distinct words of a text that is asked in all languages: of more, only in its own. */
const POLYGLOT_WORDS_MAX = 48;
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
  /** As English texts have it, and those of which nothing tells the language. */
  readonly term: string;
  /** The words as the query writes them, for texts of other languages (`languageForms`); or what these have it as. */
  readonly written?: readonly string[];
  /** 1 for a plain word of the query. */
  readonly weight: number;
}

export interface QueryAnalysis {
  /** Distinct index terms, in the order of the query. */
  readonly terms: readonly WeightedTerm[];
  /** Folded words that may name a speaker: all but function words, and capitalised ones of those. */
  readonly names: ReadonlySet<string>;
  readonly dates: readonly NamedDate[];
  /** It asks for a time: when, how long ago, in which year. */
  readonly asksWhen: boolean;
  /** The text without what is wrapped around the question (`requestOf`). */
  readonly core: string;
}

/** Plain term of a folded word: its Porter2 stem where it has ASCII letters only, else the word itself. */
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

export function textLanguages(text: string): TextLanguages {
  const { words, unfolded } = segmentForIndex(text);
  return languagesOf(words, unfolded);
}

/** Index terms of `text` in order, without function words; with them where there is nothing else. Absent `ofText`: in its own languages. */
export function analyze(text: string, ofText?: TextLanguages): string[] {
  const segmented = segmentForIndex(text);
  const languages = ofText ?? languagesOf(segmented.words, segmented.unfolded);
  const { words, unfolded } = meaningful(segmented);
  const terms = termsIn(languages, words, unfolded);
  for (const character of segmented.characters) terms.push(character);
  for (const sign of segmented.signs) terms.push(sign);
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

/** Characters and words that are told apart, stemmed and counted in a few milliseconds. */
const SLICE_CHARS = 8_192;
const SLICE_WORDS = 1_024;

/** The same as `countTerms`, with a pause every few milliseconds however long the text. */
export function* countTermsInSlices(text: string): Generator<void, TermCounts> {
  if (text.length <= SLICE_CHARS) return countTerms(text);
  const segmented = yield* segmentInSlices(text);
  const languages = languagesOf(segmented.words, segmented.unfolded);
  const counts = new Map<string, number>();
  const { words, unfolded } = meaningful(segmented);
  const termsOf = (from: number, to: number): readonly string[] =>
    termsIn(languages, words.slice(from, to), unfolded.slice(from, to));
  let length = yield* addInSlices(words.length, termsOf, counts);
  const { characters, signs } = segmented;
  length += yield* addInSlices(characters.length, (from, to) => characters.slice(from, to), counts);
  length += yield* addInSlices(signs.length, (from, to) => signs.slice(from, to), counts);
  return { counts, length };
}

/** Returns how many terms were counted. */
function* addInSlices(
  count: number,
  termsOf: (from: number, to: number) => readonly string[],
  counts: Map<string, number>,
): Generator<void, number> {
  let length = 0;
  for (let from = 0; from < count; from += SLICE_WORDS) {
    const terms = termsOf(from, from + SLICE_WORDS);
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    length += terms.length;
    yield;
  }
  return length;
}

type Words = Pick<IndexWords, 'words' | 'unfolded'>;

function picked({ words, unfolded }: Words, isWanted: (word: string) => boolean): Words {
  const kept: { words: string[]; unfolded: string[] } = { words: [], unfolded: [] };
  words.forEach((word, place) => {
    if (!isWanted(word)) return;
    kept.words.push(word);
    kept.unfolded.push(unfolded[place] as string);
  });
  return kept;
}

/** Without English function words, where there are others. */
function meaningful(all: Words): Words {
  const kept = picked(all, (word) => !ENGLISH_STOP_WORDS.has(word) && word !== '');
  return kept.words.length > 0 ? kept : all;
}

function termsIn(languages: TextLanguages, words: readonly string[], unfolded: readonly string[]): string[] {
  return words.map((word, place) => languageTerm(unfolded[place] as string, languages) ?? stemWord(word));
}

/** All index terms, in any language, that are words of a query. */
export function termsSought(query: string): Set<string> {
  return new Set(
    analyzeQuery(query).terms.flatMap(({ term, written = [] }) => [
      term,
      ...written.flatMap((word) => languageForms(word)),
    ]),
  );
}

/** What a query asks for: its terms, the names and the dates in it. */
export function analyzeQuery(text: string): QueryAnalysis {
  const segmented = segmentForIndex(text);
  const { words, characters, alone, signs } = segmented;
  const { courtesies, core } = requestOf(text);
  const terms = new Map<string, WeightedTerm>();
  const add = (some: Words, weight: number): void => {
    for (const [term, written] of writtenWords(some))
      terms.set(term, { term, ...(written.size > 0 && { written: [...written] }), weight });
  };
  add(
    picked(segmented, (word) => courtesies.has(word) && !ENGLISH_STOP_WORDS.has(word)),
    COURTESY_WEIGHT,
  );
  add(meaningful(picked(segmented, (word) => !courtesies.has(word))), 1);
  for (const character of alone) terms.set(character, { term: character, weight: 1 });
  for (const sign of signs) if (!terms.has(sign)) terms.set(sign, { term: sign, weight: 1 });
  for (const character of characters) {
    if (isHan(character.codePointAt(0) ?? 0) && !terms.has(character))
      terms.set(character, { term: character, weight: HAN_INSIDE_WEIGHT });
  }
  const names = new Set(words.filter((word) => !ENGLISH_STOP_WORDS.has(word)));
  // Will, May or Don inside a sentence is a person, at its start most likely not.
  for (const name of text.match(NAME_INSIDE) ?? []) {
    for (const word of segmentWords(name)) names.add(word);
  }
  return { terms: [...terms.values()], names, dates: findDates(text), asksWhen: asksWhen(core), core };
}

/** By plain term: inflections of one word in English are one word in any language. */
function writtenWords({ words, unfolded }: Words): Map<string, Set<string>> {
  const isLong = new Set(words).size > POLYGLOT_WORDS_MAX;
  const languages = isLong ? languagesOf(words, unfolded) : {};
  const byTerm = new Map<string, Set<string>>();
  words.forEach((word, place) => {
    const term = stemWord(word);
    let written = byTerm.get(term);
    if (written === undefined) byTerm.set(term, (written = new Set()));
    const own = unfolded[place] as string;
    const asked = isLong ? languageTerm(own, languages) : isStemmed(own) ? own : undefined;
    if (asked !== undefined) written.add(asked);
  });
  return byTerm;
}

/** Makes the tables of months, marks and languages, which takes some dozens of milliseconds, before the first question waits for them. */
export function prepareAnalysis(): void {
  analyzeQuery('in May, à deux');
  toldTimes('in May, 今日');
  languagesOf([], []);
}

/** Whether the query names the speaker of a text (`TextTraits.speaker`) by any part of the name. */
export function namesSpeaker(query: QueryAnalysis, speaker: readonly string[]): boolean {
  return speaker.some((word) => query.names.has(word));
}
