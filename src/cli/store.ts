import { oneLine } from '../base/control-characters.ts';
import { Option, type Command } from 'commander';
import type { JsonObject, Level } from '../base/context.ts';
import { type IntervalOptions, withIntervalOptions } from './server/moment.ts';
import { usageError } from './terminal/command-error.ts';
import { CLI_SENDER, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { collect, parseCount, parseLevel, parseObject } from './terminal/option-parsers.ts';
import { readText } from './terminal/read-text.ts';
import { countOf } from './terminal/render.ts';
import { parseDuration } from './terminal/time-parsers.ts';

interface StoreOptions extends ClientOptions, IntervalOptions {
  readonly supersedes?: readonly string[];
  readonly level?: Level;
  readonly id?: string;
  readonly tag?: readonly string[];
  readonly metadata?: JsonObject;
  readonly ttl?: number;
  readonly ttlMs?: number;
}

/** `store <text|->` */
export function addStore(program: Command, io: Io): void {
  const command = program
    .command('store')
    .description('Store one text; "-" reads it from standard input.')
    .argument('<text>', 'the text, or - for standard input')
    .addOption(
      new Option('--level <level>', 'immediate, short_term or long_term (default: immediate)').argParser(parseLevel),
    )
    .addOption(new Option('--id <uuid>', 'id; storing the same text under it again changes nothing'))
    .addOption(new Option('--tag <tag>', 'tag; may be given several times').argParser(collect))
    .addOption(new Option('--metadata <json>', 'JSON object kept with the text').argParser(parseObject))
    .addOption(new Option('--ttl <duration>', 'delete it after so long: 90s, 1h, 7d').argParser(parseDuration))
    .addOption(
      new Option('--ttl-ms <number>', 'delete it after so many milliseconds').argParser(parseCount).conflicts('ttl'),
    );
  command.addOption(
    new Option('--supersedes <id>', 'what holds no more since this does; may be given several times').argParser(
      collect,
    ),
  );
  withScopeOptions(withIntervalOptions(command))
    .addHelpText(
      'after',
      '\nExamples:\n  context-manager store "The customer wants invoices by post"\n  context-manager store --agent billing --tag invoice --metadata \'{"customer": 7}\' - < note.txt',
    )
    .action((text: string, options: StoreOptions) => store(text, options, io));
}

async function store(argument: string, options: StoreOptions, io: Io): Promise<void> {
  const text = argument === '-' ? await readText(io) : argument;
  if (text === '') throw usageError('there is no text to store');
  const stored = await withClient(options, io, (client) =>
    client.store({
      text,
      namespace: options.namespace,
      agent_id: options.agent ?? CLI_SENDER,
      session_id: options.session,
      level: options.level,
      id: options.id,
      tags: options.tag,
      metadata: options.metadata,
      ttl_ms: options.ttl ?? options.ttlMs,
      valid_from: options.validFrom,
      valid_until: options.validUntil,
      supersedes: options.supersedes,
    }),
  );
  if (options.json) return writeJson(io.stdout, stored);
  const what = stored.created ? 'stored' : 'already there';
  return io.stdout.write(
    `${what}: ${oneLine(stored.id)} (${oneLine(stored.level)}, ${countOf(stored.token_count, 'token')})\n`,
  );
}
