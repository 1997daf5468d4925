const TONES: Readonly<Record<string, string>> = {
  healthy: 'good',
  closed: 'good',
  ok: 'good',
  running: 'good',
  degraded: 'warn',
  half_open: 'warn',
  starting: 'warn',
  draining: 'warn',
  unhealthy: 'bad',
  open: 'bad',
  failed: 'bad',
};

/** The word of a state; its colour says nothing that the word does not. */
export function StatusWord({ status }: { readonly status: string }) {
  return (
    <span class={`status status-${TONES[status] ?? 'none'}`}>
      <span class="status-dot" aria-hidden="true" />
      {status.replace('_', ' ')}
    </span>
  );
}
