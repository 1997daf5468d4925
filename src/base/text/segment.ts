// Words of a text in any script: normalised (NFKC), lower-case, diacritics folded. Scripts that put
// no spaces between words give overlapping character pairs, as Lucene's CJKBigramFilter does: pairs
// need no dictionary, and a query's pairs are found inside any longer run.

import { isAscii } from './ascii.ts';
import { boundMarks } from './marks.ts';
import { ownCopy } from './own-copy.ts';
import { signsOf } from './signs.ts';

const ASCII_WORD = /[0-9]+(?:[.,][0-9]+)+|[a-z0-9]+(?:'[a-z]+)*/g;
const WORD = /\p{Nd}+(?:[.,]\p{Nd}+)+|[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:'[\p{L}\p{M}]+)*/gu;
/** What English hangs on a word behind an apostrophe: possessives and contracted auxiliaries. */
const ENGLISH_SUFFIXES: ReadonlySet<string> = new Set(['s', 't', 'd', 'm', 're', 've', 'll']);

/** Longer runs are data, not words: what is behind this length tells none of them apart for a reader. */
const WORD_CHARS_MAX = 64;

const INNER_CAPITAL = /[a-z][A-Z]/;
const IDENTIFIER = /[A-Za-z][A-Za-z0-9]*/g;
const CAMEL_PART = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g;

const SURROGATE = /[\ud800-\udfff]/;

/** Scripts written without spaces, and Hangul, whose particles stick to the words. */
const UNSPACED = String.raw`\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\u30fc`;
const UNSPACED_ANY = new RegExp(`[${UNSPACED}]`, 'u');
const UNSPACED_ONLY = new RegExp(`^[${UNSPACED}]+$`, 'u');
const UNSPACED_RUN = new RegExp(`[${UNSPACED}]+`, 'gu');

/** Marks that spelling often leaves out: Latin, Greek and Cyrillic accents, Hebrew points, Arabic signs. */
const OPTIONAL_MARKS = /[\u0300-\u036f]|[\u0591-\u05bd]|[\u05bf-\u05c7]|\u0640|[\u064b-\u0652]|\u0670/g;
const UNDECOMPOSED = /[ßæœøłđðþıς]/g;
const FOLDED: ReadonlyMap<string, string> = new Map([
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ø', 'o'],
  ['ł', 'l'],
  ['đ', 'd'],
  ['ð', 'd'],
  ['þ', 'th'],
  ['ı', 'i'],
  ['ς', 'σ'],
]);

/** NFKC, lower case, without diacritics: the form in which words are compared. */
export function foldText(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  return lowerText(text)
    .normalize('NFD')
    .replace(OPTIONAL_MARKS, '')
    .normalize('NFC')
    .replace(UNDECOMPOSED, (letter) => FOLDED.get(letter) ?? letter);
}

/** With its diacritics, and one kind of apostrophe. */
function lowerText(text: string): string {
  return boundMarks(text).normalize('NFKC').toLowerCase().normalize('NFC').replace(APOSTROPHES, "'");
}

const APOSTROPHES = /[’ʼ]/g;
/** Bounds the memory of `foldWord`. */
const CACHED_FOLDED_MAX = 20_000;
/** A longer text would push the words of the others out of it. */
const CACHED_TEXT_CHARS_MAX = 4_096;
const foldedWords = new Map<string, string>();

function foldWord(word: string): string {
  if (isAscii(word)) return word;
  const known = foldedWords.get(word);
  if (known !== undefined) return known;
  const folded = foldText(word);
  if (foldedWords.size >= CACHED_FOLDED_MAX) foldedWords.clear();
  foldedWords.set(ownCopy(word), folded);
  return folded;
}

/** The words of `text` in order, folded. The parts of `getUserName` follow at the end. */
export function segmentWords(text: string): string[] {
  const words: string[] = [];
  const isPlain = isAscii(text);
  const folded = foldText(text);
  const hasUnspaced = !isPlain && UNSPACED_ANY.test(folded);
  for (const word of folded.match(isPlain ? ASCII_WORD : WORD) ?? []) {
    if (hasUnspaced && !isDigit(word) && UNSPACED_ANY.test(word)) pushUnspaced(word, words);
    else pushSpaced(word, words);
  }
  if (INNER_CAPITAL.test(text)) pushCamelParts(text, words);
  return words;
}

export interface IndexWords {
  /** As `segmentWords` has them, but numbers that touch an unspaced script are words of their own. */
  readonly words: readonly string[];
  /** The same with their diacritics; the same list where there are none. */
  readonly unfolded: readonly string[];
  /** Han and Hangul characters inside the unspaced runs, which `words` has in pairs only: each may be a word. */
  readonly characters: readonly string[];
  /** Of these, those that have no other of their script beside them: the Han of `猫は`. */
  readonly alone: readonly string[];
  /** `signsOf` */
  readonly signs: readonly string[];
}

/** What of `text` can be looked for. The pairs alone would never answer a word of one character. */
export function segmentForIndex(text: string): IndexWords {
  const found = { characters: [] as string[], alone: [] as string[] };
  if (isAscii(text)) {
    const words = segmentWords(text);
    return { words, unfolded: words, ...found, signs: signsOf(text.toLowerCase()) };
  }
  const unfolded: string[] = [];
  const lower = lowerText(text);
  const hasUnspaced = UNSPACED_ANY.test(lower);
  for (const word of lower.match(WORD) ?? []) {
    if (hasUnspaced && UNSPACED_ANY.test(word)) pushUnspaced(word, unfolded, found);
    else pushSpaced(word, unfolded);
  }
  if (INNER_CAPITAL.test(text)) pushCamelParts(text, unfolded);
  // Most texts have no diacritics to fold: these are seen at once, as a word at a time would cost more than all else.
  const fold = text.length > CACHED_TEXT_CHARS_MAX ? foldText : foldWord;
  const words = foldText(lower) === lower ? unfolded : unfolded.map((word) => fold(word));
  return { words, unfolded, ...found, signs: signsOf(lower) };
}

/** Characters and words that are looked at in a few milliseconds. */
const SLICE_CHARS = 8_192;

/** The same as `segmentForIndex`, with a pause every few milliseconds however long the text. */
export function* segmentInSlices(text: string): Generator<void, IndexWords> {
  if (text.length <= SLICE_CHARS) return segmentForIndex(text);
  const found = { characters: [] as string[], alone: [] as string[] };
  if (isAscii(text)) {
    const words = segmentWords(text);
    return { words, unfolded: words, ...found, signs: signsOf(text.toLowerCase()) };
  }
  const unfolded: string[] = [];
  const lower = lowerText(text);
  yield;
  const matches = lower.match(WORD) ?? [];
  yield;
  let chars = 0;
  for (const word of matches) {
    if (!UNSPACED_ANY.test(word)) pushSpaced(word, unfolded);
    else if (word.length <= SLICE_CHARS) pushUnspaced(word, unfolded, found);
    else yield* unspacedInSlices(word, unfolded, found);
    chars += word.length + 1;
    if (chars < SLICE_CHARS) continue;
    yield;
    chars = 0;
  }
  if (INNER_CAPITAL.test(text)) pushCamelParts(text, unfolded);
  const words: string[] = [];
  for (let from = 0; from < unfolded.length; from += SLICE_CHARS) {
    for (const word of unfolded.slice(from, from + SLICE_CHARS)) words.push(foldWord(word));
    yield;
  }
  return { words, unfolded, ...found, signs: signsOf(lower) };
}

function* unspacedInSlices(word: string, words: string[], found: FoundCharacters): Generator<void, void> {
  let end = 0;
  let pausedAt = 0;
  for (const run of word.matchAll(UNSPACED_RUN)) {
    if (run.index > end) pushSpaced(word.slice(end, run.index), words);
    end = run.index + run[0].length;
    if (run[0].length <= SLICE_CHARS) pushRun(run[0], words, found);
    else yield* runInSlices(run[0], words, found);
    if (end - pausedAt < SLICE_CHARS) continue;
    yield;
    pausedAt = end;
  }
  if (end < word.length) pushSpaced(word.slice(end), words);
}

function* runInSlices(run: string, words: string[], found: FoundCharacters): Generator<void, void> {
  const characters = SURROGATE.test(run) ? [...run] : run;
  for (let from = 0; from + 1 < characters.length; from += SLICE_CHARS) {
    pushPairsOf(characters, from, from + SLICE_CHARS, words);
    yield;
  }
  const place = { at: 0, before: NO_SCRIPT };
  while (place.at < run.length) {
    pushCharactersUntil(run, place.at + SLICE_CHARS, place, found);
    yield;
  }
}

function pushSpaced(word: string, words: string[]): void {
  const bounded = word.length > WORD_CHARS_MAX ? word.slice(0, WORD_CHARS_MAX) : word;
  if (isDigit(bounded)) pushNumber(bounded, words);
  else if (bounded.includes("'")) pushParts(bounded, words);
  else words.push(bounded);
}

function isDigit(word: string): boolean {
  const charCode = word.charCodeAt(0);
  return charCode >= 48 && charCode <= 57;
}

/** `1,000` and `1000` are one number, and so are `08` and `8`, as dates are written both ways. */
function pushNumber(word: string, words: string[]): void {
  const digits = word.length > 4 ? word.replace(/,(?=\d{3}(?:\D|$))/g, '') : word;
  words.push(digits.length > 1 && digits.startsWith('0') ? digits.replace(/^0+(?=\d)/, '') : digits);
}

/** `max's` gives `max`, `l'amour` gives both parts. */
function pushParts(word: string, words: string[]): void {
  for (const part of word.split("'")) {
    if (part !== '' && !ENGLISH_SUFFIXES.has(part)) words.push(part);
  }
}

function pushUnspaced(word: string, words: string[], found?: FoundCharacters): void {
  if (UNSPACED_ONLY.test(word)) return pushRun(word, words, found);
  const pushBeside = found === undefined ? pushBounded : pushSpaced;
  let end = 0;
  for (const run of word.matchAll(UNSPACED_RUN)) {
    if (run.index > end) pushBeside(word.slice(end, run.index), words);
    pushRun(run[0], words, found);
    end = run.index + run[0].length;
  }
  if (end < word.length) pushBeside(word.slice(end), words);
}

function pushRun(run: string, words: string[], found: FoundCharacters | undefined): void {
  pushPairs(run, words);
  if (found !== undefined) pushCharacters(run, found);
}

function pushBounded(part: string, words: string[]): void {
  words.push(part.length > WORD_CHARS_MAX ? part.slice(0, WORD_CHARS_MAX) : part);
}

function pushPairs(run: string, words: string[]): void {
  const characters = SURROGATE.test(run) ? [...run] : run;
  if (characters.length === 1) words.push(run);
  else pushPairsOf(characters, 0, run.length, words);
}

/** Those that begin before `end`. */
function pushPairsOf(characters: string | readonly string[], from: number, end: number, words: string[]): void {
  const last = Math.min(end, characters.length - 1);
  if (typeof characters === 'string') for (let at = from; at < last; at++) words.push(characters.slice(at, at + 2));
  else for (let i = from; i < last; i++) words.push(`${characters[i] ?? ''}${characters[i + 1] ?? ''}`);
}

interface FoundCharacters {
  readonly characters: string[];
  readonly alone: string[];
}

/** A run of one character is a word already. */
function pushCharacters(run: string, found: FoundCharacters): void {
  pushCharactersUntil(run, run.length, { at: 0, before: NO_SCRIPT }, found);
}

/** Goes on from `place`, which it moves to `end` or one unit behind. */
function pushCharactersUntil(
  run: string,
  end: number,
  place: { at: number; before: number },
  { characters, alone }: FoundCharacters,
): void {
  let { at, before } = place;
  for (let width: number; at < run.length && at < end; at += width) {
    width = widthAt(run, at);
    const script = scriptAt(run, at);
    if (script !== NO_SCRIPT && width < run.length) {
      const character = run.slice(at, at + width);
      characters.push(character);
      if (script !== before && script !== scriptAt(run, at + width)) alone.push(character);
    }
    before = script;
  }
  place.at = at;
  place.before = before;
}

function widthAt(run: string, at: number): 1 | 2 {
  return (run.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

const NO_SCRIPT = 0;
const HAN = 1;
const HANGUL = 2;

/** Scripts in which one character can be a word; those of kana hardly ever are. */
function scriptAt(run: string, at: number): number {
  const code = run.codePointAt(at) ?? 0;
  if (isHan(code)) return HAN;
  return code >= 0xac00 && code <= 0xd7a3 ? HANGUL : NO_SCRIPT;
}

export function isHan(code: number): boolean {
  return (
    (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf) || (code >= 0x20000 && code <= 0x3ffff)
  );
}

function pushCamelParts(text: string, words: string[]): void {
  for (const word of text.match(IDENTIFIER) ?? []) {
    if (word.length > WORD_CHARS_MAX || !INNER_CAPITAL.test(word)) continue;
    for (const part of word.match(CAMEL_PART) ?? []) words.push(part.toLowerCase());
  }
}
