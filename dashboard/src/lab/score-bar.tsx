import type { Receipt } from '../../../src/protocol/messages.generated.ts';
import type { Rank, Weights } from '../api/login.ts';
import { score } from '../format/numbers.ts';
import { contribution, contributionWords, PART_MEANINGS, PARTS } from './candidates.ts';

/** What each part brings to the score, side by side on a track of length 1; beneath it the share of the words alone. */
export function ScoreBar({ receipt, rank }: { readonly receipt: Receipt; readonly rank: Rank }) {
  const { scores } = receipt;
  const words = PARTS.map((part) => `${part} ${score(contribution(receipt, part, rank))}`).join(', ');
  return (
    <span
      class="score-bar"
      role="img"
      aria-label={`Score ${score(receipt.relevance_score)}: ${words}; lexical ${score(scores.lexical)}`}
    >
      <span class="score-track">
        {PARTS.map((part) => (
          <span
            key={part}
            class={`part part-${part}`}
            style={{ width: `${contribution(receipt, part, rank) * 100}%` }}
            title={`${part} ${contributionWords(receipt, part, rank)}`}
          />
        ))}
      </span>
      <span class="lexical-track">
        <span
          class="part part-lexical"
          style={{ width: `${scores.lexical * rank.weights.similarity * 100}%` }}
          title={`lexical ${score(scores.lexical)}: within the similarity`}
        />
      </span>
    </span>
  );
}

export function PartsLegend({ weights }: { readonly weights: Weights }) {
  return (
    <ul class="legend parts-legend">
      {PARTS.map((part) => (
        <li key={part} title={PART_MEANINGS[part]}>
          <span class={`swatch part-${part}`} aria-hidden="true" />
          {part} <span class="muted num">× {weights[part].toFixed(2)}</span>
        </li>
      ))}
      <li title={PART_MEANINGS.lexical}>
        <span class="swatch part-lexical" aria-hidden="true" />
        lexical <span class="muted">(thin, within similarity)</span>
      </li>
    </ul>
  );
}
