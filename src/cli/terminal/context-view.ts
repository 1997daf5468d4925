import { oneLine } from '../../base/control-characters.ts';
import type { Context } from '../../protocol/messages.generated.ts';
import { formatTime, renderRows } from './render.ts';

function expiryOf({ expires_at: expiresAt, expires_by: expiresBy, level }: Context): [string, string] {
  if (expiresAt === undefined) return ['expires', 'never'];
  return expiresBy === 'level'
    ? ['leaves', `${level} at ${formatTime(expiresAt)}`]
    : ['expires', formatTime(expiresAt)];
}

/** Nothing where its creation says it all. */
function validityOf(context: Context): [string, string][] {
  const { created_at: created, valid_from: from, valid_until: until, superseded_by: by, supersedes } = context;
  const rows: [string, string][] = [];
  if (from !== created || until !== undefined)
    rows.push(['holds', `from ${formatTime(from)}${until === undefined ? '' : ` until ${formatTime(until)}`}`]);
  if (by !== undefined) rows.push(['superseded by', by]);
  if (supersedes !== undefined) rows.push(['supersedes', supersedes.join(', ')]);
  return rows;
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
    ...validityOf(context),
    expiryOf(context),
    ['tokens', String(context.token_count)],
    ['read', `${context.access_count} times`],
    ['tags', context.tags.join(', ') || '-'],
    ['metadata', JSON.stringify(context.metadata)],
  ];
  const text = context.text.split('\n').map(oneLine).join('\n');
  return `${renderRows(rows.map(([name, value]) => [name, oneLine(value)]))}\n${text}\n`;
}
