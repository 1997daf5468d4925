import { oneLine } from '../base/control-characters.ts';
import type { Command } from 'commander';
import { effectiveSettings, type EffectiveSetting } from '../config/effective.ts';
import { jsonOption, loadLocalConfig } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { renderRows } from './terminal/render.ts';

interface ShowOptions {
  readonly json?: boolean;
}

const HELP = `
Shows what a server that is started here and now would run with, after defaults, files and environment variables, and
where each setting comes from. Secrets are hidden, and so are values in the query of an address.

Examples:
  context-manager config show
  CONFIG_ENV=production context-manager config show --json`;

/** `config show` */
export function addConfig(program: Command, io: Io): void {
  const config = program
    .command('config')
    .description('Look at the settings.')
    .addHelpText('after', '\nExample:\n  context-manager config show --json');
  config
    .command('show')
    .description('Show every setting, and where it comes from.')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: ShowOptions) => show(options, io));
}

async function show(options: ShowOptions, io: Io): Promise<void> {
  const loaded = loadLocalConfig(io);
  const settings = effectiveSettings(loaded);
  const warnings = [...loaded.warnings, ...loaded.unused];
  if (options.json) {
    return writeJson(io.stdout, {
      environment: loaded.environmentName,
      files: loaded.filesRead,
      warnings,
      settings: settings.map(toJson),
    });
  }
  await io.stdout.write(renderRows(settings.map((setting) => [setting.name, valueText(setting), originText(setting)])));
  for (const warning of warnings) await io.stderr.write(`warning: ${warning}\n`);
}

function toJson({ name, value, hidden, origin }: EffectiveSetting): Record<string, unknown> {
  const { source = 'default', name: from, alias, variables, follows } = origin ?? {};
  return {
    name,
    value,
    ...(hidden ? { hidden } : {}),
    source,
    ...(from === undefined ? {} : { [source === 'file' ? 'file' : 'variable']: from }),
    ...(variables === undefined ? {} : { variables }),
    ...(alias === undefined ? {} : { written_as: alias }),
    ...(follows === undefined ? {} : { follows }),
  };
}

function valueText({ value, hidden }: EffectiveSetting): string {
  if (hidden) return '(hidden)';
  return value === null ? '(not set)' : oneLine(JSON.stringify(value));
}

function originText({ origin }: EffectiveSetting): string {
  if (origin === undefined) return 'default';
  const { source, name, alias, variables = [], follows } = origin;
  const parts = [
    source === 'file' ? name : `environment variable ${name}`,
    ...(variables.length === 0 ? [] : [`with the environment variable ${variables.join(' and ')}`]),
    ...(alias === undefined ? [] : [`as ${alias}`]),
    ...(follows === undefined ? [] : [`follows from ${follows}`]),
  ];
  return oneLine(parts.join(', '));
}
