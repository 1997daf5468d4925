import { oneLine } from '../base/control-characters.ts';
import type { Command } from 'commander';
import { LEVELS } from '../base/context.ts';
import { withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { countOf, formatDuration, renderRows } from './terminal/render.ts';

/** `stats` */
export function addStats(program: Command, io: Io): void {
  withScopeOptions(program.command('stats').description('Show how much is stored, by level, and what the caches hold.'))
    .addHelpText('after', '\nExample:\n  context-manager stats --namespace shop --json')
    .action((options: ClientOptions) => stats(options, io));
}

async function stats(options: ClientOptions, io: Io): Promise<void> {
  const reply = await withClient(options, io, (client) => client.stats({ namespace: options.namespace }));
  if (options.json) return writeJson(io.stdout, reply);
  const { counts, cache, store, uptime_ms: uptimeMs } = reply;
  const rows = [
    ...LEVELS.map((level) => [level, countOf(counts[level], 'context')]),
    ...Object.entries(cache).map(([name, value]) => [`cache ${name}`, String(value)]),
    ...Object.entries(store).map(([name, value]) => [
      `store ${name}`,
      oneLine(typeof value === 'object' ? JSON.stringify(value) : String(value)),
    ]),
    ['uptime', formatDuration(uptimeMs)],
  ];
  return io.stdout.write(renderRows(rows));
}
