import type { LoopTurns } from '../../base/loop-turns.ts';
import { exactEstimator } from './exact-tokens.ts';
import type { TokenEstimator, TokenSettings } from './token-estimator.ts';
import { weightedLetters } from './token-weights.ts';
import { wordCount } from './word-count.ts';

export function createTokenEstimator(settings: TokenSettings, turns: LoopTurns): TokenEstimator {
  switch (settings.estimator) {
    case 'CharacterBased':
      return estimator((text) => weightedLetters(text) / settings.charsPerToken, turns);
    case 'WordBased':
      return estimator((text) => wordCount(text) / settings.wordsPerToken, turns);
    case 'Exact':
      return exactEstimator(settings.encoding, turns);
  }
}

/** Characters estimated before other work gets its turn: a few milliseconds. One text has no more. */
const CHARS_PER_TURN = 262_144;

function estimator(estimate: (text: string) => number, turns: LoopTurns): TokenEstimator {
  return {
    async count(texts) {
      const counts: number[] = [];
      let chars = 0;
      for (const text of texts) {
        chars += text.length;
        if (chars > CHARS_PER_TURN) {
          await turns.next();
          chars = text.length;
        }
        counts.push(Math.max(1, Math.ceil(estimate(text))));
      }
      return counts;
    },
  };
}
