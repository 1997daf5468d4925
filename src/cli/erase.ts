import { Option, type Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import type { ErasureReceipt } from '../protocol/messages.generated.ts';
import { namespaceOption, withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { CommandError, usageError } from './terminal/command-error.ts';
import { checkConfirmable, confirmed, withConfirmOptions, type ConfirmOptions } from './terminal/confirm.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { countOf } from './terminal/render.ts';

interface EraseOptions extends ClientOptions, ConfirmOptions {
  readonly agent?: string;
  readonly snapshots: 'keep' | 'remove' | 'rewrite';
}

/** A large namespace takes minutes, and the files of a large store. */
const TIMEOUT_MS = 3_600_000;

const HELP = `
Erases all that an agent has in a namespace, or all of the namespace: contexts with their vectors, windows, cards and facts, and
the bytes that they took in the server's files. The key must have the scope admin; --snapshots remove and rewrite need one that
sees every namespace. What is not erased, such as your own backups: docs/erasure.md.

Examples:
  context-manager erase --namespace shop --agent anna --dry-run
  context-manager erase --namespace shop --yes --snapshots rewrite`;

/** `erase` */
export function addErase(program: Command, io: Io): void {
  const command = program.command('erase').description('Erase an agent or a namespace, so that no byte of it is left.');
  const modes = new Option('--snapshots <what>', 'what becomes of snapshots that still hold it');
  withServerOptions(withConfirmOptions(command))
    .addOption(namespaceOption())
    .addOption(new Option('--agent <id>', 'only what this agent has there'))
    .addOption(modes.choices(['keep', 'remove', 'rewrite']).default('keep'))
    .addHelpText('after', HELP)
    .action((options: EraseOptions) => erase(options, io));
}

async function erase(options: EraseOptions, io: Io): Promise<void> {
  const { namespace, agent, snapshots, json, dryRun, yes } = options;
  if (namespace === undefined) throw usageError('--namespace is missing: what is erased does not come back');
  checkConfirmable(io, options);
  const whose = agent === undefined ? { namespace, confirm: namespace } : { namespace, agent_id: agent };
  await withClient(options, io, async (client) => {
    if (dryRun || !yes) {
      const { receipt } = await client.eraseNamespace({ ...whose, dry_run: true });
      if (dryRun && json) return writeJson(io.stdout, receipt);
      if (dryRun) return io.stdout.write(`${estimateOf(receipt)} would be erased\n${snapshotsOf(receipt)}`);
      const what = agent === undefined ? `all of ${namespace}` : `all that ${agent} has in ${namespace}`;
      if (!(await confirmed(io, `Erase ${what}: ${estimateOf(receipt)}?`, options)))
        throw new CommandError('nothing was erased');
    }
    const { receipt } = await eraseIn(client, { ...whose, snapshots });
    return json ? writeJson(io.stdout, receipt) : io.stdout.write(receiptOf(receipt));
  });
}

function eraseIn(client: Client, request: Parameters<Client['eraseNamespace']>[0]) {
  return client.eraseNamespace(request, { timeoutMs: TIMEOUT_MS });
}

function estimateOf({ rows, sessions, cards, facts }: ErasureReceipt): string {
  const counts = [
    countOf(rows, 'context'),
    countOf(sessions, 'session'),
    countOf(cards, 'card'),
    countOf(facts, 'fact'),
  ];
  return counts.join(', ');
}

const FILES: Readonly<Record<ErasureReceipt['files'], string>> = {
  overwritten: "no byte of it is left in the server's files",
  none: 'the store has no files',
  database: 'the database overwrites its files when it next tidies up',
  too_large: 'the database is too large to be overwritten in its place: bytes of it may be left in its file',
};

function receiptOf(receipt: ErasureReceipt): string {
  const { vectors, postings, cache_entries: cached, index_files: indexes, blanked_pages: pages } = receipt;
  const derived = [countOf(vectors, 'vector'), `${postings} postings`, `${cached} cached`, countOf(indexes, 'index')];
  const lines = [
    `erased ${estimateOf(receipt)}`,
    `with them ${derived.join(', ')}; ${countOf(pages, 'page')} overwritten`,
    FILES[receipt.files],
  ];
  return `${lines.join('\n')}\n${snapshotsOf(receipt)}`;
}

function snapshotsOf({ snapshots }: ErasureReceipt): string {
  const told = snapshots.map(({ id, outcome, replaced_by: by }) => {
    if (outcome === 'holds') return `still in snapshot ${id}\n`;
    return outcome === 'removed' ? `snapshot ${id} was removed\n` : `snapshot ${id} was rewritten as ${by ?? '?'}\n`;
  });
  return told.join('');
}
