// What the text analysis makes of a context, as it is stored beside the text so that loading an index
// need not analyse again. Rows of another `ANALYZER_VERSION` are analysed anew when they are read.

import { analyze } from '../../../base/text/analyzer.ts';
import { textTraits } from '../../../base/text/traits.ts';

export interface Derived {
  /** Index terms in order, joined by line breaks, which no term holds. */
  readonly terms: string;
  /** `?` where the text ends by asking, then the words of its speaker's name. */
  readonly traits: string;
}

export interface Traits {
  readonly isQuestion: boolean;
  readonly speaker: readonly string[];
}

const QUESTION = '?';

export function deriveFromText(text: string): Derived {
  const { speaker, isQuestion } = textTraits(text);
  return { terms: analyze(text).join('\n'), traits: (isQuestion ? QUESTION : '') + speaker.join(' ') };
}

export function splitTerms(joined: string): string[] {
  return joined === '' ? [] : joined.split('\n');
}

export function parseTraits(traits: string): Traits {
  const isQuestion = traits.startsWith(QUESTION);
  const words = isQuestion ? traits.slice(QUESTION.length) : traits;
  return { isQuestion, speaker: words === '' ? [] : words.split(' ') };
}
