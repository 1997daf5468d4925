import { seedAt, seededRandom, type SeededRandom } from '../../src/base/seeded-random.ts';

const CONTENT_WORDS = 20_000;
const FORENAMES = 300;
const SURNAMES = 1_200;
const TEXT_CHARS = 200;
/** About as often as English speech uses one. */
const FUNCTION_WORD_SHARE = 0.42;
const NAME_SHARE = 0.05;
const NUMBER_SHARE = 0.04;

const FUNCTION_WORDS = (
  'the to and of a in that it is was for on with he she be as at by this had not are but from or have an they which ' +
  'you one we were her all their there been if more when will would who so no out up into them then its about can'
).split(' ');
const ONSETS = 'b c d f g h k l m n p r s t v w br ch cl cr dr fl gr pl pr sh sl sp st tr th'.split(' ');
const NUCLEI = 'a e i o u ai ea ee ou'.split(' ');
const CODAS = ['', '', '', 'n', 'r', 's', 't', 'l', 'd', 'm', 'nd', 'st', 'ck'];

/**
 * Texts as agents store them and questions about them, the same for the same seed: word frequencies fall
 * as in natural language (Zipf-Mandelbrot), with names and numbers that few texts share.
 */
export interface Corpus {
  /** Text number `position`, about 200 characters; any one costs the same. */
  text(position: number): string;
  /** A question made of parts of one of the first `population` texts. */
  query(position: number, population: number): string;
  texts(from: number, count: number): string[];
}

export function createCorpus(seed: number): Corpus {
  const words = makeWords(seed);
  const content = zipfSampler(CONTENT_WORDS, 12);
  const functionWord = zipfSampler(FUNCTION_WORDS.length, 1);
  const name = (random: SeededRandom): string =>
    `${capitalised(words.forenames, random)} ${capitalised(words.surnames, random)}`;

  function nextWord(random: SeededRandom): string {
    const kind = random();
    if (kind < FUNCTION_WORD_SHARE) return FUNCTION_WORDS[functionWord(random)] ?? 'the';
    if (kind < FUNCTION_WORD_SHARE + NAME_SHARE) return name(random);
    if (kind < FUNCTION_WORD_SHARE + NAME_SHARE + NUMBER_SHARE) return String(Math.floor(random() * 10_000));
    return words.content[content(random)] ?? 'word';
  }

  function text(position: number): string {
    const random = seededRandom(seedAt(seed, position));
    let made = `${name(random)}:`;
    while (made.length < TEXT_CHARS - 10) made += ` ${nextWord(random)}`;
    return `${made}.`;
  }

  function query(position: number, population: number): string {
    const random = seededRandom(seedAt(seed ^ 0x51ed270b, position));
    const source = text(Math.floor(random() * population));
    const colon = source.indexOf(':');
    const body = source.slice(colon + 2, -1).split(' ');
    const telling = body.filter((word) => word.length > 3 && !FUNCTION_WORDS.includes(word));
    const from = Math.floor(random() * Math.max(1, telling.length - 4));
    const part = telling.slice(from, from + 4).join(' ');
    return random() < 0.5 ? `what did ${source.slice(0, colon)} say about ${part}` : `when was ${part}`;
  }

  return { text, query, texts: (from, count) => Array.from({ length: count }, (_, offset) => text(from + offset)) };
}

function makeWords(seed: number): { content: string[]; forenames: string[]; surnames: string[] } {
  const random = seededRandom(seed);
  const taken = new Set(FUNCTION_WORDS);
  const make = (count: number): string[] =>
    Array.from({ length: count }, () => {
      for (;;) {
        const word = makeWord(random);
        if (taken.has(word)) continue;
        taken.add(word);
        return word;
      }
    });
  return { content: make(CONTENT_WORDS), forenames: make(FORENAMES), surnames: make(SURNAMES) };
}

function makeWord(random: SeededRandom): string {
  const pick = (parts: readonly string[]): string => parts[Math.floor(random() * parts.length)] ?? '';
  const syllables = 2 + Math.floor(random() * 2);
  let word = '';
  for (let i = 0; i < syllables; i++) word += pick(ONSETS) + pick(NUCLEI);
  return word + pick(CODAS);
}

/** Ranks 0..count-1 with probability proportional to 1 / (rank + offset). */
function zipfSampler(count: number, offset: number): (random: SeededRandom) => number {
  const cumulative = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) {
    total += 1 / (rank + offset);
    cumulative[rank] = total;
  }
  return (random) => {
    const wanted = random() * total;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function capitalised(words: readonly string[], random: SeededRandom): string {
  // Squared: some people are talked about much more than others.
  const word = words[Math.floor(random() ** 2 * words.length)] ?? 'Somebody';
  return word[0]?.toUpperCase() + word.slice(1);
}
