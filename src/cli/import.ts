import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import type { Level } from '../base/context.ts';
import { systemClock } from '../base/clock.ts';
import { EVERY_NAMESPACE } from '../base/wire-names.ts';
import { CodedError } from '../base/errors.ts';
import { createValidators, type Validators } from '../protocol/messages.ts';
import { CommandError } from './terminal/command-error.ts';
import { CLI_SENDER, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseLevel } from './terminal/option-parsers.ts';
import { createProgress } from './terminal/progress.ts';
import { onInterrupt } from './terminal/signals.ts';
import { DryRun } from './transfer/dry-run.ts';
import { toNewFact } from './transfer/fact-line.ts';
import { FactUploader, type PlacedFact } from './transfer/fact-uploader.ts';
import { FOREIGN_FORMATS, readForeign, type ForeignFormatName } from './transfer/formats/formats.ts';
import { LineError, toContext, type LineDefaults } from './transfer/line.ts';
import { namespaceRule, type ImportNamespaces } from './transfer/namespaces.ts';
import { Problems } from './transfer/problems.ts';
import { readItems, type Place, type SourceItem } from './transfer/reader.ts';
import { Uploader, type Counts, type PlacedContext } from './transfer/uploader.ts';

interface ImportOptions extends ClientOptions {
  readonly format: ForeignFormatName | 'jsonl';
  readonly dryRun?: boolean;
  readonly level: Level;
  readonly skipBad?: boolean;
}

interface ImportRequest extends ImportOptions {
  readonly namespaces: ImportNamespaces;
}

