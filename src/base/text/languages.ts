// In which language a text is: told by its function words and letters, one look at each word.

import { FUNCTION_WORDS, TELLING_LETTERS } from './function-words.ts';
import { foldText } from './segment.ts';
import { scriptOf } from './scripts.ts';

/** What texts are told apart by: those of `FUNCTION_WORDS`, with and without a stemmer. */
const LANGUAGES = Object.keys(FUNCTION_WORDS);
const ENGLISH = LANGUAGES.indexOf('en');
const CYRILLIC: ReadonlySet<string> = new Set(['ru', 'uk', 'bg']);

/** What each of the letters that few languages have adds, and how much letters add at most: names keep theirs in any text. */
const LETTER_VOTE = 0.4;
const LETTER_VOTES_MAX = 0.8;
/** About one word that no other language has. */
const VOTES_MIN = 0.75;
/** Of the words: where function words are rarer the text is a list, code or a log with some names in it. */
const VOTES_SHARE_MIN = 0.06;
/** English words are in texts of all languages, and in code. */
const MORE_THAN_ENGLISH = 1.5;
/** Words that are looked at: a text does not change its language later, or then has two. */
const WORDS_MAX = 400;

/** Of the words of a text, by script; absent where a script has one language, or nothing tells which. */
export interface TextLanguages {
  readonly latin?: string;
  readonly cyrillic?: string;
}

/** Both counts of the text that is looked at: to make lists for each takes a quarter of the time. */
const votes = new Float64Array(LANGUAGES.length);
const byLetters = new Float64Array(LANGUAGES.length);

interface Ballot {
  readonly words: ReadonlyMap<string, readonly number[]>;
  readonly letters: ReadonlyMap<string, readonly number[]>;
}

let ballot: Ballot | undefined;

/** Which languages have each word and each letter. */
function languagesByWord(): Ballot {
  if (ballot !== undefined) return ballot;
  const words = new Map<string, number[]>();
  const letters = new Map<string, number[]>();
  LANGUAGES.forEach((language, place) => {
    const folded = foldText(FUNCTION_WORDS[language] as string).split(/\s+/u);
    for (const word of new Set(folded)) words.set(word, [...(words.get(word) ?? []), place]);
    for (const letter of TELLING_LETTERS[language] ?? '') letters.set(letter, [...(letters.get(letter) ?? []), place]);
  });
  return (ballot = { words, letters });
}

/** `words`: folded, in the order of the text; `unfolded`: the same with their marks, or the same list where there are none. */
export function languagesOf(words: readonly string[], unfolded: readonly string[]): TextLanguages {
  const { words: known, letters } = languagesByWord();
  votes.fill(0);
  byLetters.fill(0);
  let latinCount = 0;
  let cyrillicCount = 0;
  const end = Math.min(words.length, WORDS_MAX);
  for (let at = 0; at < end; at++) {
    const word = words[at] as string;
    const script = scriptOf(word);
    if (script === 'latin') latinCount++;
    else if (script === 'cyrillic') cyrillicCount++;
    const voters = known.get(word);
    if (voters !== undefined) for (const place of voters) votes[place] = (votes[place] as number) + 1 / voters.length;
    if (unfolded !== words || script === 'cyrillic') voteByLetters(unfolded[at] as string, letters);
  }
  for (let place = 0; place < votes.length; place++)
    votes[place] = (votes[place] as number) + Math.min(LETTER_VOTES_MAX, byLetters[place] as number);
  const latin = elected(latinCount, (language) => !CYRILLIC.has(language));
  const cyrillic = elected(cyrillicCount, (language) => CYRILLIC.has(language));
  return { ...(latin !== undefined && { latin }), ...(cyrillic !== undefined && { cyrillic }) };
}

function voteByLetters(word: string, letters: Ballot['letters']): void {
  for (const letter of word) {
    const voters = letters.get(letter);
    if (voters === undefined) continue;
    for (const place of voters) byLetters[place] = (byLetters[place] as number) + LETTER_VOTE / voters.length;
  }
}

function elected(wordCount: number, isOfScript: (language: string) => boolean): string | undefined {
  if (wordCount === 0) return undefined;
  let best: string | undefined;
  let most = Math.max(VOTES_MIN, VOTES_SHARE_MIN * wordCount);
  LANGUAGES.forEach((language, place) => {
    const given = votes[place] as number;
    if (place === ENGLISH || given <= most || !isOfScript(language)) return;
    best = language;
    most = given;
  });
  if (best === undefined) return undefined;
  const isMore = most > MORE_THAN_ENGLISH * (votes[ENGLISH] as number);
  return isMore || !isOfScript('en') ? best : undefined;
}
