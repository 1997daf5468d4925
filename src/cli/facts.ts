import { oneLine } from '../base/control-characters.ts';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { EVERY_AGENT } from '../base/wire-names.ts';
import type { Fact } from '../protocol/messages.generated.ts';
import { namespaceOption, withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { type MomentOptions, momentOf, withMomentOptions } from './server/moment.ts';
import { CommandError } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { collect, parseCount, parseNumberOf, parseShare } from './terminal/option-parsers.ts';
import { countOf, formatTime, renderRows } from './terminal/render.ts';
import { onInterrupt } from './terminal/signals.ts';
import { durationMs, parseMoment } from './terminal/time-parsers.ts';
import { allFacts } from './transfer/all-facts.ts';
import { CYPHER_HEAD, toCypher } from './transfer/cypher.ts';
import { checkTarget, openTarget, outputTarget } from './transfer/export-target.ts';
import { toFactExportLine } from './transfer/fact-line.ts';
import { parseIsoTime } from './transfer/times.ts';

interface PutOptions extends ClientOptions {
  readonly id?: string;
  readonly from?: number;
  readonly until?: number;
  readonly single?: boolean;
  readonly confidence?: number;
  readonly source?: readonly string[];
}

interface ReadOptions extends ClientOptions, MomentOptions {
  readonly subject?: string;
  readonly predicate?: string;
  readonly object?: string;
  readonly depth?: number;
  readonly limit: number;
}

interface ExportOptions extends ClientOptions {
  readonly cypher?: boolean;
}

/** `facts put|list|around|delete|export` */
export function addFacts(program: Command, io: Io): void {
  const facts = program
    .command('facts')
    .description('What is known of the world, and when it held.')
    .addHelpText(
      'after',
      '\nExamples:\n  context-manager facts put Mara "lives in" Porto --single --from 2024-03-01\n  context-manager facts list --subject mara --json\n  context-manager facts around Porto --depth 2',
    );
  addPut(facts, io);
  addReads(facts, io);
  scoped(
    facts.command('delete').description('Delete a fact; what it superseded holds again.').argument('<id>', 'its id'),
  )
    .addHelpText('after', '\nExample:\n  context-manager facts delete 0198c1c2-3a5b-7c1d-9e2f-0123456789ab')
    .action((id: string, options: ClientOptions) => remove(id, options, io));
  addExport(facts, io);
}

function addPut(facts: Command, io: Io): void {
  scoped(facts.command('put').description('Put a fact.'))
    .argument('<subject>', 'what it is about')
    .argument('<predicate>', 'how the subject stands to the object')
    .argument('<object>', 'another name, or a value')
    .addOption(new Option('--single', 'a subject has one object of it at a time: supersedes others'))
    .addOption(
      new Option('--from <when>', 'from then on it holds: 2024-03-01, 7d (ago); default: now').argParser(parseTime),
    )
    .addOption(new Option('--until <when>', 'up to then, which is not in it any more').argParser(parseTime))
    .addOption(new Option('--confidence <share>', 'how sure you are, 0 to 1').argParser(parseShare))
    .addOption(new Option('--source <id>', 'a context that says so; may be given several times').argParser(collect))
    .option('--id <uuid>', 'its id; default: a new one')
    .addHelpText('after', '\nExample:\n  context-manager facts put Mara "lives in" Porto --single --from 2024-03-01')
    .action((subject: string, predicate: string, object: string, options: PutOptions) =>
      put({ subject, predicate, object }, options, io),
    );
}

function addReads(facts: Command, io: Io): void {
  timed(facts.command('list').description('List facts that hold, those that began last first.'))
    .option('--subject <name>', 'only of this subject')
    .option('--predicate <name>', 'only of this predicate')
    .option('--object <name>', 'only of this object')
    .addHelpText('after', '\nExample:\n  context-manager facts list --subject mara --as-of 2021-01-01 --include-past')
    .action((options: ReadOptions) => list(options, io));
  timed(facts.command('around').description('Show the facts around a name, the nearest first.'))
    .argument('<entity>', 'a subject or an object')
    .addOption(new Option('--depth <number>', 'facts that may lie between, 1 to 3').argParser(parseNumberOf(1, 3)))
    .addHelpText('after', '\nExample:\n  context-manager facts around Porto --depth 2')
    .action((entity: string, options: ReadOptions) => around(entity, options, io));
}

function addExport(facts: Command, io: Io): void {
  scoped(facts.command('export').description('Write all facts as JSON lines that import reads back, or for Neo4j.'))
    .argument('[file]', 'where to; - or nothing for standard output', '-')
    .option('--cypher', 'as statements of Cypher: names are nodes, facts are relationships')
    .addHelpText(
      'after',
      '\nExamples:\n  context-manager facts export facts.jsonl\n  context-manager facts export --cypher | cypher-shell -u neo4j',
    )
    .action((file: string, options: ExportOptions) => exportFacts(file, options, io));
}

function scoped(one: Command): Command {
  const agent = new Option('--agent <id>', 'whose; default: everybody\'s to read, "cli" to put').env(
    'CONTEXT_MANAGER_AGENT',
  );
  return withServerOptions(one).addOption(namespaceOption()).addOption(agent);
}

function timed(one: Command): Command {
  return withMomentOptions(scoped(one), parseTime).addOption(
    new Option('--limit <number>', 'facts at most').argParser(parseCount).default(50),
  );
}

/** Also before 1970. */
function parseTime(raw: string): number {
  if (durationMs(raw) !== null) return parseMoment(raw);
  const timeMs = parseIsoTime(raw);
  if (timeMs === null)
    throw new InvalidArgumentError('It must be how long ago (7d) or a moment (1979-01-31, 2027-01-31T09:30).');
  return timeMs;
}

async function put(
  names: { subject: string; predicate: string; object: string },
  { id, from, until, single, confidence, source, agent, namespace, ...options }: PutOptions,
  io: Io,
): Promise<void> {
  const fact = {
    ...names,
    ...(id !== undefined && { id }),
    ...(from !== undefined && { valid_from: from }),
    ...(until !== undefined && { valid_until: until }),
    ...(single === true && { single_valued: true }),
    ...(confidence !== undefined && { confidence }),
    ...(source !== undefined && { source_ids: [...source] }),
  };
  const whose = { agent_id: agent, namespace };
  const reply = await withClient(options, io, (client) => client.facts.put(fact, whose));
  const [told] = reply.facts;
  if (told === undefined) throw new CommandError('the server did not answer for it');
  if (options.json) return writeJson(io.stdout, told);
  const notes = [
    ...(told.created ? [] : ['was there already']),
    ...(told.superseded.length > 0 ? [`supersedes ${countOf(told.superseded.length, 'fact')}`] : []),
    ...(told.conflicts.length > 0 ? [`contradicts ${told.conflicts.join(', ')}`] : []),
  ];
  return io.stdout.write(`${[told.id, ...notes].join('; ')}\n`);
}

async function list(options: ReadOptions, io: Io): Promise<void> {
  const { subject, predicate, object, limit } = options;
  const found = await withClient(options, io, async (client) => {
    const facts: Fact[] = [];
    const request = { ...scopeOf(options), subject, predicate, object, limit: Math.min(limit, 1000) };
    for await (const fact of client.facts.list(request)) {
      facts.push(fact);
      if (facts.length === limit) break;
    }
    return facts;
  });
  if (options.json) return writeJson(io.stdout, found);
  if (found.length === 0) return io.stdout.write('nothing found\n');
  return io.stdout.write(renderRows(found.map(rowOf), io.stdout.columns));
}

async function around(entity: string, options: ReadOptions, io: Io): Promise<void> {
  const { depth, limit } = options;
  const request = { ...scopeOf(options), ...(depth !== undefined && { depth }), limit: Math.min(limit, 1000) };
  const reply = await withClient(options, io, (client) => client.facts.around(entity, request));
  if (options.json) return writeJson(io.stdout, reply);
  if (reply.facts.length === 0) return io.stdout.write('nothing found\n');
  const rows = reply.facts.map((fact) => [String(fact.distance), ...rowOf(fact)]);
  return io.stdout.write(renderRows(rows, io.stdout.columns) + (reply.truncated === true ? 'there is more\n' : ''));
}

async function remove(id: string, { agent, namespace, ...options }: ClientOptions, io: Io): Promise<void> {
  const request = { namespace, ...(agent !== undefined && { agent_id: agent }) };
  const { deleted } = await withClient(options, io, (client) => client.facts.delete(id, request));
  if (options.json) await writeJson(io.stdout, { deleted });
  else if (deleted > 0) await io.stdout.write(`deleted ${countOf(deleted, 'fact')}\n`);
  if (deleted === 0) throw new CommandError(`there is no fact ${id}`, 'Check the id and the --namespace.');
}

async function exportFacts(file: string, { cypher = false, ...options }: ExportOptions, io: Io): Promise<void> {
  const path = file === '-' ? undefined : resolve(io.folder, file);
  if (path !== undefined) await checkTarget(path);
  const exported = await withClient(options, io, async (client) => {
    const target = path === undefined ? outputTarget(io.stdout) : await openTarget(path);
    const settle = onInterrupt(io, 'interrupted', () => target.discard());
    try {
      let count = 0;
      if (cypher) await target.write(CYPHER_HEAD);
      for await (const fact of allFacts(client, options)) {
        await target.write(cypher ? toCypher(fact) : toFactExportLine(fact));
        count += 1;
        if (target.isGone()) return count;
      }
      await target.close();
      return count;
    } catch (error) {
      target.discard();
      throw error;
    } finally {
      settle();
    }
  });
  const output = path === undefined ? io.stderr : io.stdout;
  if (options.json) await writeJson(output, { exported });
  else await output.write(`exported ${countOf(exported, 'fact')}\n`);
}

function scopeOf({ namespace, agent = EVERY_AGENT, ...options }: ReadOptions) {
  return { namespace, agent_id: agent, ...momentOf(options) };
}

function rowOf({ id, subject, predicate, object, valid_from: from, valid_until: until }: Fact): string[] {
  const interval = `${formatTime(from)} - ${until === undefined ? '' : formatTime(until)}`;
  return [id, interval, `${oneLine(subject)} | ${oneLine(predicate)} | ${oneLine(object)}`];
}
