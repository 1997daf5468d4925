/** What of a text is compared; made once per text. */
export interface TextPrint {
  /** Equal for texts that differ only in case, width, spacing and closing stops. */
  readonly normal: string;
  /** The numbers in order: texts that differ in one are never the same. */
  readonly numbers: string;
  /** Hashes of runs of three words, ascending, each once; of a long text the smallest `SKETCH_SIZE`. */
  readonly shingles: Uint32Array;
}

const WORDS_PER_SHINGLE = 3;
/** Shingles kept of a text; of longer ones the smallest hashes, which estimate the same (bottom-k sketch, Cohen & Kaplan 2007). */
const SKETCH_SIZE = 512;

/** Longer texts are the same only where they are equal: to compare them word by word would hold up everybody else. */
const SHINGLED_CHARS_MAX = 65_536;

/** A letter of a script that is written without spaces, a word or number, or a run of signs other than stops. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}.,;:!'"()[\]{}…。、，！]+/gu;
const NUMBER = /\p{N}+/gu;
/** What is no single blank already. */
const UNEVEN_SPACE = /\s{2,}|[^\S ]/gu;
/** It has no other form. */
// eslint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
const CLOSING = /[\s.!…。！]+$/u;

export function printOf(text: string): TextPrint {
  const folded = (ASCII.test(text) ? text : text.normalize('NFKC')).toLowerCase();
  const normal = folded.replace(UNEVEN_SPACE, ' ').trim();
  return {
    normal: normal.replace(CLOSING, '') || normal,
    numbers: (folded.match(NUMBER) ?? []).join(' '),
    shingles: shinglesOf(folded.length > SHINGLED_CHARS_MAX ? [] : (folded.match(WORD) ?? [])),
  };
}

/** Share of shingles that two texts have in common (Jaccard), 0..1; 0 where either has none. */
export function resemblance(a: TextPrint, b: TextPrint): number {
  const limit = a.shingles.length === SKETCH_SIZE || b.shingles.length === SKETCH_SIZE ? SKETCH_SIZE : Infinity;
  let shared = 0;
  let seen = 0;
  let i = 0;
  let j = 0;
  while (seen < limit && (i < a.shingles.length || j < b.shingles.length)) {
    const x = a.shingles[i] ?? Infinity;
    const y = b.shingles[j] ?? Infinity;
    if (x === y) shared++;
    if (x <= y) i++;
    if (y <= x) j++;
    seen++;
  }
  return seen === 0 ? 0 : shared / seen;
}

/** Texts seen so far, best ranked first; tells which of the next ones say the same again. */
export class DuplicateFilter {
  readonly #threshold: number;
  readonly #normals = new Set<string>();
  readonly #prints: TextPrint[] = [];
  /** Which prints hold a shingle among their first ones. */
  readonly #byShingle = new Map<number, number[]>();

  /** `threshold`: resemblance from which texts count as the same, 0..1; at 1 only equal ones do. */
  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /** True where the text says what an added one said. */
  repeats(print: TextPrint): boolean {
    if (this.#normals.has(print.normal)) return true;
    const rivals = new Set<number>();
    for (const shingle of this.#prefix(print))
      for (const rival of this.#byShingle.get(shingle) ?? []) rivals.add(rival);
    for (const rival of rivals) if (this.#same(print, this.#prints[rival] as TextPrint)) return true;
    return false;
  }

  add(print: TextPrint): void {
    this.#normals.add(print.normal);
    const index = this.#prints.push(print) - 1;
    for (const shingle of this.#prefix(print)) {
      const holders = this.#byShingle.get(shingle);
      if (holders === undefined) this.#byShingle.set(shingle, [index]);
      else holders.push(index);
    }
  }

  #same(a: TextPrint, b: TextPrint): boolean {
    return a.numbers === b.numbers && resemblance(a, b) >= this.#threshold;
  }

  /**
   * Two sorted sets that agree to a share of t have one of their first n - ceil(t n) + 1 elements in common
   * (prefix filter, Chaudhuri et al. 2006), so only those need an index.
   */
  #prefix(print: TextPrint): Uint32Array {
    if (this.#threshold >= 1) return print.shingles.subarray(0, 0);
    const count = print.shingles.length;
    return print.shingles.subarray(0, count - Math.ceil(this.#threshold * count) + 1);
  }
}

/** Edges count as words, so that the first and the last word stand in as many shingles as any other. */
function shinglesOf(words: readonly string[]): Uint32Array {
  if (words.length === 0) return new Uint32Array(0);
  const hashes = words.map(hashOf);
  const shingles = new Uint32Array(hashes.length + WORDS_PER_SHINGLE - 1);
  for (let end = 0; end < shingles.length; end++) {
    let hash = 0;
    for (let i = end - WORDS_PER_SHINGLE + 1; i <= end; i++) hash = Math.imul(hash, 0x01000193) ^ (hashes[i] ?? 1);
    shingles[end] = mix(hash);
  }
  return unique(shingles.sort());
}

function unique(ascending: Uint32Array): Uint32Array {
  let count = 0;
  for (let i = 0; i < ascending.length && count < SKETCH_SIZE; i++) {
    if (i === 0 || ascending[i] !== ascending[i - 1]) ascending[count++] = ascending[i] as number;
  }
  return ascending.slice(0, count);
}

/** FNV-1a over UTF-16 code units. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash;
}

/** Finaliser of MurmurHash3: every input bit moves every output bit. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
