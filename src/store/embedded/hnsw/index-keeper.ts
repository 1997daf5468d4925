// Keeps the saved HNSW segments in step with the rows: knows what they cover, has them built in the
// background one at a time, and throws away what is stale or damaged. Meanwhile searches are exact.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  deleteSegment,
  deleteUnfinished,
  listSegments,
  parametersOf,
  segmentBytes,
  segmentChecksum,
  type SegmentDescription,
  type SegmentFile,
} from './index-files.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Effect } from '../database/effects.ts';
import { HnswSegment } from './hnsw-segment.ts';
import type { IndexParameters } from './index-files.ts';
import { planIndex, type SegmentState } from './index-plan.ts';
import type { WorkerSettings } from '../border/messages.ts';
import { LEVEL_NUMBERS, type LevelNumber } from '../border/rows.ts';
import type { Sealer } from '../database/sealer.ts';
import type { Sequence } from '../database/sequence.ts';
import type { Spaces } from '../database/spaces.ts';
import type { WorkerLog } from '../border/worker-log.ts';

export interface IndexJob {
  readonly databasePath: string;
  readonly folder: string;
  readonly spaceId: number;
  readonly level: LevelNumber;
  readonly from: number;
  /** A segment of (from, base.to] to start from. */
  readonly base: Pick<SegmentState, 'path' | 'to' | 'passageCount'> | null;
  readonly parameters: IndexParameters;
}

/** Runs a job elsewhere; `done` is called once unless it was told to stop. */
export type BuildIndex = (job: IndexJob, done: (result: SegmentFile | Error) => void) => RunningBuild;

export interface RunningBuild {
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface IndexKeeperDeps {
  readonly database: DatabaseSync;
  readonly databasePath: string;
  readonly folder: string;
  readonly settings: WorkerSettings;
  readonly spaces: Spaces;
  readonly sequence: Sequence;
  readonly log: WorkerLog;
  readonly clock: Clock;
  readonly build: BuildIndex;
  /** Vectors of further passages of the level that searches scan exactly; 0 where its vectors are not in memory. */
  readonly passagesInMemory: (spaceId: number, level: LevelNumber) => number;
  /** The segments of the level have changed: `open` gives the new ones. */
  readonly onChanged: (spaceId: number, level: LevelNumber) => void;
}

interface KeptSegment extends SegmentState {
  live: number;
  readonly file: SegmentFile;
  isVerified: boolean;
}

/** A graph is a file that is mapped as it is: where what is stored is sealed there is none, and search is exact. */
export function indexSettings(settings: WorkerSettings, sealer: Sealer | null): WorkerSettings {
  return sealer === null ? settings : { ...settings, indexingThreshold: Infinity };
}

const RETRY_AFTER_MS = 60_000;

export class IndexKeeper {
  readonly #deps: IndexKeeperDeps;
  readonly #parameters: IndexParameters;
  readonly #countLive: StatementSync;
  /** By level and namespace; at most two each, the large one first. */
  readonly #segments = new Map<string, KeptSegment[]>();
  /** Levels that changed since they were last looked at: never more than there are. */
  readonly #unchecked = new Set<string>();
  readonly #retryAtMs = new Map<string, number>();
  #running: RunningBuild | null = null;
  /** The namespace of the running build; null: it is being stopped. */
  #building: number | null = null;
  #isClosed = false;

  constructor(deps: IndexKeeperDeps) {
    this.#deps = deps;
    const { embeddingId, dimension, quantization, hnsw } = deps.settings;
    this.#parameters = parametersOf(embeddingId, dimension, quantization, hnsw);
    this.#countLive = deps.database.prepare(
      'SELECT count(*) AS count FROM contexts WHERE namespace_id = ? AND level = ? AND entry > ? AND entry <= ?',
    );
    this.#findSaved();
    for (const space of deps.spaces.all())
      for (const level of LEVEL_NUMBERS) this.#unchecked.add(keyOf(space.id, level));
  }

