import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { oneLine } from '../base/control-characters.ts';
import { systemRandom } from '../base/random.ts';
import { checkDataFolder } from '../config/data-folder.ts';
import { resolveEncryptionKeys } from '../config/encryption-keys.ts';
import type { Settings } from '../config/settings.ts';
import { snapshotFolder } from '../config/snapshot-folder.ts';
import { jsonOption, loadLocalConfig } from './server/connection.ts';
import { CommandError } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { createProgress } from './terminal/progress.ts';
import { countOf } from './terminal/render.ts';

interface ResealOptions {
  readonly config?: string;
  readonly off?: boolean;
  readonly json?: boolean;
}

const HELP = `
Seals all that the embedded store holds with vector_db.encryption_key: for the first time, or in place of the key before it,
which is then vector_db.previous_encryption_key. No server may run on the data folder. Stop it and run it again at will: it
goes on where it was. Keys are 32 bytes as 64 hexadecimal digits or base64; see docs/encryption.md.

Examples:
  context-manager reseal --config sealed.toml
  VECTOR_DB__ENCRYPTION_KEY=$(cat new.key) VECTOR_DB__PREVIOUS_ENCRYPTION_KEY=$(cat old.key) context-manager reseal
  VECTOR_DB__PREVIOUS_ENCRYPTION_KEY=$(cat old.key) context-manager reseal --off`;

/** `reseal` */
export function addReseal(program: Command, io: Io): void {
  program
    .command('reseal')
    .description('Encrypt what is stored, or change the key that it is encrypted with.')
    .addOption(new Option('--config <file>', 'file with settings, read as CONFIG_PATH is'))
    .addOption(new Option('--off', 'store it as it is again, with no key'))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: ResealOptions) => reseal(options, io));
}

async function reseal(options: ResealOptions, io: Io): Promise<void> {
  const { settings, warnings, unused } = loadLocalConfig(io, options.config);
  for (const warning of [...warnings, ...unused]) await io.stderr.write(`warning: ${warning}\n`);
  const { driver, dataDir } = settings.vectorDb;
  if (driver !== 'embedded')
    throw new CommandError(
      `\`vector_db.driver\` is "${driver}", whose data this program cannot seal`,
      'Encrypt the disks of the database servers; see docs/encryption.md.',
    );
  checkDataFolder(dataDir);
  const keys = resolveEncryptionKeys(settings.vectorDb);
  checkWish(keys.key !== null, options.off === true);
  const { resealFolder } = await import('../drivers.ts');
  const shown = new Shown(io, options.json === true);
  let resealed: ReturnType<typeof resealFolder>;
  try {
    const { compressionThresholdBytes } = settings.vectorDb;
    resealed = resealFolder(
      dataDir,
      keys,
      systemRandom,
      (progress) => shown.update(progress),
      compressionThresholdBytes,
    );
  } finally {
    shown.stop();
  }
  const leftovers = await copiesOf(settings);
  if (options.json) {
    return writeJson(io.stdout, {
      state: resealed === null ? 'nothing_to_do' : 'done',
      ...resealed,
      snapshots_before: resealed === null ? [] : leftovers.snapshots,
      kept_aside: resealed === null ? [] : leftovers.aside,
    });
  }
  if (resealed === null) return io.stdout.write('nothing to do: all that is stored is as the configuration says\n');
  const { to, contexts, documents, damaged } = resealed;
  const what = `${countOf(contexts, 'context')} and ${countOf(documents, 'document')}`;
  await io.stdout.write(to === null ? `${what} stored as they are, with no key\n` : `${what} sealed with key ${to}\n`);
  if (damaged > 0)
    await io.stderr.write(`warning: ${countOf(damaged, 'value')} could not be opened: damaged before, and still\n`);
  for (const path of [...leftovers.snapshots, ...leftovers.aside])
    await io.stderr.write(`as it was before: ${oneLine(path)}; delete it once you do not need it\n`);
}

/** That nobody unseals anything because a variable was not set. */
function checkWish(hasKey: boolean, off: boolean): void {
  if (!hasKey && !off)
    throw new CommandError(
      'there is no key: vector_db.encryption_key (VECTOR_DB__ENCRYPTION_KEY) is not set',
      'Make one with `openssl rand -hex 32` and keep it elsewhere than the data; or say --off, to store everything as it is again.',
    );
  if (hasKey && off)
    throw new CommandError(
      '--off, and vector_db.encryption_key is set',
      'Give the key that is to go as vector_db.previous_encryption_key, and no other.',
    );
}

/** Of the same data, made earlier. */
async function copiesOf(settings: Settings) {
  const { SnapshotFolder } = await import('../store/snapshot/snapshot-folder.ts');
  const { dataDir } = settings.vectorDb;
  return {
    snapshots: new SnapshotFolder(snapshotFolder(settings)).find().snapshots.map(({ path }) => path),
    aside: readdirSync(dataDir)
      .filter((name) => name.startsWith('contexts.replaced-'))
      .map((name) => join(dataDir, name)),
  };
}

interface ShownProgress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

const LINE_EVERY_MS = 10_000;

/** A bar for each step on a terminal, a line now and then elsewhere. */
class Shown {
  readonly #io: Io;
  readonly #json: boolean;
  #step = '';
  #bar: ReturnType<typeof createProgress> | null = null;
  #nextLineMs = systemClock.monotonicMs() + LINE_EVERY_MS;

  constructor(io: Io, json: boolean) {
    this.#io = io;
    this.#json = json;
  }

  update({ step, done, total }: ShownProgress): void {
    if (!this.#json && step !== this.#step) {
      this.stop();
      this.#bar = createProgress(this.#io, Math.max(total, 1));
      this.#step = step;
    }
    this.#bar?.update(done, step);
    if (this.#io.stderr.terminal !== undefined && !this.#json) return;
    if (systemClock.monotonicMs() < this.#nextLineMs) return;
    this.#nextLineMs = systemClock.monotonicMs() + LINE_EVERY_MS;
    const text = this.#json ? JSON.stringify({ progress: { step, done, total } }) : `${step}: ${done} of ${total}`;
    // What cannot be written is no reason to stop.
    this.#io.stderr.write(`${text}\n`).catch(() => undefined);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
