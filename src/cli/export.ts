import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import type { Level } from '../base/context.ts';
import type { Context } from '../protocol/messages.generated.ts';
import { readScope, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { filterOf, withNarrowingOptions, type NarrowingOptions } from './server/narrowing.ts';
import { usageError } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseLevels } from './terminal/option-parsers.ts';
import { countOf } from './terminal/render.ts';
import { onInterrupt } from './terminal/signals.ts';
import { allFacts } from './transfer/all-facts.ts';
import { toFactExportLine } from './transfer/fact-line.ts';
import { checkTarget, openTarget, outputTarget, type Target } from './transfer/export-target.ts';
import { inImportOrder } from './transfer/import-order.ts';
import { describeSizes, selectNamespaces, type NamespaceSize, type Selection } from './transfer/namespaces.ts';
import { ReversedLines } from './transfer/reversed-lines.ts';
import { WHENEVER } from './transfer/times.ts';

interface ExportOptions extends ClientOptions, NarrowingOptions {
  readonly all?: boolean;
  readonly level?: readonly Level[];
}

const HELP = `
Without --namespace the key's own namespace is written; a key that has several must choose, and one that sees every
namespace writes "default" and is told what else there is. Without --agent, the contexts of every agent are written.

Ids, namespaces, levels, times, lifetimes, tags, metadata, agents, sessions and the order of the list come back with
import. Access counts, versions and embeddings that a client brought along do not: the protocol has no way to give them.

Facts come after the contexts of their namespace, unless --session, --level, --tag, --since, --before or --filter choose some contexts.

Examples:
  context-manager export --all backup.jsonl
  context-manager export --namespace shop --level long_term | gzip > shop.jsonl.gz
  context-manager export --all --since 7d --tag billing week.jsonl`;

/** `export [file]` */
export function addExport(program: Command, io: Io): void {
  const command = program
    .command('export')
    .description('Write contexts as JSON lines that import reads back.')
    .argument('[file]', 'where to; - or nothing for standard output', '-')
    .addOption(new Option('--all', 'every namespace that the key has'))
    .addOption(
      new Option('--level <levels>', 'only these levels: immediate, short_term, long_term').argParser(parseLevels),
    );
  withScopeOptions(withNarrowingOptions(command))
    .addHelpText('after', HELP)
    .action((file: string, options: ExportOptions) => {
      if (options.all && command.getOptionValueSource('namespace') === 'cli')
        throw usageError('give either --all or --namespace');
      return exportContexts(file, options, io);
    });
}

async function exportContexts(file: string, options: ExportOptions, io: Io): Promise<void> {
  const path = file === '-' ? undefined : resolve(io.folder, file);
  if (path !== undefined) await checkTarget(path);
  const { sizes, selection, target } = await withClient(options, io, async (client) => {
    const chosen = await selectNamespaces(client, wantedFrom(options));
    const opened = path === undefined ? outputTarget(io.stdout) : await openTarget(path);
    const settle = onInterrupt(io, path === undefined ? 'interrupted' : 'interrupted; nothing was exported', () =>
      opened.discard(),
    );
    try {
      const written = await writeAll(client, options, chosen.namespaces, opened);
      return { sizes: written, selection: chosen, target: opened };
    } catch (error) {
      opened.discard();
      throw error;
    } finally {
      settle();
    }
  });
  // With lines on standard output, what is said about them goes elsewhere.
  const output = path === undefined ? io.stderr : io.stdout;
  if (target.isGone()) {
    const reason = 'the reader went away';
    return options.json ? writeJson(output, { stopped: reason }) : output.write(`stopped: ${reason}\n`);
  }
  if (options.json) await writeJson(output, summarize(sizes, selection, options));
  else {
    await output.write(describe(sizes, options));
    if (selection.leftOut.length > 0)
      await io.stderr.write(
        `not exported: ${describeSizes(selection.leftOut)}; --all exports every namespace, --namespace another one\n`,
      );
  }
}

function wantedFrom(options: ExportOptions): Parameters<typeof selectNamespaces>[1] {
  const { all = false, namespace, agent } = options;
  return {
    all,
    isNarrowed: agent !== undefined || isNarrowed(options),
    ...(all || namespace === undefined ? {} : { namespace }),
  };
}

/** To some contexts, by what facts do not have. */
function isNarrowed(options: ExportOptions): boolean {
  return [options.session, options.level, filterOf(options)].some((option) => option !== undefined);
}

/** How many contexts were written of each. */
async function writeAll(
  client: Client,
  options: ExportOptions,
  namespaces: readonly string[],
  target: Target,
): Promise<NamespaceSize[]> {
  const sizes: NamespaceSize[] = [];
  for (const namespace of namespaces) {
    let contexts = 0;
    const held = new ReversedLines(target.spillFolder);
    try {
      const list = counted(listAll(client, namespace, options), () => (contexts += 1));
      for await (const lines of inImportOrder(list, held)) {
        await target.write(lines);
        if (target.isGone()) return sizes;
      }
    } finally {
      await held.close();
    }
    sizes.push({ namespace, contexts });
    if (isNarrowed(options)) continue;
    const facts = new ReversedLines(target.spillFolder);
    try {
      // The oldest first: of those that began together the one that was recorded last has the last word.
      for await (const fact of allFacts(client, { namespace, agent: options.agent }))
        await facts.push(toFactExportLine(fact));
      for await (const lines of facts.drain()) await target.write(lines);
    } finally {
      await facts.close();
    }
  }
  await target.close();
  return sizes;
}

const PAGE = 500;

/** One pass over all levels: a context that sinks from level to level meanwhile keeps its place in the list. */
function listAll(client: Client, namespace: string, options: ExportOptions): AsyncIterable<Context> {
  return client.list({
    ...readScope(options),
    namespace,
    levels: options.level,
    filter: filterOf(options),
    limit: PAGE,
    ...WHENEVER,
  });
}

async function* counted<T>(items: AsyncIterable<T>, onItem: () => void): AsyncGenerator<T> {
  for await (const item of items) {
    onItem();
    yield item;
  }
}

function totalOf(sizes: readonly NamespaceSize[]): number {
  return sizes.reduce((sum, { contexts }) => sum + contexts, 0);
}

function describe(sizes: readonly NamespaceSize[], { all }: ExportOptions): string {
  const from = all ? ` of ${countOf(sizes.length, 'namespace')}` : '';
  return `exported ${countOf(totalOf(sizes), 'context')}${from}\n`;
}

function summarize(sizes: readonly NamespaceSize[], { leftOut }: Selection, { all }: ExportOptions): object {
  return {
    exported: totalOf(sizes),
    ...(all ? { namespaces: sizes } : {}),
    ...(leftOut.length > 0 ? { left_out: leftOut } : {}),
  };
}
