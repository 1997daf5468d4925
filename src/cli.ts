import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { keepAlive } from './base/clock.ts';
import { escapeControls, escapeControlsInLines, oneLine } from './base/control-characters.ts';
import { addChat } from './cli/chat.ts';
import { addCircuit } from './cli/circuit.ts';
import { addClear } from './cli/clear.ts';
import { addCompletion } from './cli/completion.ts';
import { addConfig } from './cli/config.ts';
import { addDelete } from './cli/delete.ts';
import { addDoctor } from './cli/doctor.ts';
import { addErase } from './cli/erase.ts';
import { addExport } from './cli/export.ts';
import { addFacts } from './cli/facts.ts';
import { addGateway } from './cli/gateway.ts';
import { addGc } from './cli/gc.ts';
import { addGet } from './cli/get.ts';
import { addImport } from './cli/import.ts';
import { addKeys } from './cli/keys.ts';
import { addList } from './cli/list.ts';
import { addMcp } from './cli/mcp.ts';
import { addMigrate } from './cli/migrate.ts';
import { addMonitor } from './cli/monitor.ts';
import { addNamespaces } from './cli/namespaces.ts';
import { addPing } from './cli/ping.ts';
import { addQuery } from './cli/query.ts';
import { addReembed } from './cli/reembed.ts';
import { addReseal } from './cli/reseal.ts';
import { addServe } from './cli/serve.ts';
import { addSlowlog } from './cli/slowlog.ts';
import { addSession } from './cli/session.ts';
import { addSnapshot } from './cli/snapshot.ts';
import { addStats } from './cli/stats.ts';
import { addStore } from './cli/store.ts';
import { addUpdate } from './cli/update.ts';
import { addVersion } from './cli/version.ts';
import { CommandError, explain, type Explained } from './cli/terminal/command-error.ts';
import { nodeIo, type Io } from './cli/terminal/io.ts';

const USAGE_EXIT_CODE = 2;

const HELP = `
Examples:
  context-manager serve
  context-manager store "The customer wants invoices by post"
  context-manager query "how does the customer want invoices?" --max-tokens 500
  context-manager import examples/conversation.jsonl

Exit codes: 0 done, 1 failed (the reason and a remedy on standard error), 2 wrong usage.`;

/** Runs one command line (without node and script). Resolves with the exit code. */
export async function run(args: readonly string[], io: Io, version: string): Promise<number> {
  const shown: Shown = { stdout: [], stderr: [] };
  const json = args.includes('--json');
  try {
    const code = await parse(createProgram(io, version, shown), args, json);
    await io.stdout.write(shown.stdout.join(''));
    await io.stderr.write(shown.stderr.join(''));
    return code;
  } catch (error) {
    return await fail(error, json, io);
  }
}

/** What the parser of command lines has to say: help, version, wrong usage. */
interface Shown {
  readonly stdout: string[];
  readonly stderr: string[];
}

async function parse(program: Command, args: readonly string[], json: boolean): Promise<number> {
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (json) throw wrongUsage(error);
    return USAGE_EXIT_CODE;
  }
}

/** What the parser shows as text, for programs. */
function wrongUsage({ code, message }: CommanderError): CommandError {
  const reason = code === 'commander.help' ? 'a subcommand is missing' : message.replace(/^error: /, '');
  return new CommandError(oneLine(reason), '--help shows what there is.', USAGE_EXIT_CODE);
}

function createProgram(io: Io, version: string, shown: Shown): Command {
  const program = new Command('context-manager')
    .description('A memory server for agents, and its command line.')
    .version(version)
    .addHelpText('after', HELP)
    .showHelpAfterError('(--help shows what there is)');
  addServe(program, io, version);
  addStore(program, io);
  addQuery(program, io);
  addGet(program, io);
  addList(program, io);
  addUpdate(program, io);
  addDelete(program, io);
  addClear(program, io);
  addErase(program, io);
  addNamespaces(program, io);
  addStats(program, io);
  addImport(program, io);
  addExport(program, io);
  addFacts(program, io);
  addSession(program, io);
  addSnapshot(program, io);
  addReembed(program, io);
  addReseal(program, io);
  addMigrate(program, io);
  addMcp(program, io, version);
  addPing(program, io);
  addMonitor(program, io);
  addSlowlog(program, io);
  addDoctor(program, io);
  addConfig(program, io);
  addKeys(program, io);
  addCircuit(program, io);
  addChat(program, io);
  addGateway(program, io);
  addGc(program, io);
  addVersion(program, io, version);
  addCompletion(program, io);
  for (const command of withSubcommands(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => shown.stdout.push(text),
      writeErr: (text) => shown.stderr.push(text),
    });
  }
  return program;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

async function fail(error: unknown, json: boolean, io: Io): Promise<number> {
  const { exitCode, ...explained } = explain(error);
  try {
    await io.stderr.write(json ? `${escapeControls(JSON.stringify({ error: explained }))}\n` : render(explained));
  } catch {
    // Where standard error cannot be written, the exit code is all that is left to tell by.
  }
  return exitCode;
}

function render({ code, message, remedy }: Omit<Explained, 'exitCode'>): string {
  const reason = `error: ${code === undefined ? '' : `${code}: `}${message}\n`;
  return escapeControlsInLines(remedy === undefined ? reason : `${reason}  ${remedy}\n`);
}

/** The process' own entry: what src/bin.js calls. */
export async function main(): Promise<void> {
  // A command that waits for one of the clock's timers alone would end in its middle.
  const release = keepAlive();
  try {
    process.exitCode = await run(process.argv.slice(2), nodeIo(process), readVersion());
  } finally {
    release();
  }
}

/** Of the package that this file belongs to: beside src/ in a checkout, above dist/ where it is installed. */
export function readVersion(): string {
  const path = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
