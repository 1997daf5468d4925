// Texts that are longer than what a model reads at once, in passages that are not.

import { graphemesIn } from './graphemes.ts';

/** Passages of one text that have a vector of their own. */
export const PASSAGES_MAX = 256;

/** Share of a passage that the next one repeats at most, so that what stands at a border is whole in one of them. */
const OVERLAP_SHARE = 1 / 8;
/** Units before a place that say where graphemes end there: one that is longer is cut between two characters. */
const GRAPHEME_UNITS_MAX = 64;

/** Units below it are graphemes of their own, but for a line's two ends. */
const FIRST_MARK = 0x300;
/** What does not begin a grapheme, as far as it can follow a blank or a stop: marks, joiners, variation selectors, skin tones, tags. */
const EXTENDING = /^(?:\p{M}|\u200c|\u200d|[\ufe00-\ufe0f]|[\u{1f3fb}-\u{1f3ff}]|[\u{e0020}-\u{e007f}])/u;

/**
 * Costs of characters, as parts of a token. No tokenizer is known here, so these lie above what WordPiece, SentencePiece and
 * byte pairs make of usual texts in the scripts that they were trained with: a token for every three Latin letters of a
 * word begun, for every two of the other alphabets, and for every unit of all else (digits, signs, ideographs, the halves
 * of emoji). One blank between words costs nothing, more of them a quarter each.
 */
const TOKEN = 12;
const LATIN = 4;
const ALPHABETIC = 6;
const BLANK = 3;

function costOf(unit: number): number {
  if (unit < 0x80) {
    const letter = unit | 0x20;
    if (letter >= 0x61 && letter <= 0x7a) return LATIN;
    return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) ? BLANK : TOKEN;
  }
  if ((unit >= 0xc0 && unit <= 0x24f) || (unit >= 0x1e00 && unit <= 0x1eff)) return LATIN;
  // Greek, Cyrillic, Armenian, Hebrew, Arabic; Georgian.
  if ((unit >= 0x370 && unit <= 0x6ff) || (unit >= 0x10a0 && unit <= 0x10ff)) return ALPHABETIC;
  return unit === 0xa0 || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200a) ? BLANK : TOKEN;
}

/** Tokens that the text has for a model whose tokenizer is not known; more than it really has, in all likelihood. */
export function estimatedTokens(text: string): number {
  let parts = 0;
  for (let at = 0, before = BLANK; at < text.length; at++) {
    const cost = costOf(text.charCodeAt(at));
    parts = added(parts, cost, before, text, at);
    before = cost;
  }
  return Math.ceil(parts / TOKEN);
}

/** A token ends where another kind of character begins. */
function added(parts: number, cost: number, before: number, text: string, at: number): number {
  const whole = cost === before ? parts : Math.ceil(parts / TOKEN) * TOKEN;
  const isOneBlank = cost === BLANK && before !== BLANK && text.charCodeAt(at) === 0x20;
  return isOneBlank ? whole : whole + cost;
}

/**
 * The text in passages of `tokensMax` estimated tokens at most, none of them blank; the text itself where it has no more.
 * They end behind a paragraph where one ends in their second half, else behind a sentence, else behind a word, else between
 * two graphemes, and begin with up to an eighth of the one before. Linear. `tokensMax`: 2 or more.
 */
export function* passagesOf(text: string, tokensMax: number): Generator<string> {
  for (let start = 0; ; ) {
    const limit = limitOf(text, start, tokensMax);
    if (start === 0 && limit === text.length) {
      yield text;
      return;
    }
    const end = limit === text.length ? limit : borderBefore(text, start, limit);
    const passage = text.slice(start, end).trim();
    if (passage !== '') yield passage;
    if (end === text.length) return;
    start = nextStart(text, start, end, tokensMax);
  }
}

/** The furthest place up to which there are no more tokens than that. */
function limitOf(text: string, start: number, tokensMax: number): number {
  if (text.length - start <= tokensMax) return text.length;
  const most = tokensMax * TOKEN;
  let parts = 0;
  for (let at = start, before = BLANK; at < text.length; at++) {
    const cost = costOf(text.charCodeAt(at));
    parts = added(parts, cost, before, text, at);
    if (parts > most) return at;
    before = cost;
  }
  return text.length;
}

