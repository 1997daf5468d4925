import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import { LEVELS, type JsonObject, type Level } from '../base/context.ts';
import type { Context } from '../protocol/messages.generated.ts';
import { readScope, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { checkTarget, openTarget, type Target } from './transfer/export-file.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseLevels, parseObject } from './terminal/option-parsers.ts';
import { countOf } from './terminal/render.ts';
import { onInterrupt } from './terminal/signals.ts';
import type { ImportLine } from './transfer/line.ts';

interface ExportOptions extends ClientOptions {
  readonly level?: readonly Level[];
  readonly filter?: JsonObject;
}

const HELP = `
Without --agent, the contexts of every agent are written. Ids, levels, times, tags, metadata, agents and sessions come
back with import; lifetimes and access counts start anew.

Examples:
  context-manager export backup.jsonl
  context-manager export --namespace shop --level long_term | gzip > shop.jsonl.gz`;

/** `export [file]` */
export function addExport(program: Command, io: Io): void {
  const command = program
    .command('export')
    .description('Write contexts as JSON lines that import reads back.')
    .argument('[file]', 'where to; - or nothing for standard output', '-')
    .addOption(
      new Option('--level <levels>', 'only these levels: immediate, short_term, long_term').argParser(parseLevels),
    )
    .addOption(new Option('--filter <json>', 'filter, as in the wire protocol').argParser(parseObject));
  withScopeOptions(command)
    .addHelpText('after', HELP)
    .action((file: string, options: ExportOptions) => exportContexts(file, options, io));
}

async function exportContexts(file: string, options: ExportOptions, io: Io): Promise<void> {
  const path = file === '-' ? undefined : resolve(io.folder, file);
  if (path !== undefined) await checkTarget(path);
  const count = await withClient(options, io, async (client) => {
    const target = path === undefined ? standardOutput(io) : await openTarget(path);
    const settle = onInterrupt(io, path === undefined ? 'interrupted' : 'interrupted; nothing was exported', () =>
      target.discard(),
    );
    try {
      return await writeAll(client, options, target);
    } catch (error) {
      target.discard();
      throw error;
    } finally {
      settle();
    }
  });
  // With lines on standard output, what is said about them goes elsewhere.
  const output = path === undefined ? io.stderr : io.stdout;
  if (options.json) await writeJson(output, { exported: count });
  else await output.write(`exported ${countOf(count, 'context')}\n`);
}

async function writeAll(client: Client, options: ExportOptions, target: Target): Promise<number> {
  let written = 0;
  for await (const context of inImportOrder(client, options)) {
    await target.write(`${JSON.stringify(toLine(context))}\n`);
    written += 1;
  }
  await target.close();
  return written;
}

function standardOutput(io: Io): Target {
  return { write: (line) => io.stdout.write(line), close: async () => {}, discard: () => {} };
}

const PAGE = 500;

/**
 * Contexts sink from level to level meanwhile: reading downwards, none slips through, and one met twice is left out.
 * Lists come newest first. Bounded levels keep what entered last, so theirs is turned round: imported again, the
 * newest enter last. Their bounds (l1_size, l2_size) also bound what is held here.
 */
async function* inImportOrder(client: Client, options: ExportOptions): AsyncGenerator<Context> {
  const written = new Set<string>();
  for (const level of LEVELS) {
    if (options.level?.includes(level) === false) continue;
    const pages = client.list({
      ...readScope(options),
      levels: [level],
      limit: PAGE,
      filter: options.filter,
    });
    const bounded: Context[] = [];
    for await (const context of pages) {
      if (written.has(context.id)) continue;
      if (level === 'long_term') yield context;
      else bounded.push(context);
    }
    for (const { id } of bounded) written.add(id);
    yield* bounded.reverse();
  }
}

function toLine(context: Context): ImportLine {
  return {
    id: context.id,
    text: context.text,
    level: context.level,
    agent_id: context.agent_id,
    ...(context.session_id === undefined ? {} : { session_id: context.session_id }),
    created_at: context.created_at,
    ...(context.tags.length === 0 ? {} : { tags: [...context.tags] }),
    ...(Object.keys(context.metadata).length === 0 ? {} : { metadata: context.metadata }),
  };
}
