import type { Settings } from '../../config/settings.ts';

/** How many tokens a text is taken to cost. */
export interface TokenEstimator {
  /** One count (>= 1) per text, in order. */
  count(texts: readonly string[]): Promise<number[]>;
}

type TokenSettings = Settings['hirag']['tokens'];

export function createTokenEstimator(settings: TokenSettings): TokenEstimator {
  switch (settings.estimator) {
    case 'CharacterBased':
      return perText((text) => codePointCount(text) / settings.charsPerToken);
    case 'WordBased':
      return perText((text) => wordCount(text) / settings.wordsPerToken);
    case 'Exact':
      return exactEstimator(settings.encoding);
  }
}

function perText(estimate: (text: string) => number): TokenEstimator {
  return { count: (texts) => Promise.resolve(texts.map((text) => Math.max(1, Math.ceil(estimate(text))))) };
}

const SURROGATE_PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g;

function codePointCount(text: string): number {
  return text.length - (text.match(SURROGATE_PAIRS)?.length ?? 0);
}

/** Scripts written without spaces: each of their characters counts as a word. */
const WORDS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;

function wordCount(text: string): number {
  return text.match(WORDS)?.length ?? 0;
}

type Count = (text: string) => number;

/** Characters counted before other work gets its turn: a few milliseconds of encoding. */
const YIELD_EVERY_CHARS = 16_384;
/** The merging of one unbroken run is quadratic in its length, so longer runs are counted in parts of this size. */
const RUN_CHARS_MAX = 128;
const LONG_RUNS = new RegExp(`\\S{${RUN_CHARS_MAX + 1},}`, 'u');

/**
 * Counts with the real encoding, which is loaded with the first count (a quarter of a second), not at start-up.
 * Exact but for runs of over 128 characters without a space, where each part may add one token.
 */
function exactEstimator(encoding: TokenSettings['encoding']): TokenEstimator {
  let loading: Promise<Count> | undefined;
  const countText = async (text: string): Promise<number> => {
    const count = await (loading ??= loadEncoding(encoding));
    let total = 0;
    let sinceYield = 0;
    for (const piece of pieces(text)) {
      total += count(piece);
      sinceYield += piece.length;
      if (sinceYield >= YIELD_EVERY_CHARS) {
        sinceYield = 0;
        await new Promise(setImmediate);
      }
    }
    return Math.max(1, total);
  };
  return {
    async count(texts) {
      const counts: number[] = [];
      for (const text of texts) counts.push(await countText(text));
      return counts;
    },
  };
}

async function loadEncoding(encoding: TokenSettings['encoding']): Promise<Count> {
  const library =
    encoding === 'o200k_base'
      ? await import('gpt-tokenizer/encoding/o200k_base')
      : await import('gpt-tokenizer/encoding/cl100k_base');
  // A text that spells a control token is text like any other.
  const options = { disallowedSpecial: new Set<string>() };
  return (text) => library.countTokens(text, options);
}

/** Cuts before a space that follows a word (where the encodings cut as well), and long runs into parts. */
function* pieces(text: string): Generator<string> {
  if (text.length <= RUN_CHARS_MAX || (text.length <= 1024 && !LONG_RUNS.test(text))) {
    yield text;
    return;
  }
  let start = 0;
  let runStart = 0;
  for (let at = 1; at < text.length; at++) {
    const space = isSpace(text, at);
    if (isSpace(text, at - 1)) runStart = at;
    const wordEnd = space && !isSpace(text, at - 1) && at - start >= 1024;
    const runTooLong = !space && at - runStart >= RUN_CHARS_MAX && !isLowSurrogate(text, at);
    if (!wordEnd && !runTooLong) continue;
    yield text.slice(start, at);
    start = at;
    runStart = at;
  }
  yield text.slice(start);
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || (code >= 9 && code <= 13);
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
