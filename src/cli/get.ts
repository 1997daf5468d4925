import type { Command } from 'commander';
import type { Context } from '../protocol/messages.generated.ts';
import { withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { formatTime, oneLine, renderRows } from './terminal/render.ts';

/** `get <id>` */
export function addGet(program: Command, io: Io): void {
  withScopeOptions(program.command('get').description('Show one context.').argument('<id>', 'its id'))
    .addHelpText('after', '\nExample:\n  context-manager get 0198c1c2-3a5b-7c1d-9e2f-0123456789ab --json')
    .action((id: string, options: ClientOptions) => get(id, options, io));
}

async function get(id: string, options: ClientOptions, io: Io): Promise<void> {
  const { context } = await withClient(options, io, (client) => client.get({ id, namespace: options.namespace }));
  if (options.json) return writeJson(io.stdout, context);
  return io.stdout.write(renderContext(context));
}

function expiryOf({ expires_at: expiresAt, expires_by: expiresBy, level }: Context): [string, string] {
  if (expiresAt === undefined) return ['expires', 'never'];
  return expiresBy === 'level'
    ? ['leaves', `${level} at ${formatTime(expiresAt)}`]
    : ['expires', formatTime(expiresAt)];
}

function renderContext(context: Context): string {
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
