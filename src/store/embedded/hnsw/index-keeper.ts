// Keeps the saved HNSW segments in step with the rows: knows what they cover, has them built in the
// background one at a time, and throws away what is stale or damaged. Meanwhile searches are exact.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  deleteSegment,
  deleteUnfinished,
  segmentBytes,
  type SegmentDescription,
  type SegmentFile,
} from './index-files.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Effect } from '../database/effects.ts';
import type { HnswParameters, HnswSegment, SegmentSource } from './hnsw-segment.ts';
import type { SegmentState } from './index-plan.ts';
import { efsToTry, type GraphShape, exactUntil, type SearchTuning, searchTuning } from './index-tuning.ts';
import { BuildSlot } from './build-slot.ts';
import { type BuildIndex, isBuiltFor } from './index-job.ts';
import { LaterBuilds } from './later-builds.ts';
import { nextBuild } from './next-build.ts';
import type { Pace, Steps } from '../border/steps.ts';
import { SegmentChecks } from './segment-checks.ts';
import { GrowthWatch } from './growth-watch.ts';
import { ExactLevels } from './exact-levels.ts';
import { levelKey, parseLevelKey, savedChains } from './saved-chains.ts';
import type { WorkerSettings } from '../border/messages.ts';
import { LEVEL_NUMBERS, type LevelNumber } from '../border/rows.ts';
import type { Sequence } from '../database/sequence.ts';
import type { Spaces } from '../database/spaces.ts';
import type { WorkerLog } from '../border/worker-log.ts';

export interface IndexKeeperDeps {
  readonly database: DatabaseSync;
  readonly databasePath: string;
  readonly folder: string;
  readonly settings: WorkerSettings;
  readonly spaces: Spaces;
  readonly sequence: Sequence;
  readonly log: WorkerLog;
  readonly clock: Clock;
  /** What is chosen by chance follows from it. */
  readonly seed: number;
  readonly build: BuildIndex;
  readonly openSegment: (source: SegmentSource, hnsw: HnswParameters) => HnswSegment;
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

/** Of the large segment of a level. */
export interface IndexFigures {
  readonly level: LevelNumber;
  readonly vectors: number;
  readonly shape: GraphShape;
  readonly search: SearchTuning;
}

const RETRY_AFTER_MS = 60_000;
const DAMAGED = 'a saved vector index is damaged and is built again';

export class IndexKeeper {
  readonly #deps: IndexKeeperDeps;
  readonly #countLive: StatementSync;
  /** By level and namespace; at most two each, the large one first. */
  readonly #segments = new Map<string, KeptSegment[]>();
  /** Levels that changed since they were last looked at: never more than there are. */
  readonly #unchecked = new Set<string>();
  readonly #exact: ExactLevels;
  readonly #checks: SegmentChecks;
  readonly #retryAtMs = new Map<string, number>();
  readonly #growth: GrowthWatch;
  readonly #later: LaterBuilds;
  readonly #slot: BuildSlot;
  #isClosed = false;

