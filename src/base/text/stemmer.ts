// The English (Porter2) stemmer of the Snowball project, step for step as described at
// https://snowballstem.org/algorithms/english/stemmer.html. Words must be lower-case ASCII letters;
// the caller strips apostrophes. A run of vowels decides almost everything, so `y` that acts as a
// consonant is written `Y` while the steps run.

const EXCEPTIONS = new Map<string, string>([
  ['skis', 'ski'],
  ['skies', 'sky'],
  ['idly', 'idl'],
  ['gently', 'gentl'],
  ['ugly', 'ugli'],
  ['early', 'earli'],
  ['only', 'onli'],
  ['singly', 'singl'],
  ['sky', 'sky'],
  ['news', 'news'],
  ['howe', 'howe'],
  ['atlas', 'atlas'],
  ['cosmos', 'cosmos'],
  ['bias', 'bias'],
  ['andes', 'andes'],
]);
const AFTER_STEP_1A = new Set([
  'inning',
  'outing',
  'canning',
  'herring',
  'earring',
  'evening',
  'proceed',
  'exceed',
  'succeed',
]);
/** Prefixes behind which R1 begins, so that `universal` and `university` part. */
const REGION_PREFIXES = ['arsen', 'commun', 'emerg', 'gener', 'inter', 'later', 'organ', 'past', 'univers'];
const DOUBLES = new Set(['bb', 'dd', 'ff', 'gg', 'mm', 'nn', 'pp', 'rr', 'tt']);

const STEP_2: readonly (readonly [string, string])[] = [
  ['ization', 'ize'],
  ['ational', 'ate'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['iveness', 'ive'],
  ['tional', 'tion'],
  ['biliti', 'ble'],
  ['lessli', 'less'],
  ['entli', 'ent'],
  ['ation', 'ate'],
  ['alism', 'al'],
  ['aliti', 'al'],
  ['ousli', 'ous'],
  ['iviti', 'ive'],
  ['fulli', 'ful'],
  ['ogist', 'og'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['abli', 'able'],
  ['izer', 'ize'],
  ['ator', 'ate'],
  ['alli', 'al'],
  ['bli', 'ble'],
  ['ogi', 'og'],
  ['li', ''],
];
const STEP_3: readonly (readonly [string, string])[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['alize', 'al'],
  ['icate', 'ic'],
  ['iciti', 'ic'],
  ['ative', ''],
  ['ical', 'ic'],
  ['ness', ''],
  ['ful', ''],
];
const STEP_4 = [
  'ement',
  'ance',
  'ence',
  'able',
  'ible',
  'ment',
  'ant',
  'ent',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
  'ion',
  'al',
  'er',
  'ic',
];

function isVowel(c: string | undefined): boolean {
  return c === 'a' || c === 'e' || c === 'i' || c === 'o' || c === 'u' || c === 'y';
}

/** Index behind the first consonant that follows a vowel, from `start` on (R1 of the description). */
function regionAfter(word: string, start: number): number {
  for (let i = start + 1; i < word.length; i++) {
    if (!isVowel(word[i]) && isVowel(word[i - 1])) return i + 1;
  }
  return word.length;
}

function firstRegion(word: string): number {
  for (const prefix of REGION_PREFIXES) {
    if (word.startsWith(prefix)) return prefix.length;
  }
  return regionAfter(word, 0);
}

function hasVowel(word: string, end: number): boolean {
  for (let i = 0; i < end; i++) if (isVowel(word[i])) return true;
  return false;
}

function endsInShortSyllable(word: string): boolean {
  const n = word.length;
  if (n === 2) return isVowel(word[0]) && !isVowel(word[1]);
  if (n < 3) return false;
  const last = word[n - 1];
  return (
    !isVowel(word[n - 3]) && isVowel(word[n - 2]) && !isVowel(last) && last !== 'w' && last !== 'x' && last !== 'Y'
  );
}

function markConsonantY(word: string): string {
  if (!word.includes('y')) return word;
  let out = word[0] === 'y' ? 'Y' : word[0]!;
  for (let i = 1; i < word.length; i++) {
    out += word[i] === 'y' && isVowel(out[i - 1]) ? 'Y' : word[i];
  }
  return out;
}

function step1a(word: string): string {
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (word.endsWith('ied') || word.endsWith('ies')) return word.slice(0, word.length > 4 ? -2 : -1);
  if (word.endsWith('us') || word.endsWith('ss')) return word;
  if (word.endsWith('s') && hasVowel(word, word.length - 2)) return word.slice(0, -1);
  return word;
}

function step1b(word: string, r1: number): string {
  for (const suffix of ['eedly', 'eed']) {
    if (word.endsWith(suffix)) {
      return word.length - suffix.length >= r1 ? word.slice(0, -suffix.length) + 'ee' : word;
    }
  }
  for (const suffix of ['ingly', 'edly', 'ing', 'ed']) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, -suffix.length);
    if (suffix === 'ing' && stem.length === 2 && stem[1] === 'y') return stem[0] + 'ie'; // dying
    if (!hasVowel(stem, stem.length)) return word;
    if (stem.endsWith('at') || stem.endsWith('bl') || stem.endsWith('iz')) return stem + 'e';
    if (DOUBLES.has(stem.slice(-2))) {
      const isWhole = stem.length === 3 && 'aeo'.includes(stem[0] ?? ' '); // add, egg, odd
      return isWhole ? stem : stem.slice(0, -1);
    }
    if (r1 >= stem.length && endsInShortSyllable(stem)) return stem + 'e';
    return stem;
  }
  return word;
}

