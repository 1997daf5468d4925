import type { Context } from '../../protocol/messages.generated.ts';
import { formatTime, oneLine, renderRows } from './render.ts';

function expiryOf({ expires_at: expiresAt, expires_by: expiresBy, level }: Context): [string, string] {
  if (expiresAt === undefined) return ['expires', 'never'];
  return expiresBy === 'level'
    ? ['leaves', `${level} at ${formatTime(expiresAt)}`]
    : ['expires', formatTime(expiresAt)];
}

/** All that there is to know of a context, its text last. */
export function renderContext(context: Context): string {
  const rows: [string, string][] = [
    ['id', context.id],
    ['namespace', context.namespace],
    ['agent', context.agent_id],
    ['session', context.session_id ?? '-'],
    ['level', context.level],
    ['created', formatTime(context.created_at)],
    ['updated', `${formatTime(context.updated_at)} (version ${context.version})`],
    expiryOf(context),
    ['tokens', String(context.token_count)],
    ['read', `${context.access_count} times`],
    ['tags', context.tags.join(', ') || '-'],
    ['metadata', JSON.stringify(context.metadata)],
  ];
  const text = context.text.split('\n').map(oneLine).join('\n');
  return `${renderRows(rows.map(([name, value]) => [name, oneLine(value)]))}\n${text}\n`;
}
