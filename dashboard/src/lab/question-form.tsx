import type { QueryDefaults } from '../api/login.ts';
import { Field } from '../parts/field.tsx';
import { LevelChoice } from '../parts/level-choice.tsx';
import { NamespaceField, type Namespaces } from '../parts/namespace-choice.tsx';
import type { Question } from './question.ts';

interface QuestionFormProps {
  /** `A` or `B` where there are two. */
  readonly name: string | null;
  readonly namespaces: Namespaces;
  readonly namespace: string;
  readonly question: Question;
  readonly defaults: QueryDefaults;
  readonly isBusy: boolean;
  readonly onChange: (question: Question) => void;
  readonly onAsk: () => void;
}

export function QuestionForm(props: QuestionFormProps) {
  const { question, defaults, name } = props;
  const set = (change: Partial<Question>): void => props.onChange({ ...question, ...change });
  const input = (label: string, field: Exclude<keyof Question, 'levels'>, more: object) => (
    <Field label={label}>
      <input
        {...more}
        value={question[field]}
        spellcheck={false}
        onInput={(event) => set({ [field]: event.currentTarget.value })}
      />
    </Field>
  );
  const ask = (): void => {
    if (question.text.trim() !== '' && !props.isBusy) props.onAsk();
  };
  return (
    <form
      class="question"
      aria-label={name === null ? 'Query' : `Query ${name}`}
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <Field label={name === null ? 'Question' : `Question ${name}`} class="question-text">
        <textarea
          rows={2}
          required
          placeholder="What does the memory know of …?"
          value={question.text}
          onInput={(event) => set({ text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
      </Field>
      <div class="question-fields">
        <NamespaceField
          namespaces={props.namespaces}
          value={props.namespace}
          onChange={(namespace) => set({ namespace })}
        />
        {input('Agent', 'agent', { placeholder: 'every agent', maxLength: 256 })}
        {input('Session', 'session', { placeholder: 'none', maxLength: 256 })}
        {input('Max tokens', 'maxTokens', {
          type: 'number',
          min: 1,
          max: 1_000_000,
          placeholder: String(defaults.max_tokens),
        })}
        {input('Limit', 'limit', { type: 'number', min: 1, max: 1_000, placeholder: String(defaults.limit) })}
        {input('Threshold', 'threshold', { type: 'number', min: 0, max: 1, step: 0.01, placeholder: 'server’s' })}
        <LevelChoice chosen={question.levels} onChange={(levels) => set({ levels })} />
        <button type="submit" class="primary" disabled={props.isBusy || question.text.trim() === ''}>
          {props.isBusy ? 'Asking…' : 'Ask'}
        </button>
      </div>
    </form>
  );
}