function step1c(word: string): string {
  const last = word[word.length - 1];
  if ((last === 'y' || last === 'Y') && word.length > 2 && !isVowel(word[word.length - 2])) {
    return word.slice(0, -1) + 'i';
  }
  return word;
}

function step2(word: string, r1: number): string {
  for (const [suffix, replacement] of STEP_2) {
    if (!word.endsWith(suffix)) continue;
    const at = word.length - suffix.length;
    if (at < r1) return word;
    if (suffix === 'ogi' && word[at - 1] !== 'l') return word;
    if (suffix === 'li' && !'cdeghkmnrt'.includes(word[at - 1] ?? ' ')) return word;
    return word.slice(0, at) + replacement;
  }
  return word;
}

function step3(word: string, r1: number, r2: number): string {
  for (const [suffix, replacement] of STEP_3) {
    if (!word.endsWith(suffix)) continue;
    const at = word.length - suffix.length;
    if (at < r1 || (suffix === 'ative' && at < r2)) return word;
    return word.slice(0, at) + replacement;
  }
  return word;
}

function step4(word: string, r2: number): string {
  for (const suffix of STEP_4) {
    if (!word.endsWith(suffix)) continue;
    const at = word.length - suffix.length;
    if (at < r2) return word;
    if (suffix === 'ion' && word[at - 1] !== 's' && word[at - 1] !== 't') return word;
    return word.slice(0, at);
  }
  return word;
}

function step5(word: string, r1: number, r2: number): string {
  const at = word.length - 1;
  if (word.endsWith('e')) {
    const stem = word.slice(0, at);
    return at >= r2 || (at >= r1 && !endsInShortSyllable(stem)) ? stem : word;
  }
  if (word.endsWith('l')) return at >= r2 && word[at - 1] === 'l' ? word.slice(0, at) : word;
  return word;
}

/** The Porter2 stem of a lower-case word of ASCII letters; words of one or two letters stay. */
export function stemEnglish(word: string): string {
  if (word.length < 3) return word;
  const exception = EXCEPTIONS.get(word);
  if (exception !== undefined) return exception;
  let stem = markConsonantY(word);
  const r1 = firstRegion(stem);
  const r2 = regionAfter(stem, r1);
  stem = step1a(stem);
  if (AFTER_STEP_1A.has(stem)) return stem;
  stem = step1c(step1b(stem, r1));
  stem = step5(step4(step3(step2(stem, r1), r1, r2), r2), r1, r2);
  return stem.replaceAll('Y', 'y');
}
