import { oneLine } from '../base/control-characters.ts';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { noMetrics } from '../base/metrics.ts';
import { systemRandom } from '../base/random.ts';
import { Circuits } from '../base/resilience/circuits.ts';
import { checkDataFolder } from '../config/data-folder.ts';
import type { Settings } from '../config/settings.ts';
import { snapshotFolder } from '../config/snapshot-folder.ts';
import type { DamagedSnapshot } from '../store/snapshot/damaged-snapshot.ts';
import type { Snapshot } from '../store/snapshot/snapshot.ts';
import { jsonOption, loadLocalConfig, withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { CommandError, reasonOf } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseNumberOf, parseSeconds } from './terminal/option-parsers.ts';
import { countOf, formatTime, renderRows } from './terminal/render.ts';

interface FolderOptions {
  readonly folder?: string;
  readonly config?: string;
  readonly json?: boolean;
}

interface CreateOptions extends ClientOptions {
  readonly label?: string;
  readonly timeout: number;
}

const CREATE_SECONDS = 3_600;
const KEEP_MAX = 10_000;

const HELP = `
A snapshot is a folder with a compressed copy of everything that is stored, and a manifest with the SHA-256 of each file. Of the
embedded store it is a copy of one moment; of Qdrant, each context is as it was at some moment while it was made. Keys and secrets are not in it. \`create\` asks the running server; the others work on the folder of the
snapshots (snapshots.folder, by default the folder snapshots in vector_db.data_dir) and need no server.

Examples:
  context-manager snapshot create --label before-upgrade
  context-manager snapshot list --json
  context-manager snapshot verify latest
  context-manager snapshot restore latest`;

/** `snapshot create | list | verify | restore | prune` */
export function addSnapshot(program: Command, io: Io): void {
  const snapshot = program
    .command('snapshot')
    .description('Back up everything that is stored, and get it back.')
    .addHelpText('after', HELP);
  withServerOptions(snapshot.command('create').description('Have the running server make a snapshot.'))
    .addOption(new Option('--label <text>', 'name it; one with a label is kept until you delete it'))
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for it').argParser(parseSeconds).default(CREATE_SECONDS),
    )
    .action((options: CreateOptions) => create(options, io));
  withFolderOptions(
    snapshot.command('list').description('Show the snapshots that there are, the oldest first.'),
  ).action((options: FolderOptions) => list(options, io));
  withFolderOptions(
    snapshot
      .command('verify')
      .description('Unpack a snapshot beside it, open it, read all of it and ask it questions.')
      .argument('[snapshot]', 'its id, the path of its folder, or latest', 'latest'),
  ).action((name: string, options: FolderOptions) => verify(name, options, io));
  withFolderOptions(
    snapshot
      .command('restore')
      .description('Put a snapshot into the data folder, or the Qdrant, of servers that are stopped.')
      .argument('<snapshot>', 'its id, the path of its folder, or latest'),
  )
    .addOption(new Option('--replace', 'where there are data already: keep these aside'))
    .action((name: string, options: FolderOptions & { readonly replace?: boolean }) => restore(name, options, io));
  withFolderOptions(snapshot.command('prune').description('Delete the snapshots that need not be kept.'))
    .addOption(keepOption('--keep-hourly <number>', 'hours', 'snapshots.keep_hourly'))
    .addOption(keepOption('--keep-daily <number>', 'days', 'snapshots.keep_daily'))
    .addOption(new Option('--dry-run', 'only say which'))
    .action((options: PruneOptions) => prune(options, io));
}

function withFolderOptions(command: Command): Command {
  return command
    .addOption(new Option('--folder <path>', 'where the snapshots lie (default: snapshots.folder)'))
    .addOption(new Option('--config <file>', 'file with settings, read as CONFIG_PATH is'))
    .addOption(jsonOption());
}

function keepOption(flags: string, unit: string, setting: string): Option {
  return new Option(flags, `keep the newest of so many ${unit} (default: ${setting})`).argParser(
    parseNumberOf(0, KEEP_MAX),
  );
}

async function create({ label, timeout, ...options }: CreateOptions, io: Io): Promise<void> {
  const { snapshot } = await withClient(options, io, (client) =>
    client.createSnapshot(label === undefined ? {} : { label }, { timeoutMs: timeout * 1000 }),
  );
  if (options.json) return writeJson(io.stdout, { snapshot });
  await io.stdout.write(
    `${oneLine(snapshot.id)}: ${countOf(snapshot.contexts, 'context')}, ${sizeOf(snapshot.bytes)}\n`,
  );
}

async function open(options: FolderOptions, io: Io) {
  const { settings } = loadLocalConfig(io, options.config);
  const { SnapshotFolder } = await import('../store/snapshot/snapshot-folder.ts');
  const path = options.folder === undefined ? snapshotFolder(settings) : resolve(io.folder, options.folder);
  return { settings, folder: new SnapshotFolder(path) };
}

