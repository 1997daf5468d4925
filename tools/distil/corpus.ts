// The words of the table and the texts that it is tuned on: from a word list in the order of frequency, WordNet, and
// conversations of people with each other. None of what retrieval is measured on is among them.

import { segmentWords } from '../../src/base/text/segment.ts';
import { shuffled, type Draw } from './draw.ts';

/** As their packages have them. */
export interface Sources {
  /** The most frequent word first. */
  readonly wordList: readonly string[];
  /** Files `data.*` of WordNet. */
  readonly wordNet: readonly string[];
  /** By its id, each with the messages of one person after the other. */
  readonly conversations: Readonly<Record<string, { readonly messages: readonly (readonly { text: string }[])[] }>>;
}

export interface Corpus {
  /** The most frequent first. */
  readonly words: readonly string[];
  /** Half of them what people said, half WordNet's; in an order in which any number of them is as mixed. */
  readonly texts: readonly string[];
  /** Of each text, the places of its words in `words`. */
  readonly wordsOfTexts: readonly (readonly number[])[];
}

/** Words of the list up to here are in the table whatever they are, */
const FREQUENT_WORDS = 36_000;
/** up to here if WordNet knows them, */
const KNOWN_WORDS = 100_000;
/** and anywhere if people said them so often. */
const SAID_TIMES_MIN = 8;
const TEXTS_OF_EACH_KIND = 60_000;
const TEXT_CHARS_MAX = 400;
const SAID_WORDS_MIN = 4;
const SAID_WORDS_MAX = 45;
const WORDNET_WORDS_MAX = 30;
const EXAMPLE_WORDS_MIN = 3;
/** Of the glosses of names so many are texts: WordNet has more persons and places than anything else. */
const NAMES_SHARE = 0.3;

const PLAIN_WORD = /^[a-z]+$/;

interface Synset {
  readonly words: readonly string[];
  readonly definition: string;
  readonly examples: readonly string[];
}

export function makeCorpus(sources: Sources, draw: Draw): Corpus {
  const synsets = sources.wordNet.flatMap(synsetsOf);
  const said = Object.values(sources.conversations).flatMap(({ messages }) =>
    messages.map((turn) => clean(turn.map(({ text }) => text).join(' '))).filter((text) => text !== ''),
  );
  const words = wordsOf(sources.wordList, synsets, said);
  const ofPeople = shuffled([...new Set(said)].filter(isOfLength(SAID_WORDS_MIN, SAID_WORDS_MAX)), draw);
  const ofWordNet = shuffled(
    synsets.flatMap((synset) => textsOf(synset, draw)).filter(isOfLength(1, WORDNET_WORDS_MAX)),
    draw,
  );
  const texts: string[] = [];
  for (let i = 0; i < Math.min(TEXTS_OF_EACH_KIND, ofPeople.length, ofWordNet.length); i++)
    texts.push(ofPeople[i] as string, ofWordNet[i] as string);
  const places = new Map(words.map((word, place) => [word, place]));
  const wordsOfTexts = texts.map((text) =>
    segmentWords(text).flatMap((word) => {
      const place = places.get(word);
      return place === undefined ? [] : [place];
    }),
  );
  return { words, texts, wordsOfTexts };
}

function wordsOf(list: readonly string[], synsets: readonly Synset[], said: readonly string[]): string[] {
  const inWordNet = new Set(synsets.flatMap(({ words }) => words.map((word) => word.toLowerCase())));
  const times = new Map<string, number>();
  for (const text of said) for (const word of segmentWords(text)) times.set(word, (times.get(word) ?? 0) + 1);
  const isSaid = (word: string): boolean => (times.get(word) ?? 0) >= SAID_TIMES_MIN;
  const words = new Set<string>();
  for (const [rank, listed] of list.entries()) {
    // As the server cuts and folds it: `café` is `cafe`, and what has a hyphen is two words.
    const [word, ...others] = segmentWords(listed);
    if (word === undefined || others.length > 0 || !PLAIN_WORD.test(word)) continue;
    if (rank < FREQUENT_WORDS || (rank < KNOWN_WORDS && inWordNet.has(word)) || isSaid(word)) words.add(word);
  }
  // What no newspaper or encyclopedia wrote: the words of chats.
  for (const [word] of [...times].sort(([, a], [, b]) => b - a))
    if (isSaid(word) && PLAIN_WORD.test(word)) words.add(word);
  return [...words];
}

/** A line is `offset file type count word id [word id]... pointers... | definition; "example"; "example"` (wndb(5WN)). */
function synsetsOf(file: string): Synset[] {
  return file.split('\n').flatMap((line) => {
    const cut = line.indexOf(' | ');
    if (line.startsWith('  ') || cut < 0) return [];
    const fields = line.slice(0, cut).split(' ');
    const count = Number.parseInt(fields[3] as string, 16);
    const words = Array.from({ length: count }, (_, i) =>
      (fields[4 + 2 * i] as string).replace(/\(.*/, '').replaceAll('_', ' '),
    );
    const [definition = '', ...examples] = line.slice(cut + 3).split(/;\s*(?=")/);
    return [
      { words, definition: clean(definition), examples: examples.map((text) => clean(text.replaceAll('"', ''))) },
    ];
  });
}

/** The word with its meaning, the meaning or the synonyms alone, and the examples. */
function textsOf({ words, definition, examples }: Synset, draw: Draw): string[] {
  const word = words[Math.floor(draw() * words.length)] as string;
  const isName = /^[A-Z]/.test(word);
  if (isName && draw() >= NAMES_SHARE) return [];
  const form = draw();
  const text = form < 0.5 ? `${word}: ${definition}` : form < 0.75 ? definition : words.slice(0, 3).join(', ');
  return [clean(text), ...examples.filter(isOfLength(EXAMPLE_WORDS_MIN, WORDNET_WORDS_MAX))];
}

function clean(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, TEXT_CHARS_MAX);
}

function isOfLength(min: number, max: number): (text: string) => boolean {
  return (text) => {
    const { length } = segmentWords(text);
    return length >= min && length <= max;
  };
}