/** The best place to end in the second half of what lies between. */
function borderBefore(text: string, start: number, limit: number): number {
  const middle = start + Math.ceil((limit - start) / 2);
  let sentence = 0;
  let word = 0;
  for (let at = limit; at > middle; at--) {
    const kind = borderAt(text, at);
    if (kind === 'paragraph') return at;
    if (kind === 'sentence' && sentence === 0) sentence = at;
    else if (kind === 'word' && word === 0) word = at;
  }
  return sentence || word || graphemeBefore(text, start, limit);
}

/** Where the next passage begins: behind the first sentence, else the first word, that ends within the overlap. */
function nextStart(text: string, start: number, end: number, tokensMax: number): number {
  const earliest = Math.max(start + Math.ceil((end - start) / 2), end - overlapUnits(text, start, end, tokensMax));
  let word = 0;
  for (let at = earliest; at < end; at++) {
    const kind = borderAt(text, at);
    if (kind === 'word' && word === 0) word = at;
    else if (kind === 'sentence' || kind === 'paragraph') return at;
  }
  if (word > 0) return word;
  const grapheme = graphemeBefore(text, start, earliest);
  return grapheme > start ? grapheme : end;
}

function overlapUnits(text: string, start: number, end: number, tokensMax: number): number {
  const most = Math.floor(tokensMax * OVERLAP_SHARE) * TOKEN;
  let parts = 0;
  for (let at = end - 1; at >= start; at--) {
    parts += costOf(text.charCodeAt(at));
    if (parts > most) return end - 1 - at;
  }
  return end - start;
}

type Border = 'paragraph' | 'sentence' | 'word';

const FULL_STOPS = '.!?…';
const CLOSERS = '"\'”’)]»';
/** Behind these no blank is needed. */
const WIDE_STOPS = '。！？';

/** What ends right before `at`; null: nothing does, or a grapheme goes on there. */
function borderAt(text: string, at: number): Border | null {
  const last = text.charAt(at - 1);
  const isWideStop = WIDE_STOPS.includes(last);
  if ((!isWideStop && costOf(last.charCodeAt(0)) !== BLANK) || goesOn(text, at)) return null;
  if (last === '\n') return isLineBreak(text, at - 1) ? 'paragraph' : 'sentence';
  if (isWideStop) return 'sentence';
  const before = text.charAt(at - 2);
  const stop = before !== '' && CLOSERS.includes(before) ? text.charAt(at - 3) : before;
  return stop !== '' && FULL_STOPS.includes(stop) ? 'sentence' : 'word';
}

function isLineBreak(text: string, at: number): boolean {
  const before = text.charAt(at - 1);
  return before === '\n' || (before === '\r' && text.charAt(at - 2) === '\n');
}

function goesOn(text: string, at: number): boolean {
  if (text.charAt(at) === '\n' && text.charAt(at - 1) === '\r') return true;
  return text.charCodeAt(at) >= FIRST_MARK && EXTENDING.test(text.slice(at, at + 2));
}

/** The last place up to `limit` where no grapheme is cut; where there is none behind `start`, where no character is. */
function graphemeBefore(text: string, start: number, limit: number): number {
  if (isPlain(text.charCodeAt(limit - 1)) && isPlain(text.charCodeAt(limit))) return limit;
  let from = Math.max(start, limit - GRAPHEME_UNITS_MAX);
  // Flags are pairs of letters that look alike, so pairs are counted from where they begin.
  while (from > start && (isLowSurrogate(text, from) || isFlagUnit(text.charCodeAt(from - 1)))) from--;
  let found = from;
  for (const { index, segment } of graphemesIn(text.slice(from, limit + GRAPHEME_UNITS_MAX))) {
    if (from + index > limit) break;
    found = from + index;
    if (found + segment.length > limit) break;
  }
  return found > start ? found : limit - (isLowSurrogate(text, limit) ? 1 : 0);
}

/** Nothing joins it to another one like it: letters of Latin, ideographs. */
function isPlain(unit: number): boolean {
  return (unit < FIRST_MARK && unit !== 0x0d) || (unit >= 0x3400 && unit <= 0x9fff);
}

/** Half of a regional indicator, and of some others. */
function isFlagUnit(unit: number): boolean {
  return unit === 0xd83c || (unit >= 0xdde6 && unit <= 0xddff);
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
