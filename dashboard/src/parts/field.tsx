import type { ComponentChildren } from 'preact';

/** A control with its label above it; what a label wraps is labelled by it. */
export function Field({
  label,
  hint,
  class: more = '',
  children,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <label class={`field ${more}`}>
      <span class="field-label">{label}</span>
      {children}
      {hint !== undefined && <span class="field-hint">{hint}</span>}
    </label>
  );
}
