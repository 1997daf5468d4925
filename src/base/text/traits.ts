// What ranking wants to know of a text besides its terms: who says it, and whether it asks.

import { isLabel, isRole, isWrittenAsName } from './labels.ts';
import { foldText, segmentWords } from './segment.ts';
import { toldTimes } from './told-times.ts';

export interface TextTraits {
  /** Folded words of the name before the first colon (`Ann Lee: hello`), or of who says a message in JSON; empty where there is none. */
  readonly speaker: readonly string[];
  /** The text ends by asking: what answers it stands behind it. */
  readonly isQuestion: boolean;
  /** `toldTimes` */
  readonly times: readonly string[];
}

/** Bullet, stamp, name and time together. */
const START_CHARS = 160;
const SPEAKER_WORDS_MAX = 4;
/**
 * A name without digits or punctuation, a colon, and a space where the script has them. Before it may stand a list's bullet and
 * a bracketed time stamp, around it the stars of bold letters, behind it a time in brackets.
 */
const SPEAKER =
  /^\s*(?:[-*•–]\s+)?(?<stamp>[[(][^\])]{1,40}[\])]\s*)?(?:\*\*|__)?(?<name>[\p{L}][\p{L}\p{M}\p{N} ._'’-]{0,39}?)(?:\*\*|__)?(?<time>\s?[[(][^\])]{0,30}\d[:.h-]\d\d[^\])]{0,20}[\])])?(?:\*\*|__)?(?::(?:\*\*|__)?\s|：)/u;
const JSON_START = /^\s*\{\s*"/;
/** Who says what a message in JSON holds, and that it holds something said. */
const JSON_SPEAKER = /"(?:role|speaker|name|author|sender|from)"\s*:\s*"([^"\\\n]{1,40})"/;
const JSON_SAID = /"(?:content|text|message|body)"\s*:/;
const JSON_CHARS = 400;
/** A question mark of any script, then closing marks, emoji, or one bracketed attachment. */
const QUESTION_END = /[?？؟⁇]["'”’»)}*_\s\p{Extended_Pictographic}\ufe0f]*(?:\[[^\]]{0,300}\]\s*)?$/u;
const TAIL_CHARS = 400;

/** Characters after the colon that tell what is said from a value. */
const UTTERANCE_CHARS = 200;
const SENTENCE_END = /[.!?…](?:["'”’»)\s]|$)|[。！？؟।]|\p{Extended_Pictographic}/u;
/** Words that values of fields hardly ever have: those of who speaks to whom, and what is said when people meet. */
const SPOKEN =
  /(?:^|[\s"'“(])(?:i|i['’]\p{L}+|you|we|he|she|it|they|me|my|your|our|this|that|is|are|am|was|were|do|does|did|don['’]t|have|has|had|will|would|can|could|should|let['’]s|what|who|when|where|why|how|hello|hi|hey|thanks|thank|yes|yeah|no|ok|okay|sure|bye|hallo|danke|ich|du|wir|ja|nein|hola|gracias|yo|bonjour|merci|je|tu|nous|oui|non|ciao|grazie|привет|спасибо|я|ты|да|нет|नमस्ते|मैं)(?=$|[\s,.!?'"’”)])/iu;
const SPOKEN_UNSPACED = /你|我|您|吗|吧|谢谢|は|です|ます|ありがとう|こんにちは|안녕|감사|요$/u;
/** Four side by side: values of fields have commas or line ends between theirs. */
const MANY_WORDS = /[^\s,;、，]+(?:[^\S\n]+[^\s,;、，]+){3}/u;
const SAID_UNSPACED_CHARS_MIN = 5;
const UNSPACED = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]/gu;

/** The traits of `text`, from its first and last characters only. */
export function textTraits(text: string): TextTraits {
  return { speaker: speakerOf(text), isQuestion: QUESTION_END.test(text.slice(-TAIL_CHARS)), times: toldTimes(text) };
}

/** `TextTraits.speaker` alone. */
export function speakerOf(text: string): readonly string[] {
  if (JSON_START.test(text)) return speakerOfJson(text.slice(0, JSON_CHARS));
  const match = SPEAKER.exec(text.slice(0, START_CHARS));
  if (match === null) return [];
  const { name = '', stamp, time } = match.groups ?? {};
  const folded = foldText(name);
  const said = text.slice(match[0].length, match[0].length + UTTERANCE_CHARS);
  if (!speaks(name, folded, (stamp ?? time) !== undefined, said)) return [];
  return wordsOfName(folded);
}

function speakerOfJson(start: string): readonly string[] {
  const name = JSON_SAID.test(start) ? JSON_SPEAKER.exec(start)?.[1] : undefined;
  return name === undefined ? [] : wordsOfName(foldText(name));
}

function wordsOfName(folded: string): readonly string[] {
  const speaker = segmentWords(folded);
  return speaker.length <= SPEAKER_WORDS_MAX ? speaker : [];
}

/** `Ann: hello` speaks, `Hobby: chess` and `Blood type: A` do not. In doubt what follows decides. */
function speaks(name: string, folded: string, isStamped: boolean, said: string): boolean {
  if (isLabel(folded)) return false;
  if (isRole(folded) || isStamped) return true;
  return isWrittenAsName(name) && isUtterance(said);
}

/** A sentence, or part of one, rather than the value of a field. */
function isUtterance(said: string): boolean {
  // The cheapest first, and most often true.
  if (MANY_WORDS.test(said) || SENTENCE_END.test(said) || SPOKEN.test(said) || SPOKEN_UNSPACED.test(said)) return true;
  return (said.match(UNSPACED)?.length ?? 0) >= SAID_UNSPACED_CHARS_MIN;
}
