import { DraftInput } from '../parts/draft-input.tsx';
import { Field } from '../parts/field.tsx';
import { LevelChoice } from '../parts/level-choice.tsx';
import type { Wanted } from './filters.ts';

interface FilterFormProps {
  readonly wanted: Wanted;
  readonly onChange: (wanted: Wanted) => void;
}

/** Takes effect as a field is left or Enter pressed. */
export function FilterForm({ wanted, onChange }: FilterFormProps) {
  const set = (change: Partial<Wanted>): void => onChange({ ...wanted, ...change });
  const text = (label: string, name: Exclude<keyof Wanted, 'levels'>, more: object) => (
    <Field label={label}>
      <DraftInput attributes={more} value={wanted[name]} onDone={(value) => set({ [name]: value })} />
    </Field>
  );
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      {text('Agent', 'agent', { placeholder: 'every agent', maxLength: 256 })}
      {text('Session', 'session', { placeholder: 'every session', maxLength: 256 })}
      {text('Tag', 'tag', { placeholder: 'any', maxLength: 128 })}
      {text('Metadata', 'metadata', { placeholder: 'role=user; n=7' })}
      {text('From', 'since', { type: 'datetime-local' })}
      {text('Before', 'before', { type: 'datetime-local' })}
      <LevelChoice chosen={wanted.levels} onChange={(levels) => set({ levels })} />
    </form>
  );
}
