import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { ContextStore } from '../store.ts';
import { EmbeddedStore } from './embedded-store.ts';
import type { ColumnLimits, HnswSettings, Quantization, WorkerSettings } from './messages.ts';
import { WorkerLink } from './worker-link.ts';

export interface EmbeddedStoreOptions {
  /** Made where it does not exist. One server at a time. */
  readonly dataDir: string;
  /** Numbers per vector; with `embeddingId` it must be what the stored contexts were embedded with. */
  readonly dimension: number;
  readonly embeddingId: string;
  /** Vectors of one namespace and level up to which search is exact. Default 20,000. */
  readonly indexingThreshold?: number;
  readonly hnsw?: Partial<HnswSettings>;
  /** How HNSW graphs hold vectors; what they find is scored from the full vectors. Default f32. */
  readonly quantization?: Quantization;
  /** When queries that are zero nearly everywhere are compared with all vectors of a level, column by column. */
  readonly columns?: Partial<ColumnLimits>;
  /** For indexes in memory, in bytes; past it the namespaces idle longest are dropped and read again on demand. Default 2 GiB. */
  readonly memoryBytesMax?: number;
  /** Calls that may wait or run at a time; past it they are refused with `OVERLOADED`. Default 16,384. */
  readonly queueCallsMax?: number;
  /** Longest time that access counts wait for a commit to ride along with. Default 1 s. */
  readonly touchFlushMs?: number;
  /** Pages of 4 KiB that the database may have; writes past it fail as on a full disk. Default: as many as the disk holds. */
  readonly databasePagesMax?: number;
  /** Entry of the worker thread, for tests that break it. */
  readonly workerUrl?: URL;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const DEFAULT_HNSW: HnswSettings = { m: 48, efConstruction: 200, efSearch: 288 };
const DEFAULT_COLUMNS: ColumnLimits = { levelCountMin: 8_192, levelCountMax: 200_000, nonZeroShareMax: 1 / 3 };
const GIB = 1024 ** 3;

/** Rejects with `StartupError` where the folder is in use, damaged, of a newer version or of another embedding. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<ContextStore> {
  const settings: WorkerSettings = {
    dataDir: options.dataDir,
    embeddingId: options.embeddingId,
    dimension: options.dimension,
    indexingThreshold: options.indexingThreshold ?? 20_000,
    hnsw: { ...DEFAULT_HNSW, ...options.hnsw },
    quantization: options.quantization ?? 'i8',
    columns: { ...DEFAULT_COLUMNS, ...options.columns },
    memoryBytesMax: options.memoryBytesMax ?? 2 * GIB,
    databasePagesMax: options.databasePagesMax ?? null,
    touchFlushMs: options.touchFlushMs ?? 1_000,
  };
  const link = new WorkerLink({
    settings,
    queueCallsMax: options.queueCallsMax ?? 16_384,
    workerUrl: options.workerUrl ?? defaultWorkerUrl(),
    clock: options.clock,
    log: options.log,
    metrics: options.metrics,
  });
  await link.start();
  return new EmbeddedStore(link, options.dimension);
}

function defaultWorkerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
}
