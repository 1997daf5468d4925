import { boundMarks } from './marks.ts';

/** Longer texts are the same only where they are equal: to compare them word by word would hold up everybody else. */
export const COMPARED_CHARS_MAX = 65_536;
/** What is no single blank already. */
const UNEVEN_SPACE = /\s{2,}|[^\S ]/gu;
/** It has no other form. */
// eslint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
const CLOSING = /[\s.!…。！]/;
/** Digits that compatibility forms make ordinary ones of: 10² would read as 102. */
const RAISED = /[²³¹⁰⁴-⁹₀-₉]/g;

/** The text in the form in which its signs are compared. */
export function compatibleForm(text: string): string {
  return ASCII.test(text) ? text : boundMarks(text.replace(RAISED, '^$&')).normalize('NFKC');
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
  return hashOf(text.length > COMPARED_CHARS_MAX ? text.trim() : normalOf(compatibleForm(text)));
}

/** From the end: a pattern that is anchored there would try every run of stops anywhere in the text. */
function withoutClosing(text: string): string {
  let end = text.length;
  while (end > 0 && CLOSING.test(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

function hashOf(text: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 2654435761);
    high = Math.imul(high ^ unit, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
