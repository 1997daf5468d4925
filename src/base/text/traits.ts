// What ranking wants to know of a text besides its terms: who says it, and whether it asks.

import { foldText, segmentWords } from './segment.ts';

export interface TextTraits {
  /** Folded words of the name before the first colon (`Ann Lee: hello`); empty where there is none. */
  readonly speaker: readonly string[];
  /** The text ends by asking: what answers it stands behind it. */
  readonly isQuestion: boolean;
}

const SPEAKER_CHARS_MAX = 40;
const SPEAKER_WORDS_MAX = 4;
/** An optional bracketed time stamp, a name without digits or punctuation, a colon, and a space where the script has them. */
const SPEAKER = /^\s*(?:[[(][^\])]{1,40}[\])]\s*)?([\p{L}][\p{L}\p{M}\p{N} ._'’-]{0,39}?)(?::\s|：)/u;
/** A question mark of any script, then closing marks, emoji, or one bracketed attachment. */
const QUESTION_END = /[?？؟⁇]["'”’»)\s\p{Extended_Pictographic}\ufe0f]*(?:\[[^\]]{0,300}\]\s*)?$/u;
const TAIL_CHARS = 400;

/** The traits of `text`, from its first and last characters only. */
export function textTraits(text: string): TextTraits {
  const name = SPEAKER.exec(text.slice(0, 2 * SPEAKER_CHARS_MAX + 4))?.[1];
  const speaker = name === undefined ? [] : segmentWords(foldText(name));
  return {
    speaker: speaker.length <= SPEAKER_WORDS_MAX ? speaker : [],
    isQuestion: QUESTION_END.test(text.slice(-TAIL_CHARS)),
  };
}
