// What a text costs, character by character, as so many ASCII letters. Fitted to o200k_base on prose, chat, code and JSON
// (test/unit/hirag/write/token-samples.ts); within some 15 % of it.

type Block = readonly [firstUnit: number, lastUnit: number];

/** What a letter costs, and the blocks of UTF-16 units that it holds for. */
const SCRIPTS: readonly (readonly [cost: number, ...blocks: Block[]])[] = [
  // ASCII
  [1, [0x41, 0x5a], [0x61, 0x7a]],
  // Latin letters with accents
  [2.8, [0xc0, 0xff]],
  [4.5, [0x100, 0x24f]],
  [2, [0x1e00, 0x1eff]],
  // Combining marks
  [4, [0x300, 0x36f], [0x1ab0, 0x1aff], [0x1dc0, 0x1dff], [0x20d0, 0x20ff], [0xfe20, 0xfe2f]],
  // Greek
  [1.9, [0x370, 0x3ff], [0x1f00, 0x1fff]],
  // Cyrillic
  [1.3, [0x400, 0x52f], [0x2de0, 0x2dff], [0xa640, 0xa69f]],
  // Armenian, Georgian
  [1.6, [0x530, 0x58f], [0x10a0, 0x10ff]],
  // Hebrew, Arabic
  [1.7, [0x590, 0x8ff], [0xfb1d, 0xfdff], [0xfe70, 0xfefe]],
  // Scripts of India
  [1.55, [0x900, 0x963], [0x966, 0xdff]],
  // Thai, Lao
  [1.7, [0xe00, 0xeff]],
  // Han
  [3.3, [0x2e80, 0x2fdf], [0x3005, 0x3007], [0x3400, 0x9fff], [0xf900, 0xfaff]],
  // Kana
  [3, [0x3040, 0x30ff], [0x31f0, 0x31ff], [0xff66, 0xff9f]],
  // Hangul
  [3, [0x1100, 0x11ff], [0x3130, 0x318f], [0xa960, 0xa97f], [0xac00, 0xd7ff]],
  // Full-width letters and digits
  [4, [0xff10, 0xff19], [0xff21, 0xff3a], [0xff41, 0xff5a]],
  // Variation selectors
  [0, [0xfe00, 0xfe0f]],
  // Zero-width joiners
  [4, [0x200b, 0x200d]],
  // Halves of characters beyond: emoji, rare Han
  [3.8, [0xd800, 0xdfff]],
  // Arrows, mathematics, dingbats
  [5, [0x2070, 0x20cf], [0x2100, 0x2bff], [0x3200, 0x33ff]],
];
/** Scripts that the encodings learnt little of. */
const RARE_LETTER_COST = 6;

/** One token. */
const TOKEN = 4;
const DIGITS_PER_TOKEN = 3;
/** Signs side by side are often one token, and the last may be part of the next word. */
const FIRST_SIGN_COST = 3.2;
const NEXT_SIGN_COST = 0.3;
const SIGNS_IN_TOKEN = 8;
const LATER_SIGN_COST = 0.06;
/** A blank belongs to the word behind it; several are an indentation. */
const INDENT_COST = 3.2;
const NEXT_BLANK_COST = 0.05;
/** A line end belongs to the sign before it. */
const NEXT_LINE_END_COST = 0.26;

const LETTER = 0;
const DIGIT = 1;
const SIGN = 2;
const BLANK = 3;
const LINE_END = 4;

/** By UTF-16 unit. */
interface UnitTable {
  readonly kinds: Uint8Array;
  /** Of letters. */
  readonly costs: Float32Array;
}

let table: UnitTable | undefined;

function unitTable(): UnitTable {
  if (table !== undefined) return table;
  const kinds = new Uint8Array(0x10000).fill(LETTER);
  const costs = new Float32Array(0x10000).fill(RARE_LETTER_COST);
  kinds.fill(SIGN, 0, 0xc0).fill(SIGN, 0x2000, 0x2070).fill(SIGN, 0x3000, 0x3040).fill(SIGN, 0xfe10, 0xfe20);
  kinds.fill(SIGN, 0xfe30, 0xfe70).fill(SIGN, 0xff00, 0xff66);
  for (const danda of [0x964, 0x965]) kinds[danda] = SIGN;
  kinds.fill(DIGIT, 0x30, 0x3a);
  for (const blank of [0x09, 0x20, 0xa0, 0x3000]) kinds[blank] = BLANK;
  for (const end of [0x0a, 0x0d]) kinds[end] = LINE_END;
  for (const [cost, ...blocks] of SCRIPTS) {
    for (const [first, last] of blocks) {
      kinds.fill(LETTER, first, last + 1);
      costs.fill(cost, first, last + 1);
    }
  }
  table = { kinds, costs };
  return table;
}

/** About what it costs where no model's own tokenizer is to be asked. */
export function tokensByWeight(text: string): number {
  return Math.ceil(weightedLetters(text) / TOKEN);
}

/** So many ASCII letters as `text` costs tokens of. */
export function weightedLetters(text: string): number {
  const { kinds, costs } = unitTable();
  let total = 0;
  let previous = LETTER;
  let run = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const kind = kinds[unit] as number;
    run = kind === previous ? run + 1 : 1;
    if (kind === LETTER) total += costs[unit] as number;
    else if (kind === DIGIT) total += run % DIGITS_PER_TOKEN === 1 ? TOKEN : 0;
    else if (kind === SIGN) total += signCost(run);
    else if (kind === BLANK) total += blankCost(run);
    else if (kind === LINE_END) total += run > 1 ? NEXT_LINE_END_COST : previous === SIGN ? 0 : TOKEN;
    previous = kind;
  }
  return total;
}

function signCost(run: number): number {
  if (run === 1) return FIRST_SIGN_COST;
  return run <= SIGNS_IN_TOKEN ? NEXT_SIGN_COST : LATER_SIGN_COST;
}

function blankCost(run: number): number {
  if (run === 1) return 0;
  return run === 2 ? INDENT_COST : NEXT_BLANK_COST;
}