  /** The level's segments, ready for searches; none where there are none or one of them is damaged. */
  open(spaceId: number, level: LevelNumber): HnswSegment[] {
    const kept = this.#segments.get(keyOf(spaceId, level)) ?? [];
    const opened: HnswSegment[] = [];
    try {
      for (const segment of kept) opened.push(this.#openSegment(segment));
      return opened;
    } catch (error) {
      for (const segment of opened) segment.close();
      this.#deps.log.warn({ err: error }, 'a saved vector index is damaged and is built again');
      this.discard(spaceId, level);
      return [];
    }
  }

  /** The level's vectors have come into memory: how many passages it has is known now. */
  loaded(spaceId: number, level: LevelNumber): void {
    if (this.#deps.passagesInMemory(spaceId, level) > 0) this.#unchecked.add(keyOf(spaceId, level));
  }

  /** Deletes the level's segments; the next `schedule` has them built again where that is worth it. */
  discard(spaceId: number, level: LevelNumber): void {
    const key = keyOf(spaceId, level);
    for (const { path } of this.#segments.get(key) ?? []) deleteSegment(path);
    this.#segments.delete(key);
    this.#unchecked.add(key);
  }

  /**
   * Deletes all files with vectors of the namespace, which are built again of what is there: how many segments there were. Null:
   * one is being built just now, which is stopped; to be asked again.
   */
  forget(spaceId: number): number | null {
    const running = this.#running;
    if (running !== null && this.#building === spaceId) {
      this.#building = null;
      void running.stop().then(() => {
        this.#running = null;
        for (const level of LEVEL_NUMBERS) this.#unchecked.add(keyOf(spaceId, level));
      });
    }
    if (running !== null && this.#building === null) return null;
    let count = 0;
    for (const level of LEVEL_NUMBERS) {
      const segments = this.#segments.get(keyOf(spaceId, level)) ?? [];
      if (segments.length === 0) continue;
      count += segments.length;
      this.discard(spaceId, level);
      this.#deps.onChanged(spaceId, level);
    }
    deleteUnfinished(this.#deps.folder, spaceId);
    return count;
  }

  apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'add') this.#unchecked.add(keyOf(effect.spaceId, effect.document.level));
      else if (effect.kind === 'remove') this.#died(effect.spaceId, effect.level, effect.entry);
      else if (effect.kind === 'move') {
        this.#died(effect.spaceId, effect.from, effect.oldEntry);
        this.#unchecked.add(keyOf(effect.spaceId, effect.document.level));
      }
    }
  }

  /** Starts the next build where one is due and none runs. */
  schedule(): void {
    if (this.#isClosed || this.#running !== null) return;
    for (const key of this.#unchecked) {
      const retryAtMs = this.#retryAtMs.get(key);
      if (retryAtMs !== undefined && this.#deps.clock.monotonicMs() < retryAtMs) continue;
      this.#unchecked.delete(key);
      this.#check(key);
      if (this.#running !== null) return;
    }
  }

  /** No build runs any more when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running?.stop();
    this.#running = null;
  }

  /** Vectors in saved indexes, of one namespace or of all. */
  indexedCount(spaceId?: number): number {
    let count = 0;
    for (const [key, segments] of this.#segments) {
      if (spaceId !== undefined && parseKey(key).spaceId !== spaceId) continue;
      for (const segment of segments) count += segment.live;
    }
    return count;
  }

  /** Of all saved indexes. */
  get fileBytes(): number {
    return [...this.#segments.values()].flat().reduce((bytes, segment) => bytes + segmentBytes(segment.file), 0);
  }

  get isBuilding(): boolean {
    return this.#running !== null;
  }

  #findSaved(): void {
    const { folder, sequence, spaces } = this.#deps;
    const wanted = JSON.stringify(this.#parameters);
    // A segment of entries that are still to come belongs to another database, or to a later copy of this one.
    const fits = (segment: SegmentDescription) =>
      JSON.stringify(segment.parameters) === wanted &&
      segment.to <= sequence.last &&
      spaces.byId(segment.spaceId) !== undefined;
    const found = new Map<string, SegmentFile[]>();
    for (const file of listSegments(folder, fits)) {
      const key = keyOf(file.spaceId, file.level);
      found.set(key, [...(found.get(key) ?? []), file]);
    }
    for (const [key, files] of found) {
      const chain = newestChain(files);
      for (const file of files) if (!chain.includes(file)) deleteSegment(file.path);
      if (chain.length > 0)
        this.#segments.set(
          key,
          chain.map((file) => this.#keep(file, false)),
        );
    }
  }

  #keep(file: SegmentFile, isVerified: boolean): KeptSegment {
    const row = this.#countLive.get(file.spaceId, file.level, file.from, file.to) as { count: number };
    const { from, to, path, passageCount = 0 } = file;
    const count = file.count - passageCount;
    return { from, to, count, passageCount, path, live: row.count, file, isVerified };
  }

  #openSegment(segment: KeptSegment): HnswSegment {
    const { dimension, quantization, hnsw } = this.#deps.settings;
    // A damaged graph would lead the search out of its memory, so no byte of it is used unchecked.
    if (!segment.isVerified && segmentChecksum(segment.path, quantization) !== segment.file.crc32)
      throw new Error('the checksum differs');
    segment.isVerified = true;
    const source = { ...segment.file, passageCount: segment.passageCount };
    return new HnswSegment(source, dimension, quantization, hnsw);
  }

  #died(spaceId: number, level: LevelNumber, entry: number): void {
    const key = keyOf(spaceId, level);
    const segment = this.#segments.get(key)?.find(({ from, to }) => entry > from && entry <= to);
    if (segment === undefined) return;
    segment.live--;
    this.#unchecked.add(key);
  }

  #check(key: string): void {
    const { spaces, settings } = this.#deps;
    const { spaceId, level } = parseKey(key);
    const live = spaces.byId(spaceId)?.counts[level - 1] ?? 0;
    const passages = this.#deps.passagesInMemory(spaceId, level);
    const plan = planIndex(live, this.#segments.get(key) ?? [], settings.indexingThreshold, passages);
    if (plan === null) return;
    if (plan.kind === 'drop') {
      this.discard(spaceId, level);
      this.#deps.onChanged(spaceId, level);
      return;
    }
    const { databasePath, folder, build } = this.#deps;
    const job: IndexJob = {
      databasePath,
      folder,
      spaceId,
      level,
      from: plan.from,
      base: plan.base,
      parameters: this.#parameters,
    };
    this.#building = spaceId;
    this.#running = build(job, (result) => this.#finished(key, result));
  }

  #finished(key: string, result: SegmentFile | Error): void {
    this.#running = null;
    this.#unchecked.add(key);
    if (this.#isClosed) return;
    if (result instanceof Error) {
      this.#retryAtMs.set(key, this.#deps.clock.monotonicMs() + RETRY_AFTER_MS);
      this.#deps.log.warn({ err: result }, 'a vector index could not be built; search stays exact');
    } else {
      this.#retryAtMs.delete(key);
      this.#replace(key, this.#keep(result, true));
    }
    this.schedule();
  }

  #replace(key: string, built: KeptSegment): void {
    const before = this.#segments.get(key) ?? [];
    const after = built.from === 0 ? [built] : [...before.filter(({ to }) => to === built.from), built];
    this.#segments.set(key, after);
    const { spaceId, level } = parseKey(key);
    this.#deps.onChanged(spaceId, level);
    for (const segment of before) if (!after.some(({ path }) => path === segment.path)) deleteSegment(segment.path);
    this.#deps.log.info({ vectors: built.count }, 'a vector index was built');
  }
}

function newestChain(files: readonly SegmentFile[]): SegmentFile[] {
  const newest = (from: number) => files.filter((file) => file.from === from).sort((a, b) => b.to - a.to)[0];
  const large = newest(0);
  const small = large === undefined ? undefined : newest(large.to);
  return [large, small].filter((file) => file !== undefined);
}

function keyOf(spaceId: number, level: LevelNumber): string {
  return `${spaceId}-${level}`;
}

function parseKey(key: string): { spaceId: number; level: LevelNumber } {
  const [spaceId, level] = key.split('-').map(Number);
  return { spaceId: spaceId as number, level: level as LevelNumber };
}
