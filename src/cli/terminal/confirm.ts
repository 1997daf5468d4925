import { Option, type Command } from 'commander';
import { usageError } from './command-error.ts';
import type { Io } from './io.ts';

/** What a command that deletes asks with, or is told beforehand. */
export interface ConfirmOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function withConfirmOptions(command: Command): Command {
  return command
    .addOption(new Option('--dry-run', 'only tell how many there are'))
    .addOption(new Option('-y, --yes', 'delete without asking'));
}

/** Whether to go on. Where nobody can be asked, only `--yes` says so. Throws `CommandError` (wrong usage) without it. */
export async function confirmed(io: Io, question: string, { yes }: ConfirmOptions): Promise<boolean> {
  if (yes) return true;
  checkConfirmable(io, {});
  await io.stderr.write(`${question} [y/N] `);
  return /^\s*y(es)?\s*$/i.test(await readLine(io));
}

/** That somebody can be asked, or need not be: before anything is counted. */
export function checkConfirmable(io: Io, { yes, dryRun }: ConfirmOptions): void {
  if (yes || dryRun || io.isInteractive === true) return;
  throw usageError('nobody can be asked here: confirm with --yes, or see with --dry-run what would be deleted');
}

const LINE_BYTES_MAX = 1024;

async function readLine(io: Io): Promise<string> {
  let line = '';
  for await (const chunk of io.stdin) {
    line += Buffer.from(chunk).toString('utf8');
    if (line.includes('\n') || line.length > LINE_BYTES_MAX) break;
  }
  return line;
}
