// What is asked of a thread that builds an index.

import type { IndexParameters, SegmentFile } from './index-files.ts';
import type { SegmentState } from './index-plan.ts';
import type { Measured } from './index-tuning.ts';
import type { WorkerSettings } from '../border/messages.ts';
import type { LevelNumber } from '../border/rows.ts';
import type { Sealer } from '../database/sealer.ts';

export interface IndexJob {
  readonly databasePath: string;
  readonly folder: string;
  readonly spaceId: number;
  readonly level: LevelNumber;
  readonly from: number;
  /** A segment of (from, base.to] to start from. */
  readonly base: Pick<SegmentState, 'path' | 'to' | 'passageCount'> | null;
  readonly parameters: IndexParameters;
  /** Of a graph that this one grows from, or lies beside; null: it is to be measured. */
  readonly known: Measured | null;
  /** How many candidates are tried where it is measured, rising. */
  readonly efs: readonly number[];
  /** What the questions of a measurement follow from. */
  readonly seed: number;
}

/** Runs a job elsewhere; `done` is called once unless it was told to stop. */
export type BuildIndex = (job: IndexJob, done: (result: SegmentFile | Error) => void) => RunningBuild;

export interface RunningBuild {
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

/** A graph is a file that is mapped as it is: where what is stored is sealed there is none, and search is exact. */
export function indexSettings(settings: WorkerSettings, sealer: Sealer | null): WorkerSettings {
  return sealer === null ? settings : { ...settings, indexingThreshold: Infinity };
}

/** Whether an index that was built so is the one that the settings ask for. */
export function isBuiltFor(
  { embeddingId, dimension, quantization, m, efConstruction }: IndexParameters,
  settings: WorkerSettings,
): boolean {
  if (embeddingId !== settings.embeddingId || dimension !== settings.dimension) return false;
  const given = settings.hnsw;
  const isAsGiven = (given.m ?? m) === m && (given.efConstruction ?? efConstruction) === efConstruction;
  return quantization === settings.quantization && isAsGiven;
}
