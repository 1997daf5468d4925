import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Level } from '../base/context.ts';
import { systemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { createValidators, type Validators } from '../protocol/messages.ts';
import { CommandError } from './terminal/command-error.ts';
import { CLI_SENDER, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseLevel } from './terminal/option-parsers.ts';
import { createProgress } from './terminal/progress.ts';
import { onInterrupt } from './terminal/signals.ts';
import { LineError, toContext, type LineDefaults } from './transfer/line.ts';
import { namespaceRule, type ImportNamespaces } from './transfer/namespaces.ts';
import { readItems, type SourceItem } from './transfer/reader.ts';
import { Uploader, type Counts, type PlacedContext } from './transfer/uploader.ts';

interface ImportOptions extends ClientOptions {
  readonly level: Level;
  readonly skipBad?: boolean;
}

interface ImportRequest extends ImportOptions {
  readonly namespaces: ImportNamespaces;
}

const HELP = `
Each line is a JSON object: {"text", "id", "namespace", "role", "speaker", "session_id", "agent_id", "created_at" (milliseconds or
ISO 8601), "tags", "metadata", "level"}; only "text" is required, and a "speaker" is put before it ("Ann: hello").
What export writes can be imported as it is. A JSON document with "turns" ({"speaker", "text", "session", "date_time",
"id", "image_caption"}) is read as a conversation.

Importing is resumable: a line has its own id, or one made from its place and content. After an interruption run the
same command again; what is already there is recognised and not stored twice.

Examples:
  context-manager import examples/conversation.jsonl
  context-manager import --namespace shop --agent support --level short_term chat.jsonl
  zcat old.jsonl.gz | context-manager import --skip-bad -`;

/** `import <file|->` */
export function addImport(program: Command, io: Io): void {
  const command = program
    .command('import')
    .description('Store a file of contexts (JSON lines, or a conversation), or what comes on standard input.')
    .argument('<file>', 'the file, or - for standard input')
    .addOption(
      new Option('--level <level>', 'level of lines that name none').argParser(parseLevel).default('long_term'),
    )
    .addOption(new Option('--skip-bad', 'report lines that cannot be stored, and go on'));
  withScopeOptions(command)
    .addHelpText('after', HELP)
    .action((file: string, options: ImportOptions) => {
      const { namespace } = options;
      const isNamed = command.getOptionValueSource('namespace') === 'cli';
      const namespaces = namespace === undefined ? {} : isNamed ? { override: namespace } : { fallback: namespace };
      return importFile(file, { ...options, namespaces }, io);
    });
}

async function importFile(file: string, options: ImportRequest, io: Io): Promise<void> {
  const input = openInput(file, io);
  const counts = await withClient(options, io, async (client) => {
    const progress = createProgress(io, options.json ? undefined : input.totalBytes);
    const problems = new Problems(io, options.skipBad ?? false);
    const uploader = new Uploader({
      storeBatch: (request) => client.storeBatch(request),
      clock: systemClock,
      onRefused: (place, code, message) => problems.add(place, `${code}: ${message}`),
      onProgress: (now) => progress.update(input.bytesRead(), describe(now)),
    });
    const settle = onInterrupt(io, 'interrupted; run the same command again to go on', () => progress.stop());
    try {
      await upload(input.chunks, defaultsFrom(options, client.namespaces), uploader, problems);
    } catch (error) {
      await uploader.finish().catch(() => undefined);
      throw interrupted(error, uploader.counts);
    } finally {
      settle();
      progress.stop();
      await problems.report();
    }
    uploader.counts.failed = problems.count;
    return uploader.counts;
  });
  if (options.json)
    await writeJson(io.stdout, { stored: counts.stored, already_there: counts.alreadyThere, failed: counts.failed });
  else await io.stdout.write(`${describe(counts)}\n`);
  if (counts.failed > 0)
    throw new CommandError(`${counts.failed} could not be stored`, 'Correct these lines and import the file again.');
}

function describe({ stored, alreadyThere, failed }: Readonly<Counts>): string {
  const number = (count: number): string => count.toLocaleString('en');
  return `${number(stored)} stored, ${number(alreadyThere)} already there, ${number(failed)} failed`;
}

interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Absent for standard input. */
  readonly totalBytes?: number;
  bytesRead(): number;
}

