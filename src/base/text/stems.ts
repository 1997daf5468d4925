// Index terms of words by language. English words, and all others of which nothing tells the language, have the plain term
// of `stemWord`. Words of a text in another language have their stem in it with the language behind: stems of one language
// never meet those of another by chance. A query is too short to tell its language by, so it looks for its words as each
// language of their script has them that there are texts of.

import { createRequire } from 'node:module';
import type { TextLanguages } from './languages.ts';
import { ownCopy } from './own-copy.ts';
import { scriptOf, type Script } from './scripts.ts';
import { foldText } from './segment.ts';

type Stemmer = (word: string) => string;

const require = createRequire(import.meta.url) as unknown as (name: string) => { readonly stemmer: Stemmer };

/** Snowball stemmers, by language. Each is read from disk with the first text of its language. */
const STEMMERS: Readonly<Record<string, () => { readonly stemmer: Stemmer }>> = {
  de: () => require('@orama/stemmers/german'),
  fr: () => require('@orama/stemmers/french'),
  es: () => require('@orama/stemmers/spanish'),
  it: () => require('@orama/stemmers/italian'),
  pt: () => require('@orama/stemmers/portuguese'),
  nl: () => require('@orama/stemmers/dutch'),
  sv: () => require('@orama/stemmers/swedish'),
  no: () => require('@orama/stemmers/norwegian'),
  da: () => require('@orama/stemmers/danish'),
  fi: () => require('@orama/stemmers/finnish'),
  hu: () => require('@orama/stemmers/hungarian'),
  ro: () => require('@orama/stemmers/romanian'),
  tr: () => require('@orama/stemmers/turkish'),
  id: () => require('@orama/stemmers/indonesian'),
  lt: () => require('@orama/stemmers/lithuanian'),
  ru: () => require('@orama/stemmers/russian'),
  uk: () => require('@orama/stemmers/ukrainian'),
  el: () => require('@orama/stemmers/greek'),
  hy: () => require('@orama/stemmers/armenian'),
  ar: () => require('@orama/stemmers/arabic'),
  hi: () => require('@orama/stemmers/indian'),
  ta: () => require('@orama/stemmers/tamil'),
};

/** Languages of the words of each script; the first is taken where nothing tells which, but for Latin letters. */
const LANGUAGES_OF: Readonly<Record<Script, readonly string[]>> = {
  latin: ['de', 'fr', 'es', 'it', 'pt', 'nl', 'sv', 'no', 'da', 'fi', 'hu', 'ro', 'tr', 'id', 'lt'],
  cyrillic: ['ru', 'uk'],
  greek: ['el'],
  armenian: ['hy'],
  arabic: ['ar'],
  devanagari: ['hi'],
  tamil: ['ta'],
  other: [],
};

/** Between a stem and its language; no word holds it. */
const OF = '~';
/** Bounds the memory of each language's cache. */
const CACHED_MAX = 20_000;
/** What has digits is no word of a language, nor what is longer: stemmers take longest for letters that repeat. */
const HAS_DIGIT = /\d/;
const STEMMED_CHARS_MAX = 40;
/** German without umlauts: `Mueller`, `Strasse`. Behind another vowel or a q they are letters of their own: `neue`, `Quelle`. */
const WRITTEN_OUT = /(?<![aeiouyq])([aou])e/g;

const STRESS = '\u0301';

class LanguageStems {
  readonly #language: string;
  readonly #terms = new Map<string, string>();
  #stem: Stemmer | undefined;

  constructor(language: string) {
    this.#language = language;
  }

  termOf(word: string): string {
    const known = this.#terms.get(word);
    if (known !== undefined) return known;
    this.#stem ??= (STEMMERS[this.#language] as () => { readonly stemmer: Stemmer })().stemmer;
    const stem = foldText(this.#stem(spelled(word, this.#language)));
    const term = `${stem === '' ? foldText(word) : stem}${OF}${this.#language}`;
    if (this.#terms.size >= CACHED_MAX) this.#terms.clear();
    this.#terms.set(ownCopy(word), term);
    return term;
  }
}

/** One spelling for those that leave accents out, as names and questions do; in Cyrillic, where these are letters, only stress. */
function spelled(word: string, language: string): string {
  if (scriptOf(word) === 'cyrillic') return word.replaceAll(STRESS, '');
  const folded = foldText(word);
  return language === 'de' ? folded.replace(WRITTEN_OUT, '$1') : folded;
}

function isInflected(word: string): boolean {
  return word.length <= STEMMED_CHARS_MAX && !HAS_DIGIT.test(word);
}

const stems = new Map<string, LanguageStems>();

function termIn(language: string, word: string): string {
  let known = stems.get(language);
  if (known === undefined) stems.set(language, (known = new LanguageStems(language)));
  return known.termOf(word);
}

/** Whether there is any language that an unfolded word can be stemmed in. */
export function isStemmed(word: string): boolean {
  return LANGUAGES_OF[scriptOf(word)].length > 0 && isInflected(word);
}

/** The term of an unfolded word in a text of these languages; undefined: the plain one. */
export function languageTerm(word: string, languages: TextLanguages): string | undefined {
  const script = scriptOf(word);
  const language =
    script === 'latin' ? languages.latin : (script === 'cyrillic' && languages.cyrillic) || LANGUAGES_OF[script][0];
  if (language === undefined || STEMMERS[language] === undefined || !isInflected(word)) return undefined;
  return termIn(language, word);
}

/**
 * The terms under which texts of other languages than English have an unfolded word, or one that is such a term already.
 * `spoken`: the languages that there are texts of; absent: any.
 */
export function languageForms(word: string, spoken?: ReadonlySet<string>): string[] {
  if (word.includes(OF)) return [word];
  if (!isInflected(word)) return [];
  const languages = LANGUAGES_OF[scriptOf(word)];
  return languages.filter((each) => spoken?.has(each) !== false).map((language) => termIn(language, word));
}

/** The language that an index term was stemmed in; undefined: English, or none. */
export function languageOfTerm(term: string): string | undefined {
  const at = term.lastIndexOf(OF);
  return at < 0 ? undefined : term.slice(at + OF.length);
}
