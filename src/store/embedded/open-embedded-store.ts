import type { Clock } from '../../base/clock.ts';
import type { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import { systemRandom } from '../../base/random.ts';
import { defaultSettings } from '../../config/settings.ts';
import type { GenericStoreDeps } from '../generic/generic-store.ts';
import type { EmbedTexts } from '../reembedding.ts';
import { EmbeddedCheck } from './check/embedded-check.ts';
import { refuseMissing } from './database/data-folder.ts';
import { EmbeddedDriver } from './embedded-driver.ts';
import { EmbeddedStore } from './embedded-store.ts';
import type { ColumnLimits, StoreSettings } from './border/messages.ts';
import { completeReembedding } from './reembedding/embedded-reembedding.ts';
import {
  NO_KEYS,
  type RowsDone,
  type SavingBounds,
  type SealKeys,
  type StartCheckBounds,
} from './border/opening-settings.ts';
import { WorkerLink } from './worker-link.ts';

/** Settings that are left out have their default. */
export interface EmbeddedStoreOptions extends Partial<Omit<StoreSettings, 'dataDir' | 'hnsw'>> {
  /** Made where it does not exist. One server at a time. */
  readonly dataDir: string;
  readonly hnsw?: Partial<StoreSettings['hnsw']>;
  /** Numbers per vector; with `embeddingId` it must be what the stored contexts were embedded with. */
  readonly dimension: number;
  readonly embeddingId: string;
  /** When queries that are zero nearly everywhere are compared with all vectors of a level, column by column. */
  readonly columns?: Partial<ColumnLimits>;
  /** Calls that may wait or run at a time; past it they are refused with `OVERLOADED`. Default 16,384. */
  readonly queueCallsMax?: number;
  /** What they may weigh together, in bytes; past it they are refused, too. Default 256 MiB. */
  readonly queueBytesMax?: number;
  /** Longest time that access counts wait for a commit to ride along with. Default 1 s. */
  readonly touchFlushMs?: number;
  /** Pages of 4 KiB that the database may have; writes past it fail as on a full disk. Default: as many as the disk holds. */
  readonly databasePagesMax?: number;
  /** Makes vectors with what `embeddingId` names: then those of a finished re-embedding take the place of the stored ones. */
  readonly embed?: EmbedTexts | undefined;
  /** Nothing is made: without a database in the folder it cannot be opened. */
  readonly mustExist?: boolean | undefined;
  /** Entry of the worker thread, for tests that break it. */
  readonly workerUrl?: URL;
  /** How large a database the start looks through; what is larger `EmbeddedStore.wholeCheck` has to look at. */
  readonly startCheck?: StartCheckBounds;
  /** When the index of a namespace is saved, to be read at the next start. */
  readonly saving?: SavingBounds;
  /** With a key, what is stored is sealed with it. Default: none. */
  readonly seal?: SealKeys;
  /** Called each time that the store's thread has ended by itself; it is started again. */
  readonly onDeath?: (() => void) | undefined;
  /** Called while it opens, for as long as what is stored is sealed with another key, which had been interrupted. */
  readonly onReseal?: ((progress: RowsDone) => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const DEFAULT_COLUMNS: ColumnLimits = { levelCountMin: 8_192, levelCountMax: 200_000, nonZeroShareMax: 1 / 3 };

/** Rejects with `StartupError` where the folder is in use, damaged, of a newer version or of another embedding. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { link, driver, deps, wasCompared } = await openEmbeddedDriver(options);
  const { dataDir, seal = NO_KEYS, clock, log } = options;
  const condemn = (refusal: () => CodedError): void => link.condemn(refusal);
  const wholeCheck = new EmbeddedCheck({ dataDir, seal, wasCompared, condemn, clock, log });
  return new EmbeddedStore(driver, link, { ...deps, dataDir, wholeCheck });
}

/** Its core alone, and what a store over it needs. */
export async function openEmbeddedDriver(options: EmbeddedStoreOptions): Promise<{
  readonly link: WorkerLink;
  readonly driver: EmbeddedDriver;
  readonly deps: GenericStoreDeps;
  /** Each row was looked for in each index. */
  readonly wasCompared: boolean;
}> {
  const {
    hnsw,
    columns,
    queueCallsMax,
    queueBytesMax,
    mustExist,
    workerUrl,
    onDeath,
    onReseal,
    embed,
    clock,
    log,
    metrics,
    ...given
  } = options;
  if (mustExist === true) refuseMissing(options.dataDir);
  const { memoryBytesMax, compressionThresholdBytes, hnsw: hnswDefaults } = defaultSettings().vectorDb;
  const link = new WorkerLink({
    settings: {
      databasePagesMax: null,
      touchFlushMs: 1_000,
      memoryBytesMax,
      compressionThresholdBytes,
      quantization: 'i8',
      seal: NO_KEYS,
      ...given,
      mayReembed: embed !== undefined,
      hnsw: { ...hnswDefaults, ...hnsw },
      columns: { ...DEFAULT_COLUMNS, ...columns },
    },
    queueCallsMax: queueCallsMax ?? 16_384,
    queueBytesMax: queueBytesMax ?? 256 * 1024 * 1024,
    workerUrl: workerUrl ?? defaultWorkerUrl(),
    onDeath: onDeath ?? (() => {}),
    onReseal: onReseal ?? (() => {}),
    clock,
    log,
    metrics,
  });
  const { dataDir, embeddingId, dimension, seal = NO_KEYS } = options;
  if (embed !== undefined)
    await completeReembedding({ dataDir, to: { id: embeddingId, dimension }, seal, random: systemRandom, embed, log });
  const { cursorKey, isCompared: wasCompared } = await link.start();
  const deps = { dimension, cursorKey, clock };
  return { link, driver: new EmbeddedDriver(link, dimension), deps, wasCompared };
}

function defaultWorkerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
}