function openInput(file: string, io: Io): Input {
  if (file === '-') return { chunks: io.stdin, bytesRead: () => 0 };
  const path = resolve(io.folder, file);
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined)
    throw new CommandError(`there is no file ${path}`, 'Correct the path, or use - for standard input.');
  if (info.isDirectory()) throw new CommandError(`${path} is a folder`, 'Import its files one by one.');
  const stream = createReadStream(path);
  return {
    chunks: stream as AsyncIterable<Uint8Array>,
    bytesRead: () => stream.bytesRead,
    ...(info.isFile() ? { totalBytes: info.size } : {}),
  };
}

function defaultsFrom(options: ImportRequest, namespacesOfKey: readonly string[]): LineDefaults {
  let lastMs = 0;
  return {
    namespaceFor: namespaceRule(namespacesOfKey, options.namespaces),
    agentId: options.agent ?? CLI_SENDER,
    level: options.level,
    // One after the other also where a millisecond brings many: their order is the order of the lines.
    nextTimeMs: () => (lastMs = Math.max(lastMs + 1, systemClock.nowMs())),
    ...(options.session === undefined ? {} : { sessionId: options.session }),
  };
}

async function upload(
  chunks: AsyncIterable<Uint8Array>,
  defaults: LineDefaults,
  uploader: Uploader,
  problems: Problems,
): Promise<void> {
  const validators = createValidators();
  for await (const item of readItems(chunks)) {
    const placed = place(item, defaults, validators);
    if (placed instanceof LineError) problems.add(item.place, placed.message);
    else await uploader.add(placed);
    if (problems.mustStop) break;
  }
  await uploader.finish();
}

/** The context of an item, checked as the server will check it: one bad line must not take its batch with it. */
function place(item: SourceItem, defaults: LineDefaults, validators: Validators): PlacedContext | LineError {
  if (item.content instanceof LineError) return item.content;
  try {
    const context = toContext(item.content, item.place, defaults);
    return { place: item.place, context: validators.payload('context.store', context) };
  } catch (error) {
    if (error instanceof LineError) return error;
    if (error instanceof CodedError) return new LineError(error.message);
    throw error;
  }
}

const PROBLEMS_SHOWN = 20;

/** Lines that could not be stored; the first of them are shown. */
class Problems {
  count = 0;
  readonly #io: Io;
  readonly #skip: boolean;
  readonly #shown: string[] = [];

  constructor(io: Io, skip: boolean) {
    this.#io = io;
    this.#skip = skip;
  }

  get mustStop(): boolean {
    return this.count > 0 && !this.#skip;
  }

  add(place: number, message: string): void {
    this.count += 1;
    if (this.#shown.length < PROBLEMS_SHOWN) this.#shown.push(`line ${place}: ${message}\n`);
  }

  async report(): Promise<void> {
    for (const line of this.#shown) await this.#io.stderr.write(line);
    const more = this.count - this.#shown.length;
    if (more > 0) await this.#io.stderr.write(`... and ${more} more\n`);
    if (this.mustStop) await this.#io.stderr.write('stopped there; --skip-bad leaves such lines out and goes on\n');
  }
}

function interrupted(error: unknown, counts: Counts): unknown {
  if (counts.stored + counts.alreadyThere === 0 || !(error instanceof Error)) return error;
  const reason = 'code' in error ? `${String(error.code)}: ${error.message}` : error.message;
  return new CommandError(
    `interrupted after ${describe(counts)}: ${reason}`,
    'Run the same command again; it goes on where it stopped.',
  );
}
