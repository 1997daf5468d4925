import { useEffect, useState } from 'preact/hooks';

interface DraftInputProps {
  /** As it is in force. */
  readonly value: string;
  readonly onDone: (value: string) => void;
  readonly attributes: object;
}

/** Takes effect as it is left or Enter pressed; what is being typed stays, whatever else is drawn anew meanwhile. */
export function DraftInput({ value, onDone, attributes }: DraftInputProps) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  return (
    <input
      {...attributes}
      value={draft}
      spellcheck={false}
      autocapitalize="none"
      onInput={(event) => setDraft(event.currentTarget.value)}
      onChange={(event) => onDone(event.currentTarget.value.trim())}
    />
  );
}
