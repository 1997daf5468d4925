import type { LoopTurns } from '../../base/loop-turns.ts';
import type { TokenEstimator, TokenSettings } from './token-estimator.ts';

type Count = (text: string) => number;

/** Characters counted before other work gets its turn: a few milliseconds of encoding. */
const CHARS_PER_TURN = 1_024;
/** Texts are counted in pieces of about this length, cut where the encodings cut as well. */
const PIECE_CHARS = 1_024;
/** The merging of one unbroken run is quadratic in its bytes, so longer runs are counted in parts of this size. */
const RUN_CHARS_MAX = 64;
/** Runs whose tokens the library remembers; of its own it would keep some hundred megabytes of what a client makes up. */
const CACHED_RUNS_MAX = 10_000;

/**
 * Counts with the real encoding, which is read at once (a quarter of a second), before anybody waits for it. Exact but
 * for runs of over 64 characters of words without a blank, or of blanks alone, where each part may add one token.
 */
export function exactEstimator(encoding: TokenSettings['encoding'], turns: LoopTurns): TokenEstimator {
  const loading = loadEncoding(encoding);
  // Told to whoever counts.
  loading.catch(() => undefined);
  return {
    async count(texts) {
      const count = await loading;
      const counts: number[] = [];
      let chars = 0;
      for (const text of texts) {
        let total = 0;
        for (const piece of pieces(text)) {
          chars += piece.length;
          if (chars > CHARS_PER_TURN) {
            await turns.next();
            chars = piece.length;
          }
          total += count(piece);
        }
        counts.push(Math.max(1, total));
      }
      return counts;
    },
  };
}

async function loadEncoding(encoding: TokenSettings['encoding']): Promise<Count> {
  const library =
    encoding === 'o200k_base'
      ? await import('gpt-tokenizer/encoding/o200k_base')
      : await import('gpt-tokenizer/encoding/cl100k_base');
  library.setMergeCacheSize(CACHED_RUNS_MAX);
  // A text that spells a control token is text like any other.
  const options = { disallowedSpecial: new Set<string>() };
  return (text) => library.countTokens(text, options);
}

/** Cuts before a blank that follows a word (where the encodings cut as well), and long runs into parts. */
function* pieces(text: string): Generator<string> {
  let start = 0;
  let runStart = 0;
  for (let at = 1; at < text.length; at++) {
    const isBlank = isBlankAt(text, at);
    const isRunEnd = isBlank !== isBlankAt(text, at - 1);
    if (isRunEnd) runStart = at;
    const isWordEnd = isRunEnd && isBlank && at - start >= PIECE_CHARS;
    const isRunTooLong = at - runStart >= RUN_CHARS_MAX && !isLowSurrogate(text, at);
    if (!isWordEnd && !isRunTooLong) continue;
    yield text.slice(start, at);
    start = at;
    runStart = at;
  }
  yield text.slice(start);
}

function isBlankAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || (code >= 9 && code <= 13);
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
