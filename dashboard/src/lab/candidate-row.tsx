import { useEffect, useRef, useState } from 'preact/hooks';
import { count, score } from '../format/numbers.ts';
import { line } from '../format/texts.ts';
import type { QueryDefaults } from '../api/login.ts';
import { LevelBadge } from '../parts/level-badge.tsx';
import { TextBlock } from '../parts/text-block.tsx';
import { hashOf } from '../state/route.ts';
import { contributionWords, outcomeWords, PARTS, type Candidate } from './candidates.ts';
import type { Asked } from './question.ts';
import { ScoreBar } from './score-bar.tsx';
import { useText } from './texts.ts';

/** How it stands with the same context in the other query. */
export interface Mark {
  readonly kind: 'common' | 'only' | 'other';
  readonly words: string;
}

interface CandidateRowProps {
  readonly candidate: Candidate;
  readonly asked: Asked;
  readonly defaults: QueryDefaults;
  readonly mark: Mark | null;
  /** 1 or 2 where it is one of the two that are compared. */
  readonly chosenAs: number | null;
  readonly onChoose: () => void;
}

export function CandidateRow(props: CandidateRowProps) {
  const { candidate, asked, defaults, mark, chosenAs } = props;
  const { receipt, place, context } = candidate;
  const [isOpen, setOpen] = useState(false);
  const [element, isSeen] = useSeen();
  const fetched = useText(asked.namespace, receipt.id, isSeen && context === null);
  const text = context?.text ?? fetched.text;
  const stand = text === null ? (fetched.fault ?? '…') : line(text, 300);
  return (
    <li ref={element} class={`candidate ${place === null ? 'is-out' : ''} ${chosenAs === null ? '' : 'is-chosen'}`}>
      <div class="candidate-head">
        <span class="candidate-place num">{place ?? '–'}</span>
        <LevelBadge level={receipt.level} />
        <span class="num strong">{score(receipt.relevance_score)}</span>
        <ScoreBar receipt={receipt} rank={defaults} />
        <span class="candidate-tokens num muted">{count(receipt.token_count)} tokens</span>
      </div>
      {!isOpen && (
        <p class="candidate-text">
          <bdi>{stand}</bdi>
        </p>
      )}
      {isOpen && (
        <div class="candidate-whole">
          {text !== null && <TextBlock text={text} />}
          <ul class="legend">
            {PARTS.map((part) => (
              <li key={part}>
                <span class={`swatch part-${part}`} aria-hidden="true" />
                {part} <span class="num">{contributionWords(receipt, part, defaults)}</span>
              </li>
            ))}
            <li>
              <span class="swatch part-lexical" aria-hidden="true" />
              lexical <span class="num">{score(receipt.scores.lexical)}</span>
            </li>
          </ul>
          <p>
            <a class="code" href={hashOf('memory', { namespace: asked.namespace, id: receipt.id })}>
              {receipt.id}
            </a>
          </p>
        </div>
      )}
      <div class="candidate-foot">
        <span class={`outcome outcome-${receipt.outcome}`}>{outcomeWords(candidate, asked, defaults)}</span>
        {mark !== null && <span class={`chip mark-${mark.kind}`}>{mark.words}</span>}
        <span class="candidate-acts">
          <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Less' : 'More'}
          </button>
          <button type="button" class="link" aria-pressed={chosenAs !== null} onClick={props.onChoose}>
            {chosenAs === null ? 'Compare' : `Compared as ${chosenAs === 1 ? 'first' : 'second'}`}
          </button>
        </span>
      </div>
    </li>
  );
}

/** Whether it has come into sight. */
function useSeen(): [preact.RefObject<HTMLLIElement>, boolean] {
  const element = useRef<HTMLLIElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (element.current === null || isSeen) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting === true && setSeen(true), {
      rootMargin: '200px',
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isSeen]);
  return [element, isSeen];
}