async function list(options: FolderOptions, io: Io): Promise<void> {
  const { folder } = await open(options, io);
  const { snapshots, damaged } = folder.find();
  if (options.json) {
    return writeJson(io.stdout, {
      snapshots: snapshots.map(describe),
      damaged: damaged.map(({ message }) => ({ message })),
    });
  }
  if (snapshots.length === 0) await io.stderr.write(`there is no snapshot in ${folder.path}\n`);
  const rows = snapshots.map(({ manifest, createdAtMs, bytes }) => [
    manifest.id,
    formatTime(createdAtMs),
    countOf(manifest.contexts, 'context'),
    sizeOf(bytes),
    oneLine(manifest.label ?? ''),
  ]);
  await io.stdout.write(renderRows(rows, io.stdout.columns));
  await warnOf(damaged, io);
}

async function verify(name: string, options: FolderOptions, io: Io): Promise<void> {
  const { settings, folder } = await open(options, io);
  const snapshot = folder.get(resolvePath(name, io));
  const driver = await driverOf(snapshot, settings);
  const scratch = writable(folder.path, () => folder.startPartial(`verify-${process.pid}`));
  try {
    const found = await driver.verify(snapshot, scratch, { clock: systemClock, log: silentLog });
    if (options.json) return await writeJson(io.stdout, { ...describe(snapshot), verified: found });
    const { id } = snapshot.manifest;
    if (found.unopened !== undefined)
      return await io.stdout.write(`${id}: each file is what was written; it was not opened, as ${found.unopened}\n`);
    await io.stdout.write(
      `${id} is whole: ${countOf(found.contexts, 'context')} read, ${found.queries} found by a query\n`,
    );
  } finally {
    folder.discard(scratch);
  }
}

async function restore(name: string, options: FolderOptions & { readonly replace?: boolean }, io: Io): Promise<void> {
  const { settings, folder } = await open(options, io);
  const snapshot = folder.get(resolvePath(name, io));
  const { dataDir } = settings.vectorDb;
  const { manifest, createdAtMs } = snapshot;
  if (snapshot.manifest.store !== settings.vectorDb.driver) {
    throw new CommandError(
      `the snapshot is of the ${snapshot.manifest.store} store, the configuration says ${settings.vectorDb.driver}`,
      'Correct vector_db.driver, or take another snapshot.',
    );
  }
  if (snapshot.manifest.store === 'embedded') checkDataFolder(dataDir);
  const driver = await driverOf(snapshot, settings);
  const { contexts, into, keptAside } = await driver.restore(snapshot, {
    replace: options.replace === true,
    nowMs: systemClock.nowMs(),
  });
  if (options.json) {
    const where = manifest.store === 'embedded' ? { data_dir: dataDir } : {};
    return writeJson(io.stdout, {
      ...describe(snapshot),
      ...where,
      contexts_restored: contexts,
      into,
      kept_aside: keptAside,
    });
  }
  await io.stdout.write(`${countOf(contexts, 'context')} of ${formatTime(createdAtMs)} UTC restored into ${into}\n`);
  if (keptAside !== null)
    await io.stdout.write(`what was there before is in ${keptAside}: delete it once you do not need it\n`);
}

interface PruneOptions extends FolderOptions {
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly dryRun?: boolean;
}

async function prune(options: PruneOptions, io: Io): Promise<void> {
  const { settings, folder } = await open(options, io);
  const { outdated } = await import('../store/snapshot/retention.ts');
  const { snapshots, damaged } = folder.find();
  const { keepHourly = settings.snapshots.keepHourly, keepDaily = settings.snapshots.keepDaily } = options;
  const deleted = outdated(snapshots, { keepHourly, keepDaily });
  if (options.dryRun !== true) {
    for (const snapshot of deleted) writable(folder.path, () => folder.delete(snapshot));
    folder.removeAbandoned(systemClock.nowMs());
  }
  const kept = snapshots.length - deleted.length;
  if (options.json) return writeJson(io.stdout, { deleted: deleted.map(({ manifest }) => manifest.id), kept });
  const would = options.dryRun === true ? 'would be deleted' : 'deleted';
  for (const { manifest } of deleted) await io.stdout.write(`${manifest.id} ${would}\n`);
  await io.stdout.write(`${countOf(deleted.length, 'snapshot')} ${would}, ${kept} kept\n`);
  await warnOf(damaged, io);
}

async function driverOf({ manifest }: Snapshot, settings: Settings) {
  const { snapshotDriver } = await import('../drivers.ts');
  const parts = { clock: systemClock, random: systemRandom, log: silentLog, metrics: noMetrics };
  return snapshotDriver(manifest, settings.vectorDb, { ...parts, circuits: new Circuits() });
}

/** A path is relative to where the command runs. */
function resolvePath(name: string, io: Io): string {
  return /[/\\]/.test(name) ? resolve(io.folder, name) : name;
}

function writable<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new CommandError(`cannot write ${folder}: ${reasonOf(error)}`, 'Check its permissions and the free space.');
  }
}

async function warnOf(damaged: readonly DamagedSnapshot[], io: Io): Promise<void> {
  for (const { message } of damaged) await io.stderr.write(`warning: ${oneLine(message)}\n`);
}

function describe({ path, manifest, bytes, sha256 }: Snapshot): object {
  return { ...manifest, path, bytes, sha256 };
}

function sizeOf(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let place = 0;
  for (; size >= 1024 && place < units.length - 1; place++) size /= 1024;
  return `${place === 0 ? size : size.toFixed(1)} ${units[place]}`;
}
