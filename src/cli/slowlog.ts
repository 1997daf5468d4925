import { oneLine } from '../base/control-characters.ts';
import { Option, type Command } from 'commander';
import type { ReplyPayloads, SlowRequest } from '../protocol/messages.generated.ts';
import { withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseNumberOf } from './terminal/option-parsers.ts';
import { countOf, renderRows } from './terminal/render.ts';

interface SlowlogOptions extends ClientOptions {
  readonly limit?: number;
  readonly reset?: boolean;
}

const LIMIT_MAX = 1000;

const HELP = `
A request is kept from logging.slow_request_ms on; the server keeps the last 256, in memory. Times are in UTC. The key must
be of namespaces * and have the scope admin.

Examples:
  context-manager slowlog --limit 10
  context-manager slowlog --reset --json`;

/** `slowlog` */
export function addSlowlog(program: Command, io: Io): void {
  withServerOptions(program.command('slowlog').description('Show the last requests that took long, the last first.'))
    .addOption(new Option('--limit <count>', 'how many at most (default: 100)').argParser(parseNumberOf(1, LIMIT_MAX)))
    .addOption(new Option('--reset', 'forget them, once they are shown'))
    .addHelpText('after', HELP)
    .action((options: SlowlogOptions) => slowlog(options, io));
}

async function slowlog(options: SlowlogOptions, io: Io): Promise<void> {
  const { limit, reset } = options;
  const reply = await withClient(options, io, (client) => client.slowlog({ limit, reset }));
  if (options.json) return writeJson(io.stdout, reply);
  return io.stdout.write(rendered(reply, io.stdout.columns));
}

function rendered({ requests, threshold_ms, total }: ReplyPayloads['admin.slowlog'], columns?: number): string {
  if (threshold_ms === 0) return 'logging.slow_request_ms is 0: no request counts as slow\n';
  const about = `${countOf(total, 'request')} took ${threshold_ms} ms or longer since the server started\n`;
  return renderRows(requests.map(row), columns) + about;
}

function row(request: SlowRequest): string[] {
  const { at, duration_ms, type, outcome, key_id = '-', address = '-', namespaces, stages_ms } = request;
  const stages = Object.entries(stages_ms).map(([name, ms]) => `${name} ${Number(ms)} ms`);
  return [
    new Date(at).toISOString(),
    `${Math.round(duration_ms)} ms`,
    oneLine(type),
    oneLine(outcome),
    oneLine(key_id),
    oneLine(address),
    oneLine(namespaces.join(',')) || '-',
    oneLine(stages.join(', ')),
  ];
}