const HELP = `
Each line is a JSON object: {"text", "id", "namespace", "role", "speaker", "session_id", "agent_id", "created_at",
"expires_at", "tags", "metadata", "level"}; only "text" is required, and a "speaker" is put before it ("Ann: hello").
Times are milliseconds or ISO 8601: without a zone they are UTC, a date alone is its midnight. What export writes can be
imported as it is, facts with it ({"kind": "fact", "subject", "predicate", "object", "valid_from", ...}): a line goes to the namespace that it names, unless --namespace names another. A line whose
"expires_at" is over is left out and counted. A JSON document with "turns" ({"speaker", "text", "session", "date_time",
"id", "image_caption"}) is read as a conversation.

The file is UTF-8. What would be changed in silence is a bad line: keys that stand twice or are named __proto__, integers
whose digits would be lost, halves of characters, dates that no calendar has.

With --format, what another memory has written is read: mem0 (what get_all gives), zep (edges, nodes, episodes, threads),
chatgpt (conversations.json; of each conversation the branch that was last seen), letta (agent files, archival memory,
messages). What of it cannot be read is left out and told by its place. --dry-run stores nothing and asks no server.

Importing is resumable: a line has its own id, or one made from its place and content. After an interruption, or with bad
lines corrected in their place, run the same command again; what is already there is recognised and not stored twice.

Examples:
  context-manager import examples/conversation.jsonl
  context-manager import --namespace shop --agent support --level short_term chat.jsonl
  context-manager import --format chatgpt --dry-run conversations.json
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
    .addOption(
      new Option('--format <format>', 'what wrote the file; what of another memory cannot be read is left out and told')
        .choices(['jsonl', ...FOREIGN_FORMATS])
        .default('jsonl'),
    )
    .addOption(new Option('--dry-run', 'read and check all of it, say what it is, and store nothing'))
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
  const goesOn = options.dryRun === true || options.skipBad === true || options.format !== 'jsonl';
  const problems = new Problems(goesOn);
  if (options.dryRun) return dryRun(input, options, problems, io);
  const counts = await withClient(options, io, (client) => upload(client, { input, options, problems, io }));
  await report(counts, problems, options, io);
}

interface Upload {
  readonly input: Input;
  readonly options: ImportRequest;
  readonly problems: Problems;
  readonly io: Io;
}

async function upload(client: Client, { input, options, problems, io }: Upload): Promise<Readonly<Counts>> {
  const defaults = defaultsFrom(options, client.namespaces);
  const progress = createProgress(io, options.json ? undefined : input.totalBytes);
  const uploader = new Uploader({
    storeBatch: (request) => client.storeBatch(request),
    store: (context) => client.store(context),
    isThere: (namespace, id) => isThere(client, namespace, id),
    clock: systemClock,
    serverNowMs: await serverClock(client),
    onRefused: (place, code, message) => problems.add(place, `${code}: ${message}`),
    onProgress: (now) => progress.update(input.bytesRead(), describe(now)),
  });
  const facts = new FactUploader({
    putFacts: (request) => client.putFacts(request),
    counts: uploader.counts,
    onRefused: (place, code, message) => problems.add(place, `${code}: ${message}`),
  });
  const settle = onInterrupt(io, 'interrupted; run the same command again to go on', () => progress.stop());
  try {
    const add = (placed: Placed): Promise<void> => ('fact' in placed ? facts.add(placed) : uploader.add(placed));
    await addAll(input, options, defaults, add, problems);
    await uploader.finish();
    await facts.finish();
  } catch (error) {
    await uploader.finish().catch(() => undefined);
    if (!options.json) await problems.report(io.stderr);
    throw interrupted(error, uploader.counts, problems);
  } finally {
    settle();
    progress.stop();
  }
  uploader.counts.failed = problems.count;
  return uploader.counts;
}

/** The server's time, as its clock may differ from this machine's: lifetimes end by it. */
async function serverClock(client: Client): Promise<() => number> {
  const askedAtMs = systemClock.nowMs();
  const { server_time: serverTimeMs } = await client.ping();
  const aheadMs = serverTimeMs - Math.round((askedAtMs + systemClock.nowMs()) / 2);
  return () => systemClock.nowMs() + aheadMs;
}

/** Reads all of it, and asks no server. */
async function dryRun(input: Input, options: ImportRequest, problems: Problems, io: Io): Promise<void> {
  const found = new DryRun();
  const defaults = defaultsFrom(options, [EVERY_NAMESPACE]);
  await addAll(input, options, defaults, (placed) => found.add(placed), problems);
  if (options.json) await writeJson(io.stdout, { ...found.counts, failed: problems.count, ...problems.details });
  else {
    await problems.report(io.stderr);
    await io.stdout.write(found.describe(problems.count));
  }
  if (problems.count > 0)
    throw new CommandError(
      `${problems.count} cannot be stored`,
      'Correct these lines, each in its place; nothing was stored.',
      1,
      problems.details,
    );
}

async function report(counts: Readonly<Counts>, problems: Problems, options: ImportRequest, io: Io): Promise<void> {
  if (options.json) await writeJson(io.stdout, summarize(counts));
  else {
    await problems.report(io.stderr);
    if (problems.mustStop) await io.stderr.write('stopped there; --skip-bad leaves such lines out and goes on\n');
    await io.stdout.write(`${describe(counts)}\n`);
  }
  if (counts.failed > 0)
    throw new CommandError(
      `${counts.failed} could not be stored`,
      'Correct these lines, each in its place, and import the file again.',
      1,
      problems.details,
    );
}

function summarize({ stored, alreadyThere, expired, failed }: Readonly<Counts>): object {
  return { stored, already_there: alreadyThere, ...(expired > 0 ? { expired } : {}), failed };
}

function describe({ stored, alreadyThere, expired, failed }: Readonly<Counts>): string {
  const number = (count: number): string => count.toLocaleString('en');
  const over = expired > 0 ? `${number(expired)} left out as their lifetime is over, ` : '';
  return `${number(stored)} stored, ${number(alreadyThere)} already there, ${over}${number(failed)} failed`;
}

interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** As the user named it; absent for standard input. */
  readonly name?: string;
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
    name: file,
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

type Placed = PlacedContext | PlacedFact;

async function addAll(
  input: Input,
  { format }: ImportOptions,
  defaults: LineDefaults,
  add: (placed: Placed) => Promise<void> | void,
  problems: Problems,
): Promise<void> {
  const validators = createValidators();
  for await (const item of format === 'jsonl' ? readItems(input.chunks) : readForeign(input.chunks, format)) {
    const placed = toPlaced(item, input, defaults, validators);
    if (placed instanceof LineError) problems.add(describePlace(item.place, input.name), placed.message);
    else await add(placed);
    if (problems.mustStop) break;
  }
}

/** The context or the fact of an item, checked as the server will check it: one bad line must not take its batch with it. */
function toPlaced(
  item: SourceItem,
  { name }: Input,
  defaults: LineDefaults,
  validators: Validators,
): Placed | LineError {
  if (item.content instanceof LineError) return item.content;
  const { line, turn } = item.place;
  try {
    if ('kind' in item.content) {
      const fact = toNewFact(item.content, line ?? turn ?? 0, defaults);
      validators.payload('fact.put', { facts: [fact.fact], agent_id: fact.agentId });
      return { ...fact, place: describePlace(item.place, name) };
    }
    const { context, expiresAtMs } = toContext(item.content, line ?? turn ?? 0, defaults);
    const ttlMs = expiresAtMs === undefined ? undefined : Math.max(1, expiresAtMs - systemClock.nowMs());
    validators.payload('context.store', ttlMs === undefined ? context : { ...context, ttl_ms: ttlMs });
    return {
      place: describePlace(item.place, name),
      context,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    };
  } catch (error) {
    if (error instanceof LineError) return error;
    if (error instanceof CodedError) return new LineError(error.message);
    throw error;
  }
}

/** `chat.jsonl:3`, `chat.json: turn 5`, or `line 3` of standard input. */
function describePlace({ line, turn, at }: Place, file: string | undefined): string {
  if (at !== undefined) return file === undefined ? at : `${file}: ${at}`;
  const inFile =
    file === undefined ? (line === undefined ? '' : `line ${line}`) : line === undefined ? file : `${file}:${line}`;
  if (turn === undefined) return inFile;
  return inFile === '' ? `turn ${turn}` : `${inFile}: turn ${turn}`;
}

function interrupted(error: unknown, counts: Counts, problems: Problems): unknown {
  if (counts.stored + counts.alreadyThere === 0 || !(error instanceof Error)) return error;
  const reason =
    error instanceof CommandError || !('code' in error) ? error.message : `${String(error.code)}: ${error.message}`;
  return new CommandError(
    `interrupted after ${describe({ ...counts, failed: problems.count })}: ${reason}`,
    'Run the same command again; it goes on where it stopped.',
    1,
    problems.count > 0 ? problems.details : undefined,
  );
}

async function isThere(client: Client, namespace: string | undefined, id: string): Promise<boolean> {
  try {
    await client.get({ id, namespace });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}
