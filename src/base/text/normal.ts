import { isAscii } from './ascii.ts';
import { boundMarks } from './marks.ts';

/** Longer texts are the same only where they are equal: to compare them word by word would hold up everybody else. */
export const COMPARED_CHARS_MAX = 65_536;
/** What is no single blank already. */
const UNEVEN_SPACE = /\s{2,}|[^\S ]/gu;
const CLOSING = /[\s.!…。！]/;
const TAB = 0x09;
const CARRIAGE_RETURN = 0x0d;
const BLANK = 0x20;
const UPPER_FIRST = 0x41;
const UPPER_LAST = 0x5a;
const TO_LOWER = 0x20;
/** Of cyrb53. */
const SEEDS: readonly [number, number] = [0xdeadbeef, 0x41c6ce57];
const LOW_FACTOR = 2654435761;
const HIGH_FACTOR = 1597334677;
/** Digits that compatibility forms make ordinary ones of: 10² would read as 102. */
const RAISED = /[²³¹⁰⁴-⁹₀-₉]/g;

/** The text in the form in which its signs are compared. */
export function compatibleForm(text: string): string {
  return isAscii(text) ? text : boundMarks(text.replace(RAISED, '^$&')).normalize('NFKC');
}

/** Of a compatible form: equal for texts that differ only in case, width, spacing and closing stops. */
export function normalOf(form: string): string {
  const spaced = form.replace(UNEVEN_SPACE, ' ').trim().toLowerCase();
  return withoutClosing(spaced) || spaced;
}

/**
 * Equal for texts that differ only in case, width, spacing and closing stops; of two others equal with a likelihood of
 * 2^-53 (cyrb53). A whole number from 0 on.
 */
export function textKey(text: string): number {
  if (text.length > COMPARED_CHARS_MAX) return hashOf(text.trim());
  return isAscii(text) ? asciiKey(text) : hashOf(normalOf(compatibleForm(text)));
}

/** From the end: a pattern that is anchored there would try every run of stops anywhere in the text. */
function withoutClosing(text: string): string {
  let end = text.length;
  while (end > 0 && CLOSING.test(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

/** `hashOf(normalOf(text))`, without making the strings in between: every text that is stored comes by here. */
function asciiKey(text: string): number {
  const end = withoutClosing(text).length;
  if (end === 0) return hashOf(normalOf(text));
  let [low, high] = SEEDS;
  let at = 0;
  while (isAsciiSpace(text.charCodeAt(at))) at++;
  for (let wasSpace = false; at < end; at++) {
    const unit = text.charCodeAt(at);
    const isSpace = isAsciiSpace(unit);
    if (isSpace && wasSpace) continue;
    wasSpace = isSpace;
    const normal = isSpace ? BLANK : unit >= UPPER_FIRST && unit <= UPPER_LAST ? unit + TO_LOWER : unit;
    low = Math.imul(low ^ normal, LOW_FACTOR);
    high = Math.imul(high ^ normal, HIGH_FACTOR);
  }
  return finished(low, high);
}

function isAsciiSpace(unit: number): boolean {
  return unit === BLANK || (unit >= TAB && unit <= CARRIAGE_RETURN);
}

function hashOf(text: string): number {
  let [low, high] = SEEDS;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, LOW_FACTOR);
    high = Math.imul(high ^ unit, HIGH_FACTOR);
  }
  return finished(low, high);
}

function finished(first: number, second: number): number {
  const low = Math.imul(first ^ (first >>> 16), 2246822507) ^ Math.imul(second ^ (second >>> 13), 3266489909);
  const high = Math.imul(second ^ (second >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
