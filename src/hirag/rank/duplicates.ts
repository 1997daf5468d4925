import type { LoopTurns } from '../../base/loop-turns.ts';
import { COMPARED_CHARS_MAX, compatibleForm, normalOf } from '../../base/text/normal.ts';

/** What of a text is compared; made once per text. */
export interface TextPrint {
  /** Equal for texts that differ only in case, width, spacing and closing stops. */
  readonly normal: string;
  /** The words that say something, and the signs, in order: texts that differ in one never say the same. */
  readonly core: string;
  /** How often each of `FILLERS` stands in it. */
  readonly fillers: Uint16Array;
  /** All of its words and signs. */
  readonly wordCount: number;
}

/**
 * Words that a text may have or lack and still say the same. All others may be what a correction corrects, also small
 * ones: `not`, `or`, `may`, `before`, `his`.
 */
const FILLERS: ReadonlyMap<string, number> = new Map(
  'a an the please also too so well oh ah um uh hey hi hello ok okay yeah'.split(' ').map((word, at) => [word, at]),
);

/** Texts of one core that are compared with another; more of them differ in fillers only. */
const RIVALS_MAX = 16;

/**
 * A number with its separators; a letter of a script that is written without spaces; a word; a run of signs other than
 * punctuation; an exclamation mark that stands before something, as in `!=`.
 */
const WORD =
  /\p{N}+(?:[.,:]\p{N}+)*|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}.,;:!'"‘’“”„«»()[\]{}…。、，！]+|!(?=[^\s!?.,;:…。！'"’”»)\]}])/gu;

/** Words looked at in one go: a few milliseconds. */
const STEP_WORDS = 4_096;

/** Of longer texts there is no outline: making it goes in one step. */
const OUTLINED_CHARS_MAX = 4_096;
/** Letters that are longer in a row than any filler. */
const LONG_RUN_MIN = 7;
const ASCII_LAST = 0x7f;
const LETTER_FIRST = 0x61;
const LETTER_LAST = 0x7a;
const TO_LOWER = 0x20;
/** Of FNV-1a, 32 bits. */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * Of two texts with different outlines neither says what the other one says: a hash of their longest words, in order, made
 * in the time of a look at each letter. null: nothing is said of this one.
 */
export function outlineOf(text: string): number | null {
  if (text.length > OUTLINED_CHARS_MAX) return null;
  let hash = OFFSET_BASIS;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const unit = at === text.length ? 0 : text.charCodeAt(at);
    if (unit > ASCII_LAST) return null;
    const lower = unit | TO_LOWER;
    if (lower >= LETTER_FIRST && lower <= LETTER_LAST) continue;
    if (at - start >= LONG_RUN_MIN) hash = hashedRun(hash, text, start, at);
    start = at + 1;
  }
  return hash >>> 0;
}

/** With the letters from `start` to `end`, whatever their case, and a sign that there is an end. */
function hashedRun(hash: number, text: string, start: number, end: number): number {
  let mixed = hash;
  for (let at = start; at < end; at++) mixed = Math.imul(mixed ^ (text.charCodeAt(at) | TO_LOWER), PRIME);
  return Math.imul(mixed ^ TO_LOWER, PRIME);
}

export function printOf(text: string): TextPrint {
  const steps = printSteps(text);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in slices, between which others get their turn. */
export async function printInTurns(text: string, turns: LoopTurns): Promise<TextPrint> {
  const steps = printSteps(text);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await turns.next();
  }
}

function* printSteps(text: string): Generator<void, TextPrint> {
  const fillers = new Uint16Array(FILLERS.size);
  if (text.length > COMPARED_CHARS_MAX) return { normal: text.trim(), core: '', fillers, wordCount: 0 };
  const form = compatibleForm(text);
  const normal = normalOf(form);
  const core: string[] = [];
  let wordCount = 0;
  for (const word of form.length > STEP_WORDS ? wordsOf(form) : (form.match(WORD) ?? [])) {
    const lower = word.toLowerCase();
    // `Plan A` is not `plan`.
    const filler = word === 'A' ? undefined : FILLERS.get(lower);
    if (filler === undefined) core.push(lower);
    else fillers[filler] = (fillers[filler] as number) + 1;
    if (++wordCount % STEP_WORDS === 0) yield;
  }
  return { normal, core: core.join(' '), fillers, wordCount };
}

/** One by one, as they are asked for. */
function* wordsOf(form: string): Generator<string> {
  // One of its own: it remembers how far it got while others use theirs.
  const pattern = new RegExp(WORD);
  for (let match = pattern.exec(form); match !== null; match = pattern.exec(form)) yield match[0];
}

/** Share of their words that two texts of one core have in common, 0..1. */
export function resemblance(a: TextPrint, b: TextPrint): number {
  let differing = 0;
  for (let at = 0; at < a.fillers.length; at++)
    differing += Math.abs((a.fillers[at] as number) - (b.fillers[at] as number));
  return 1 - differing / Math.max(1, a.wordCount + b.wordCount);
}

interface Seen<T> {
  readonly print: TextPrint;
  item: T;
}

/** Texts seen so far, each for what it belongs to; tells which of them say what another one says. */
export class DuplicateFilter<T> {
  readonly #threshold: number;
  readonly #byNormal = new Map<string, Seen<T>>();
  readonly #byCore = new Map<string, Seen<T>[]>();

  /** `threshold`: resemblance from which texts of one core count as the same, 0..1; at 1 only equal ones do. */
  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /** Whose text says the same; undefined: nobody's that was added. */
  find(print: TextPrint): T | undefined {
    return this.#find(print)?.item;
  }

  add(print: TextPrint, item: T): void {
    const seen = { print, item };
    if (!this.#byNormal.has(print.normal)) this.#byNormal.set(print.normal, seen);
    if (print.core === '' || this.#threshold >= 1) return;
    const rivals = this.#byCore.get(print.core);
    if (rivals === undefined) this.#byCore.set(print.core, [seen]);
    else if (rivals.length < RIVALS_MAX) rivals.push(seen);
  }

  /** From now on the text that `print` repeats belongs to `item`. */
  replace(print: TextPrint, item: T): void {
    const seen = this.#find(print);
    if (seen !== undefined) seen.item = item;
  }

  #find(print: TextPrint): Seen<T> | undefined {
    const equal = this.#byNormal.get(print.normal);
    if (equal !== undefined || print.core === '') return equal;
    return this.#byCore.get(print.core)?.find((seen) => resemblance(seen.print, print) >= this.#threshold);
  }
}
