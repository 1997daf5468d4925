import { Option, type Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import { escapeControls, oneLine } from '../base/control-characters.ts';
import type { MonitoredRequest } from '../protocol/messages.generated.ts';
import { withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import type { Io } from './terminal/io.ts';
import { parseNumberOf } from './terminal/option-parsers.ts';
import { countOf } from './terminal/render.ts';
import { abortOnSignal } from './terminal/signals.ts';
import { styleOf, type Style } from './terminal/style.ts';

interface MonitorOptions extends ClientOptions {
  readonly count?: number;
}

/** What one poll brings at most. */
const BATCH = 1000;
const WAIT_MS = 5_000;

const HELP = `
A line for each request, when it was answered: time (UTC), key, address, type, namespace, what it asks in short, outcome,
milliseconds. Of texts the first 80 characters are shown where the key has the scope read; nothing else of what is stored.
The key must be of namespaces * and have the scope admin. Ctrl-C ends it. With --json each line is an object.

Examples:
  context-manager monitor
  context-manager monitor --json | grep RATE_LIMITED`;

/** `monitor` */
export function addMonitor(program: Command, io: Io): void {
  withServerOptions(program.command('monitor').description('Show the requests of all clients as they are answered.'))
    .addOption(new Option('--count <number>', 'end after so many').argParser(parseNumberOf(1, Number.MAX_SAFE_INTEGER)))
    .addHelpText('after', HELP)
    .action((options: MonitorOptions) => monitor(options, io));
}

async function monitor(options: MonitorOptions, io: Io): Promise<void> {
  const { signal, settle } = abortOnSignal('interrupted', 'Ctrl-C ends it.');
  try {
    await withClient(options, io, (client) => watch(client, options, io, signal));
  } catch (error) {
    // To be told to end is how it ends.
    if (!signal.aborted) throw error;
  } finally {
    settle();
  }
}

async function watch(client: Client, options: MonitorOptions, io: Io, signal: AbortSignal): Promise<void> {
  const style = styleOf(io.stdout, io.environment);
  const lineOf = options.json
    ? (request: MonitoredRequest) => escapeControls(JSON.stringify(request))
    : renderer(style);
  let left = options.count ?? Infinity;
  let cursor: number | undefined;
  while (left > 0) {
    const reply = await client.monitor({ cursor, limit: Math.min(BATCH, left), wait_ms: WAIT_MS }, { signal });
    if (reply.lost > 0) await io.stderr.write(`${countOf(reply.lost, 'request')} came too fast to be shown\n`);
    if (reply.requests.length > 0) await io.stdout.write(reply.requests.map((each) => `${lineOf(each)}\n`).join(''));
    ({ cursor } = reply);
    left -= reply.requests.length;
  }
}

/** A line for people, from whoever it comes: nothing in it steers their terminal. */
export function renderer({ quiet, bad }: Style): (request: MonitoredRequest) => string {
  return ({ at, key_id, address, type, namespaces, summary, text, outcome, duration_ms }) =>
    [
      quiet(new Date(at).toISOString()),
      oneLine(key_id ?? '-'),
      oneLine(address ?? '-'),
      oneLine(type),
      oneLine(namespaces.join(',')) || '-',
      ...(summary === '' ? [] : [oneLine(summary)]),
      ...(text === undefined ? [] : [JSON.stringify(oneLine(text))]),
      outcome === 'ok' ? outcome : bad(oneLine(outcome)),
      `${duration_ms} ms`,
    ].join(' ');
}
