import { Option, type Command } from 'commander';
import type { JsonObject, Level } from '../base/context.ts';
import { withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { type IntervalOptions, withIntervalOptions } from './server/moment.ts';
import { usageError } from './terminal/command-error.ts';
import { renderContext } from './terminal/context-view.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { collect, parseCount, parseLevel, parseObject } from './terminal/option-parsers.ts';
import { readText } from './terminal/read-text.ts';
import { parseDuration } from './terminal/time-parsers.ts';

interface UpdateOptions extends ClientOptions, IntervalOptions {
  readonly text?: string;
  readonly tag?: readonly string[];
  readonly clearTags?: boolean;
  readonly metadata?: JsonObject;
  readonly level?: Level;
  readonly ttl?: number;
  readonly ifVersion?: number;
}

const HELP = `
Only what is given changes. Tags and metadata are replaced, not added to.

Examples:
  context-manager update 0198c1c2-3a5b-7c1d-9e2f-0123456789ab --text "The customer wants invoices by e-mail"
  context-manager update 0198c1c2-3a5b-7c1d-9e2f-0123456789ab --level long_term --if-version 3
  context-manager update 0198c1c2-3a5b-7c1d-9e2f-0123456789ab --ttl 7d --clear-tags`;

/** `update <id>` */
export function addUpdate(program: Command, io: Io): void {
  const command = program
    .command('update')
    .description('Change a context: its text, tags, metadata, level, lifetime, or when it holds.')
    .argument('<id>', 'its id')
    .addOption(new Option('--text <text>', 'the new text, or - for standard input'))
    .addOption(
      new Option('--tag <tag>', 'tag in place of those there are; may be given several times').argParser(collect),
    )
    .addOption(new Option('--clear-tags', 'no tags any more').conflicts('tag'))
    .addOption(new Option('--metadata <json>', 'JSON object in place of the one there is').argParser(parseObject))
    .addOption(new Option('--level <level>', 'immediate, short_term or long_term').argParser(parseLevel))
    .addOption(new Option('--ttl <duration>', 'delete it after so long: 90s, 1h, 7d').argParser(parseDuration))
    .addOption(new Option('--if-version <number>', 'only where it still has this version').argParser(parseCount));
  withScopeOptions(withIntervalOptions(command))
    .addHelpText('after', HELP)
    .action((id: string, options: UpdateOptions) => update(id, options, io));
}

const CHANGES = '--text, --tag, --clear-tags, --metadata, --level, --ttl, --valid-from or --valid-until';

async function update(id: string, options: UpdateOptions, io: Io): Promise<void> {
  const { tag, clearTags, metadata, level, ttl, namespace, ifVersion } = options;
  const interval = { valid_from: options.validFrom, valid_until: options.validUntil };
  const text = options.text === '-' ? await readText(io) : options.text;
  const tags = clearTags ? [] : tag;
  if ([text, tags, metadata, level, ttl, ...Object.values(interval)].every((change) => change === undefined))
    throw usageError(`there is nothing to change: give ${CHANGES}`);
  if (text === '') throw usageError('there is no text to store');
  const { context } = await withClient(options, io, (client) =>
    client.update({ id, namespace, text, tags, metadata, level, ttl_ms: ttl, ...interval, if_version: ifVersion }),
  );
  return options.json ? writeJson(io.stdout, context) : io.stdout.write(renderContext(context));
}
