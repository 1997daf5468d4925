// What the text analysis makes of a context, as it is stored beside the text so that loading an index
// need not analyse again. Rows of another `ANALYZER_VERSION` are analysed anew when they are read.

import { analyze } from '../../../base/text/analyzer.ts';
import { textKey } from '../../../base/text/normal.ts';
import { textTraits } from '../../../base/text/traits.ts';

export interface Derived {
  /** Index terms in order, joined by line breaks, which no term holds. */
  readonly terms: string;
  /** Its `textKey` in base 36, `|`, `?` where the text ends by asking, then the words of its speaker's name. */
  readonly traits: string;
}

export interface Traits {
  readonly isQuestion: boolean;
  readonly speaker: readonly string[];
}

const QUESTION = '?';
const KEY_BASE = 36;
const KEY_END = '|';

export function deriveFromText(text: string): Derived {
  const { speaker, isQuestion } = textTraits(text);
  const key = textKey(text).toString(KEY_BASE);
  return {
    terms: analyze(text).join('\n'),
    traits: `${key}${KEY_END}${isQuestion ? QUESTION : ''}${speaker.join(' ')}`,
  };
}

export function splitTerms(joined: string): string[] {
  return joined === '' ? [] : joined.split('\n');
}

/** `key` is NaN where there is none. */
export function splitTraits(derived: string): { readonly key: number; readonly traits: string } {
  const end = derived.indexOf(KEY_END);
  if (end < 0) return { key: Number.NaN, traits: derived };
  return { key: Number.parseInt(derived.slice(0, end), KEY_BASE), traits: derived.slice(end + 1) };
}

/** Of the part behind the key. */
export function parseTraits(traits: string): Traits {
  const isQuestion = traits.startsWith(QUESTION);
  const words = isQuestion ? traits.slice(QUESTION.length) : traits;
  return { isQuestion, speaker: words === '' ? [] : words.split(' ') };
}
