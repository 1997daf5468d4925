import { count, plural } from '../format/numbers.ts';
import { levelName, LEVELS } from '../format/levels.ts';
import { LevelBadge } from '../parts/level-badge.tsx';
import type { Asked } from './question.ts';

/** The token budget, filled by what the answer holds, in its order. */
export function BudgetBar({ asked }: { readonly asked: Asked }) {
  const { reply, maxTokens } = asked;
  const left = maxTokens - reply.total_tokens;
  return (
    <div class="budget">
      <div class="budget-head">
        <span>
          Budget: <span class="num strong">{count(reply.total_tokens)}</span> of{' '}
          <span class="num">{count(maxTokens)}</span> tokens
        </span>
        <span class="muted num">{count(left)} left</span>
      </div>
      <div
        class="budget-track"
        role="img"
        aria-label={`${plural(reply.contexts.length, 'context')} fill ${count(reply.total_tokens)} of ${count(maxTokens)} tokens`}
      >
        {reply.contexts.map((context, index) => (
          <span
            key={context.id}
            class={`budget-part fill-${context.level}`}
            style={{ width: `${(context.token_count / maxTokens) * 100}%` }}
            title={`no. ${index + 1}: ${plural(context.token_count, 'token')}, ${levelName(context.level)}`}
          />
        ))}
      </div>
      <ul class="legend">
        {LEVELS.map((level) => (
          <li key={level} title={`Tokens of ${levelName(level)} in the answer, of those granted to it`}>
            <LevelBadge level={level} />
            <span class="num">
              {count(
                reply.contexts
                  .filter((context) => context.level === level)
                  .reduce((sum, context) => sum + context.token_count, 0),
              )}{' '}
              <span class="muted">of {count(reply.metadata.allocations[level])} granted</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
