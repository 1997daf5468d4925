// What the text analysis makes of a context, as it is stored beside the text so that loading an index
// need not analyse again. Rows of another `ANALYZER_VERSION` are analysed anew when they are read.

import { analyze } from '../../../base/text/analyzer.ts';
import { textKey } from '../../../base/text/normal.ts';
import { speakerInJson } from '../../../base/text/told-speaker.ts';
import { textTraits, type TextTraits } from '../../../base/text/traits.ts';

export interface Derived {
  /** Index terms in order, joined by line breaks, which no term holds. */
  readonly terms: string;
  /**
   * Its `textKey` in base 36, `|`, `?` where the text ends by asking, the
   * times that it tells between two `@`, then the words of its speaker's name.
   */
  readonly traits: string;
}

const QUESTION = '?';
const TIMES = '@';
const KEY_BASE = 36;
const KEY_END = '|';

/** `metadata`: as JSON; they tell who speaks where the text does not. */
export function deriveFromText(text: string, metadata: string): Derived {
  const traits = textTraits(text);
  const speaker = traits.speaker.length > 0 ? traits.speaker : speakerInJson(metadata);
  const key = textKey(text).toString(KEY_BASE);
  return {
    terms: analyze(text).join('\n'),
    traits: `${key}${KEY_END}${joinTraits({ ...traits, speaker })}`,
  };
}

function joinTraits({ isQuestion, times, speaker }: TextTraits): string {
  const told = times.length === 0 ? '' : `${TIMES}${times.join(' ')}${TIMES}`;
  return `${isQuestion ? QUESTION : ''}${told}${speaker.join(' ')}`;
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
export function parseTraits(traits: string): TextTraits {
  const { isQuestion, timesEnd, nameAt } = partsOf(traits);
  return {
    isQuestion,
    times: timesEnd < 0 ? NONE : traits.slice(Number(isQuestion) + 1, timesEnd).split(' '),
    speaker: nameAt === traits.length ? NONE : traits.slice(nameAt).split(' '),
  };
}

/** Whether `parseTraits` finds a speaker. */
export function tellsSpeaker(traits: string): boolean {
  return partsOf(traits).nameAt < traits.length;
}

const NONE: readonly string[] = [];

/** Every candidate of every question comes here: no pattern is matched, and nothing is kept, as speakers may be as many as texts. */
function partsOf(traits: string) {
  const isQuestion = traits.startsWith(QUESTION);
  const timesAt = Number(isQuestion);
  const timesEnd = traits.startsWith(TIMES, timesAt) ? traits.indexOf(TIMES, timesAt + 1) : -1;
  return { isQuestion, timesEnd, nameAt: timesEnd < 0 ? timesAt : timesEnd + 1 };
}
