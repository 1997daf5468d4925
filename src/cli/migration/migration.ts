import { oneLine } from '../../base/control-characters.ts';
import { systemClock } from '../../base/clock.ts';
import { type CodedError, StartupError } from '../../base/errors.ts';
import { type Log, silentLog } from '../../base/log.ts';
import { noMetrics } from '../../base/metrics.ts';
import { systemRandom } from '../../base/random.ts';
import { Circuits } from '../../base/resilience/circuits.ts';
import type { Settings } from '../../config/settings.ts';
import { openStore } from '../../drivers.ts';
import { openServedEmbedding } from '../../served-embedding.ts';
import type { EmbeddingProvider } from '../../embedding/provider.ts';
import type { GenericStore } from '../../store/generic/generic-store.ts';
import { loadLocalConfig } from '../server/connection.ts';
import { CommandError, usageError } from '../terminal/command-error.ts';
import { writeJson, type Io } from '../terminal/io.ts';
import { countOf } from '../terminal/render.ts';
import { createProgress, type Progress } from '../terminal/progress.ts';
import { failureText, Patience } from '../terminal/patience.ts';
import { abortOnSignal } from '../terminal/signals.ts';
import { Copy, type NamespaceCopy } from './copy.ts';
import { copyDocuments } from './copy-documents.ts';
import type { MigrateOptions } from './options.ts';
import { replay } from './replay.ts';
import {
  describeTally,
  faultOf,
  Problems,
  renderFaults,
  renderReport,
  type Report,
  summarize,
  totalOf,
} from './report.ts';
import { Sample } from './sample.ts';
import { type Side, sideOf } from './sides.ts';
import { sumOf } from './tally.ts';

const REMEDY_INTERRUPTED = 'Run the same command again to go on.';

/** What a run has beside its options. */
interface Run {
  readonly options: MigrateOptions;
  readonly settings: Settings;
  readonly io: Io;
  readonly patience: Patience;
  readonly source: Side;
  readonly destination: Side;
}

interface Stores {
  readonly source: GenericStore;
  readonly destination: GenericStore;
  readonly embedding: EmbeddingProvider;
}

export async function migrate(options: MigrateOptions, io: Io): Promise<void> {
  const { settings } = loadLocalConfig(io);
  const { source, destination } = sidesOf(options, settings, io);
  const { signal, settle } = abortOnSignal('interrupted', REMEDY_INTERRUPTED);
  const patience = Patience.ofSeconds(options.patience, { signal, gaveUp });
  try {
    const run: Run = { options, settings, io, patience, source, destination };
    await tell(run, await withStores(run, (stores) => copyAndCompare(run, stores)));
  } finally {
    settle();
  }
}

function gaveUp(of: string, error: CodedError): CommandError {
  return new CommandError(
    `the ${of} failed: ${failureText(error)}`,
    'What was copied stays. Mend it, and run the same command again to go on.',
  );
}

function sidesOf(options: MigrateOptions, settings: Settings, io: Io): Record<'source' | 'destination', Side> {
  const configured = (path: string | undefined): Settings['vectorDb'] =>
    path === undefined ? settings.vectorDb : loadLocalConfig(io, path).settings.vectorDb;
  const source = sideOf(
    'source',
    { driver: options.from, dataDir: options.fromDataDir, url: options.fromUrl, prefix: options.fromPrefix },
    configured(options.fromConfig),
    io.folder,
  );
  const destination = sideOf(
    'destination',
    { driver: options.to, dataDir: options.toDataDir, url: options.toUrl, prefix: options.toPrefix },
    configured(options.toConfig),
    io.folder,
  );
  if (source.identity === destination.identity) throw usageError(`source and destination are both ${source.place}`);
  return { source, destination };
}

/** Closes what it has opened, the last first, whatever happens. */
async function withStores<T>(run: Run, work: (stores: Stores) => Promise<T>): Promise<T> {
  const { settings, io } = run;
  const parts = { clock: systemClock, random: systemRandom, log: warningsTo(io), metrics: noMetrics, fetch };
  const { provider: embedding } = await openServedEmbedding(settings, { ...parts, circuits: new Circuits() });
  try {
    const source = await open(run.source, { ...parts, circuits: new Circuits(), embedding, mustExist: true });
    try {
      const destination = await open(run.destination, { ...parts, circuits: new Circuits(), embedding });
      try {
        return await work({ source, destination, embedding });
      } finally {
        await destination.close();
      }
    } finally {
      await source.close();
    }
  } finally {
    await embedding.close();
  }
}