  constructor(deps: IndexKeeperDeps) {
    this.#deps = deps;
    this.#countLive = deps.database.prepare(
      'SELECT count(*) AS count FROM contexts WHERE namespace_id = ? AND level = ? AND entry > ? AND entry <= ?',
    );
    const { embeddingId, dimension, quantization, hnsw } = deps.settings;
    this.#slot = new BuildSlot(deps.build);
    this.#checks = new SegmentChecks(deps.clock, quantization);
    this.#growth = new GrowthWatch(deps.clock, () => this.schedule());
    this.#later = new LaterBuilds(deps.clock, (key) => {
      this.#unchecked.add(key);
      this.schedule();
    });
    this.#exact = new ExactLevels(deps.folder, JSON.stringify([embeddingId, dimension, quantization, hnsw]));
    this.#findSaved();
    for (const space of deps.spaces.all())
      for (const level of LEVEL_NUMBERS) this.#unchecked.add(levelKey(space.id, level));
  }

  /** So that `open` need not check the level's segments in one go. */
  *check(spaceId: number, level: LevelNumber, pace: Pace): Steps<void> {
    const key = levelKey(spaceId, level);
    for (const segment of this.#segments.get(key) ?? []) {
      const onDamage = (): void => {
        // Another may have taken its place meanwhile.
        if (this.#segments.get(key)?.includes(segment) !== true) return;
        this.#deps.log.warn({ path: segment.path }, DAMAGED);
        this.discard(spaceId, level);
        this.#deps.onChanged(spaceId, level);
        this.schedule();
      };
      yield* this.#checks.check(segment, () => pace.isOver, onDamage);
    }
  }

  /** The level's segments, ready for searches; none where there are none or one of them is damaged. */
  open(spaceId: number, level: LevelNumber): HnswSegment[] {
    const opened: HnswSegment[] = [];
    try {
      for (const segment of this.#segments.get(levelKey(spaceId, level)) ?? []) opened.push(this.#openSegment(segment));
      return opened;
    } catch (error) {
      for (const segment of opened) segment.close();
      this.#deps.log.warn({ err: error }, DAMAGED);
      this.discard(spaceId, level);
      return [];
    }
  }

  /** The level's vectors have come into memory: how many passages it has is known now. */
  loaded(spaceId: number, level: LevelNumber): void {
    if (this.#deps.passagesInMemory(spaceId, level) > 0) this.#unchecked.add(levelKey(spaceId, level));
  }

  /** Deletes the level's segments; the next `schedule` has them built again where that is worth it. */
  discard(spaceId: number, level: LevelNumber): void {
    const key = levelKey(spaceId, level);
    for (const { path } of this.#segments.get(key) ?? []) deleteSegment(path);
    this.#segments.delete(key);
    this.#unchecked.add(key);
  }

  /**
   * Deletes all files with vectors of the namespace, which are built again of what is there: how many segments there were. Null:
   * one is being built just now, which is stopped; to be asked again.
   */
  forget(spaceId: number): number | null {
    const { key } = this.#slot;
    if (key !== null && parseLevelKey(key).spaceId === spaceId) void this.#stop(key);
    if (this.#slot.isTaken && this.#slot.key === null) return null;
    let count = 0;
    for (const level of LEVEL_NUMBERS) {
      const segments = this.#segments.get(levelKey(spaceId, level)) ?? [];
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
      if (effect.kind === 'add') this.#added(levelKey(effect.spaceId, effect.document.level));
      else if (effect.kind === 'remove') this.#died(effect.spaceId, effect.level, effect.entry);
      else if (effect.kind === 'move') {
        this.#died(effect.spaceId, effect.from, effect.oldEntry);
        this.#added(levelKey(effect.spaceId, effect.document.level));
      }
    }
  }

  #added(key: string): void {
    this.#unchecked.add(key);
    this.#growth.added(key);
    this.#slot.added();
  }

  /** Starts the next build where one is due and none runs. */
  schedule(): void {
    if (this.#isClosed) return;
    if (this.#slot.inTheWay !== null) this.#giveWay(this.#slot.inTheWay);
    if (this.#slot.isTaken) return;
    for (const key of this.#unchecked) {
      if (this.#growth.isPutOff(key)) continue;
      const retryAtMs = this.#retryAtMs.get(key);
      if (retryAtMs !== undefined && this.#deps.clock.monotonicMs() < retryAtMs) continue;
      this.#unchecked.delete(key);
      this.#check(key);
      if (this.#slot.isTaken) return;
    }
  }

  /** No build runs any more when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#growth.close();
    this.#later.close();
    this.#checks.close();
    await this.#slot.stop();
  }

  /** Vectors in saved indexes, of one namespace or of all. */
  indexedCount(spaceId?: number): number {
    let count = 0;
    for (const [key, segments] of this.#segments) {
      if (spaceId !== undefined && parseLevelKey(key).spaceId !== spaceId) continue;
      for (const segment of segments) count += segment.live;
    }
    return count;
  }

  /** How the saved indexes of a namespace, or of all, are searched: the large one of each level. */
  tunings(spaceId?: number): readonly IndexFigures[] {
    const figures: IndexFigures[] = [];
    for (const [key, [segment]] of this.#segments) {
      if (segment === undefined || (spaceId !== undefined && parseLevelKey(key).spaceId !== spaceId)) continue;
      const { level, parameters } = segment.file;
      figures.push({ level, vectors: segment.live, shape: parameters, search: this.#tuning(segment) });
    }
    return figures;
  }

  /** Of all saved indexes. */
  get fileBytes(): number {
    return [...this.#segments.values()].flat().reduce((bytes, segment) => bytes + segmentBytes(segment.file), 0);
  }

  get isBuilding(): boolean {
    return this.#slot.isTaken;
  }

  #findSaved(): void {
    const { folder, sequence, spaces } = this.#deps;
    // A segment of entries that are still to come belongs to another database, or to a later copy of this one.
    const fits = (segment: SegmentDescription) =>
      isBuiltFor(segment.parameters, this.#deps.settings) &&
      segment.to <= sequence.last &&
      spaces.byId(segment.spaceId) !== undefined;
    const isExact = (key: string) =>
      this.#exact.until(key) > 0 && spaces.byId(parseLevelKey(key).spaceId) !== undefined;
    for (const [key, files] of savedChains(folder, fits, isExact))
      this.#segments.set(
        key,
        files.map((file) => this.#keep(file, false)),
      );
  }

  #keep(file: SegmentFile, isVerified: boolean): KeptSegment {
    const row = this.#countLive.get(file.spaceId, file.level, file.from, file.to) as { count: number };
    const { from, to, path, passageCount = 0 } = file;
    const count = file.count - passageCount;
    return { from, to, count, passageCount, path, live: row.count, file, isVerified };
  }

  #openSegment(segment: KeptSegment): HnswSegment {
    if (!this.#checks.isWhole(segment)) throw new Error('the checksum differs');
    const source = { ...segment.file, passageCount: segment.passageCount };
    return this.#deps.openSegment(source, { ...segment.file.parameters, ...this.#tuning(segment) });
  }

  #tuning({ file }: KeptSegment): SearchTuning {
    return searchTuning(file.measured, this.#deps.settings.hnsw);
  }

  #died(spaceId: number, level: LevelNumber, entry: number): void {
    const key = levelKey(spaceId, level);
    const segment = this.#segments.get(key)?.find(({ from, to }) => entry > from && entry <= to);
    if (segment === undefined) return;
    segment.live--;
    this.#unchecked.add(key);
  }

  #check(key: string): void {
    const { spaces, settings, databasePath, folder, seed } = this.#deps;
    const { spaceId, level } = parseLevelKey(key);
    const isFast = this.#growth.putOffFast(key);
    if (isFast) this.#unchecked.add(key);
    const state = {
      live: spaces.byId(spaceId)?.counts[level - 1] ?? 0,
      passages: this.#deps.passagesInMemory(spaceId, level),
      segments: this.#segments.get(key) ?? [],
      exactUntil: this.#exact.until(key),
      isFast,
    };
    const next = nextBuild(state, settings);
    if (next === null) return;
    if (next.kind === 'drop') {
      this.#later.forget(key);
      this.discard(spaceId, level);
      this.#deps.onChanged(spaceId, level);
      return;
    }
    if (next.isLater && !this.#later.isDue(key)) return;
    const { from, base, known, isLater, shape } = next;
    const { embeddingId, dimension, quantization, hnsw } = settings;
    const parameters = { embeddingId, dimension, quantization, m: shape.m, efConstruction: shape.efConstruction };
    const job = { databasePath, folder, spaceId, level, seed, from, base, parameters, known, efs: efsToTry(hnsw) };
    this.#slot.start(job, key, isLater, (result) => {
      // What came since the large graph is in a small one: it makes no other better.
      if (from === 0) this.#later.ended(key, isLater, !(result instanceof Error));
      this.#finished(key, result);
    });
  }

  async #stop(key: string): Promise<void> {
    await this.#slot.stop();
    this.#unchecked.add(key);
  }

  /** To what waits for a build that can wait. */
  #giveWay(key: string): void {
    this.#later.putOff(key);
    void this.#stop(key).then(() => this.schedule());
  }

  #finished(key: string, result: SegmentFile | Error): void {
    this.#unchecked.add(key);
    if (this.#isClosed) return;
    if (result instanceof Error) {
      this.#retryAtMs.set(key, this.#deps.clock.monotonicMs() + RETRY_AFTER_MS);
      this.#deps.log.warn({ err: result }, 'a vector index could not be built; search stays exact');
    } else {
      this.#retryAtMs.delete(key);
      const { settings } = this.#deps;
      const until = result.from > 0 ? 0 : exactUntil(result, result.parameters, settings);
      if (until === 0) this.#replace(key, this.#keep(result, true));
      else {
        deleteSegment(result.path);
        this.#exact.note(key, until);
      }
    }
    this.schedule();
  }

  #replace(key: string, built: KeptSegment): void {
    const before = this.#segments.get(key) ?? [];
    const after = built.from === 0 ? [built] : [...before.filter(({ to }) => to === built.from), built];
    this.#segments.set(key, after);
    this.#exact.forget(key);
    const { spaceId, level } = parseLevelKey(key);
    this.#deps.onChanged(spaceId, level);
    for (const segment of before) if (!after.some(({ path }) => path === segment.path)) deleteSegment(segment.path);
    this.#deps.log.info({ vectors: built.count }, 'a vector index was built');
  }
}
