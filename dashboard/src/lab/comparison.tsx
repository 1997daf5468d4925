import type { QueryDefaults } from '../api/login.ts';
import { count, score, signed, signedCount } from '../format/numbers.ts';
import { line } from '../format/texts.ts';
import { Card } from '../parts/card.tsx';
import { Table } from '../parts/table.tsx';
import { contribution, differenceWords, outcomeWords, PART_MEANINGS, PARTS, type Candidate } from './candidates.ts';
import type { Asked } from './question.ts';
import { useText } from './texts.ts';

interface ComparisonProps {
  readonly first: Candidate;
  readonly second: Candidate;
  readonly asked: Asked;
  readonly defaults: QueryDefaults;
  readonly onClose: () => void;
}

/** Why this one and not that one, line by line. */
export function Comparison({ first, second, asked, defaults, onClose }: ComparisonProps) {
  const { weights } = defaults;
  const [a, b] = [first.receipt, second.receipt];
  return (
    <Card
      title="Why this one and not that one"
      class="comparison"
      aside={
        <button type="button" class="link" onClick={onClose}>
          Close
        </button>
      }
    >
      <div class="comparison-words" role="status">
        <Side name="First" candidate={first} asked={asked} defaults={defaults} />
        <Side name="Second" candidate={second} asked={asked} defaults={defaults} />
        <p class="strong">{differenceWords(a, b, defaults)}</p>
      </div>
      <Table
        label="The two scores line by line"
        columns={[
          { head: 'Part' },
          { head: 'Weight', isNumber: true },
          { head: 'First', isNumber: true },
          { head: 'Second', isNumber: true },
          { head: 'Difference', isNumber: true },
        ]}
      >
        {PARTS.map((part) => {
          const gap = contribution(a, part, defaults) - contribution(b, part, defaults);
          return (
            <tr key={part}>
              <th scope="row" title={PART_MEANINGS[part]}>
                <span class={`swatch part-${part}`} aria-hidden="true" />
                {part}
              </th>
              <td class="num right muted">× {score(weights[part])}</td>
              <td class="num right">{score(a.scores[part])}</td>
              <td class="num right">{score(b.scores[part])}</td>
              <td class={`num right ${toneOf(gap)}`}>{signed(gap)}</td>
            </tr>
          );
        })}
        <tr>
          <th scope="row" title={PART_MEANINGS.lexical}>
            <span class="swatch part-lexical" aria-hidden="true" />
            lexical
          </th>
          <td class="right muted">within similarity</td>
          <td class="num right">{score(a.scores.lexical)}</td>
          <td class="num right">{score(b.scores.lexical)}</td>
          <td class="right muted">–</td>
        </tr>
        <tr class="total">
          <th scope="row">score</th>
          <td />
          <td class="num right strong">{score(a.relevance_score)}</td>
          <td class="num right strong">{score(b.relevance_score)}</td>
          <td class="num right strong">{signed(a.relevance_score - b.relevance_score)}</td>
        </tr>
        <tr>
          <th scope="row">tokens</th>
          <td />
          <td class="num right">{count(a.token_count)}</td>
          <td class="num right">{count(b.token_count)}</td>
          <td class="num right muted">{signedCount(a.token_count - b.token_count)}</td>
        </tr>
      </Table>
    </Card>
  );
}

function toneOf(gap: number): string {
  return gap > 0.0005 ? 'good' : gap < -0.0005 ? 'bad' : 'muted';
}

function Side(props: Pick<ComparisonProps, 'asked' | 'defaults'> & { name: string; candidate: Candidate }) {
  const { name, candidate, asked, defaults } = props;
  const fetched = useText(asked.namespace, candidate.receipt.id, candidate.context === null);
  const text = candidate.context?.text ?? fetched.text ?? fetched.fault ?? '…';
  return (
    <p>
      <span class="strong">{name}:</span> <q>{<bdi>{line(text, 120)}</bdi>}</q>{' '}
      <span class={`outcome outcome-${candidate.receipt.outcome}`}>{outcomeWords(candidate, asked, defaults)}</span>
    </p>
  );
}