async function open({ name, settings }: Side, parts: Parameters<typeof openStore>[1]): Promise<GenericStore> {
  try {
    return await openStore(settings, parts);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    throw new StartupError(`the ${name} cannot be opened: ${error.message}`, error.remedy, error);
  }
}

function warningsTo(io: Io): Log {
  const write = (_fields: object, message: string): void => {
    io.stderr.write(`warning: ${oneLine(message)}\n`).catch(() => undefined);
  };
  const log: Log = { ...silentLog, warn: write, error: write, child: () => log };
  return log;
}

async function copyAndCompare(run: Run, { source, destination, embedding }: Stores): Promise<Report> {
  const { options, patience, settings } = run;
  const world = { patience, clock: systemClock };
  await finishMoves(patience, { source, destination });
  const namespaces = await patience.with('source', () =>
    source.namespaces(options.namespace && [...new Set(options.namespace)]),
  );
  const sample = new Sample(options.sample, options.seed);
  const problems = new Problems();
  const copies: NamespaceCopy[] = [];
  const total = namespaces.reduce((sum, { counts }) => sum + sumOf(counts), 0);
  const progress = progressOf(run, total);
  let walked = 0;
  const copy = new Copy({
    source: source.driver,
    destination: destination.driver,
    ...world,
    onProblem: (record, reason) => problems.add(record, reason),
    onCopied: (contexts, count) => {
      for (const context of contexts) sample.show(context);
      walked += count;
      progress.update(walked, `${walked.toLocaleString('en')} read`);
    },
  });
  try {
    for (const { namespace } of namespaces) copies.push(await copy.namespace(namespace));
  } catch (error) {
    progress.stop();
    return await endWith(error, run, copies, problems);
  } finally {
    progress.stop();
  }
  const documents = await copyDocuments({
    source: source.driver.documents,
    destination: destination.driver.documents,
    patience,
    namespaces: options.namespace,
  });
  const report = { source: run.source, destination: run.destination, copies, documents, problems };
  if (sample.chosen.length === 0) return report;
  const asking = progressOf(run, sample.chosen.length);
  const onAsked = (count: number): void => asking.update(count, `${count.toLocaleString('en')} asked`);
  const asked = { embedding, settings: settings.hirag, random: systemRandom, onAsked, ...world };
  try {
    return { ...report, agreement: await replay(sample.chosen, source, destination, asked) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // The copy is done all the same.
    return { ...report, failure: error };
  } finally {
    asking.stop();
  }
}

/** Rejects with `error`. What is done stays done, and the next run counts it as there; what was refused is named here alone. */
async function endWith(
  error: unknown,
  { options, io }: Run,
  copies: readonly NamespaceCopy[],
  problems: Problems,
): Promise<never> {
  if (options.json) {
    if (!(error instanceof CommandError) || problems.count === 0) throw error;
    throw new CommandError(error.message, error.remedy, error.exitCode, { problems: problems.shown });
  }
  if (copies.length > 0)
    await io.stderr.write(`until then, in ${countOf(copies.length, 'namespace')}: ${describeTally(totalOf(copies))}\n`);
  await io.stderr.write(renderFaults({ copies, problems }));
  throw error;
}

/** What a server that was killed has left in two levels would be counted twice. No lifetime is ended. */
async function finishMoves(patience: Patience, stores: Pick<Stores, 'source' | 'destination'>): Promise<void> {
  for (const name of ['source', 'destination'] as const)
    await patience.with(name, () => stores[name].expire(systemClock.nowMs(), 0, null));
}

function progressOf({ options, io }: Run, total: number): Progress {
  return createProgress(io, options.json || total === 0 ? undefined : total);
}

async function tell({ options, io }: Run, report: Report): Promise<void> {
  if (options.json) await writeJson(io.stdout, summarize(report));
  else {
    await io.stdout.write(renderReport(report));
    await io.stderr.write(renderFaults(report));
  }
  if (report.failure !== undefined) throw report.failure;
  const fault = faultOf(report);
  if (fault !== undefined) throw new CommandError(fault.message, fault.remedy);
}
