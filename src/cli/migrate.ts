import { Option, type Command } from 'commander';
import type { MigrateOptions } from './migration/options.ts';
import { MOVABLE_DRIVERS } from './migration/sides.ts';
import { jsonOption } from './server/connection.ts';
import type { Io } from './terminal/io.ts';
import { collect, parseNumberOf } from './terminal/option-parsers.ts';
import { patienceOption } from './terminal/patience.ts';

const SAMPLE_MAX = 10_000;
const PATIENCE_SECONDS = 120;

const HELP = `
Opens both stores itself: a server that works on an embedded store must be stopped before. What an option does not say is as
the configuration has it, for either side; --from-config and --to-config read another file in place of CONFIG_PATH, for keys
and collections that differ, and for Qdrant where vector_db.quantization is "bf16". Both sides must have the model of the
configuration; an empty destination gets it.

Copied are ids, texts, metadata, tags, times, versions, levels and the order in them, lifetimes, access counts and vectors.
Nothing is deleted, nothing leaves a level that is full. A context that is at the destination already is not written again;
one that is older there is brought up to date, one that is newer there stays. So an interrupted run goes on where it
stopped, when the same command is given again, and a finished one that is repeated brings what has changed since.

A context that cannot be written is named, and the others are copied; where nearly all are refused, the command ends.

At the end the contexts of each namespace and level are counted on both sides, and questions made from some of the contexts
are asked of both. Exit code 1 where something could not be copied or the counts are not as they should be.

Examples:
  context-manager migrate --from embedded --to qdrant --to-url http://localhost:6333
  context-manager migrate --from qdrant --to embedded --to-data-dir ./data-back
  context-manager migrate --from qdrant --from-prefix staging --to qdrant --to-prefix production --sample 500`;

/** `migrate` */
export function addMigrate(program: Command, io: Io): void {
  const command = program.command('migrate').description('Copy all contexts from one store to another.');
  withSide(command, 'from');
  withSide(command, 'to');
  command
    .addOption(new Option('--namespace <name>', 'only this namespace; may be given several times').argParser(collect))
    .addOption(
      new Option('--sample <number>', 'questions to ask both sides at the end; 0: none')
        .argParser(parseNumberOf(0, SAMPLE_MAX))
        .default(100),
    )
    .addOption(new Option('--seed <text>', 'another one chooses other questions').default('1'))
    .addOption(patienceOption('how long a store that fails is tried again', PATIENCE_SECONDS))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (options: MigrateOptions) => {
      // Loaded here, so that the other commands start without the weight of stores.
      const { migrate } = await import('./migration/migration.ts');
      await migrate(options, io);
    });
}

function withSide(command: Command, side: 'from' | 'to'): void {
  const which = side === 'from' ? 'source' : 'destination';
  command
    .addOption(new Option(`--${side} <driver>`, `kind of the ${which}`).choices(MOVABLE_DRIVERS).makeOptionMandatory())
    .addOption(new Option(`--${side}-data-dir <path>`, `embedded: folder of the ${which} (vector_db.data_dir)`))
    .addOption(new Option(`--${side}-url <address>`, `qdrant: address of the ${which} (vector_db.url)`))
    .addOption(new Option(`--${side}-prefix <name>`, `qdrant: its collections (vector_db.collection_prefix)`))
    .addOption(new Option(`--${side}-config <path>`, `file or folder with the settings of the ${which}`));
}
