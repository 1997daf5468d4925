import { useEffect, useRef, useState } from 'preact/hooks';
import type { QueryDefaults } from '../api/login.ts';
import { count, milliseconds, plural } from '../format/numbers.ts';
import { levelName } from '../format/levels.ts';
import { Empty } from '../parts/empty.tsx';
import { BudgetBar } from './budget-bar.tsx';
import { CandidateRow, type Mark } from './candidate-row.tsx';
import { candidatesOf, type Candidate } from './candidates.ts';
import { Comparison } from './comparison.tsx';
import type { Asked } from './question.ts';
import { PartsLegend } from './score-bar.tsx';

/** How a candidate stands in the answer to the other query; null: it has nothing to say of it. */
export type MarkOf = (candidate: Candidate) => Mark | null;

interface AnswerProps {
  readonly asked: Asked;
  readonly defaults: QueryDefaults;
  /** Null: there is no other query. */
  readonly markOf: MarkOf | null;
}

const LEFT_OUT_SHOWN = 25;

export function Answer({ asked, defaults, markOf }: AnswerProps) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [shown, setShown] = useState(LEFT_OUT_SHOWN);
  useEffect(() => {
    setChosen([]);
    setShown(LEFT_OUT_SHOWN);
  }, [asked]);

  const comparison = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The second may have been chosen far below of where the two are set side by side.
    if (chosen.length === 2) comparison.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  const candidates = candidatesOf(asked);
  const included = candidates.filter(({ place }) => place !== null);
  const leftOut = candidates.filter(({ place }) => place === null);
  const [first, second] = chosen.map((id) => candidates.find(({ receipt }) => receipt.id === id));
  const choose = (id: string): void =>
    setChosen((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id].slice(-2)));
  const rows = (list: readonly Candidate[]) =>
    list.map((candidate) => {
      const { id } = candidate.receipt;
      return (
        <CandidateRow
          key={id}
          candidate={candidate}
          asked={asked}
          defaults={defaults}
          mark={markOf?.(candidate) ?? null}
          chosenAs={chosen.includes(id) ? chosen.indexOf(id) + 1 : null}
          onChoose={() => choose(id)}
        />
      );
    });

  if (candidates.length === 0) return <NoCandidates asked={asked} />;
  return (
    <div class="answer">
      <Summary asked={asked} ranked={candidates.length} />
      <BudgetBar asked={asked} />
      <PartsLegend weights={defaults.weights} />
      {first !== undefined && second !== undefined ? (
        <div ref={comparison} class="comparison-place">
          <Comparison first={first} second={second} asked={asked} defaults={defaults} onClose={() => setChosen([])} />
        </div>
      ) : (
        <p class="muted hint">
          {first === undefined
            ? 'Choose Compare on two candidates to see why one ranks above the other.'
            : 'Choose Compare on a second candidate.'}
        </p>
      )}
      <h3>In the answer ({count(included.length)})</h3>
      {included.length === 0 ? (
        <p class="muted">Nothing: below stands why.</p>
      ) : (
        <ol class="candidates">{rows(included)}</ol>
      )}
      {leftOut.length > 0 && (
        <>
          <h3>Left out ({count(leftOut.length)})</h3>
          <ol class="candidates">{rows(leftOut.slice(0, shown))}</ol>
          {leftOut.length > shown && (
            <button type="button" onClick={() => setShown(shown + 100)}>
              Show {count(Math.min(100, leftOut.length - shown))} more of {count(leftOut.length)}
            </button>
          )}
        </>
      )}
    </div>
  );
}

function Summary({ asked, ranked }: { readonly asked: Asked; readonly ranked: number }) {
  const { contexts, metadata, retrieval_time_ms: took } = asked.reply;
  return (
    <div role="status">
      <p class="answer-summary num">
        <span class="strong">{plural(contexts.length, 'context')}</span> of {plural(ranked, 'candidate')},{' '}
        {count(metadata.total_searched)} searched, {milliseconds(took)}
      </p>
      {metadata.below_threshold === true && (
        <p class="notice notice-warn">
          Nothing is as similar as the server asks for: what is shown stands in for an answer.
        </p>
      )}
      {metadata.degraded.map(({ level, code }) => (
        <p key={level} class="notice notice-warn">
          {levelName(level)} could not be asked: <code>{code}</code>
        </p>
      ))}
    </div>
  );
}

function NoCandidates({ asked }: { readonly asked: Asked }) {
  return (
    <>
      <Summary asked={asked} ranked={0} />
      <Empty title="Nothing stored has anything in common with the question">
        <p>
          Try other words, every level, every agent, or another namespace than{' '}
          <span class="code">{asked.namespace}</span>.
        </p>
      </Empty>
    </>
  );
}
