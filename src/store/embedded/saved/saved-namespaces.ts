// Saves the indexes of large namespaces, so that a first question need not read a million rows, and gives them back with what
// has changed since. A file is used only where the database names it; what is damaged or missing is read from the rows.
// Where what is stored is sealed there are none.

import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../../base/clock.ts';
import { syncFolder } from '../../../base/sync-folder.ts';
import type { SavingBounds } from '../border/opening-settings.ts';
import type { LevelNumber } from '../border/rows.ts';
import type { Pace, Steps } from '../border/steps.ts';
import type { WorkerLog } from '../border/worker-log.ts';
import { SAVED_EXTENSION } from '../database/data-folder.ts';
import type { Document, Effect } from '../database/effects.ts';
import { SavedTable } from '../database/saved-table.ts';
import type { Sequence } from '../database/sequence.ts';
import type { Spaces } from '../database/spaces.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { NamespaceLoading } from '../memory/namespace-loading.ts';
import { BlockReader, BlockWriter } from './block-file.ts';
import { namespaceBlocks, readBlocks, settle } from './namespace-blocks.ts';

/** Saved anew once so large a part of it has come, gone or changed: reading that much takes longer than all else. */
const CHANGED_SHARE = 0.05;
/** So large a part is not waited for until nothing changes. */
const CHANGED_MUCH = 0.25;
const RETRY_AFTER_MS = 60_000;
/** Rows between two looks at the time. */
const PIECE = 256;
const PRIVATE_FILE = 0o600;

export interface SavedNamespacesDeps {
  readonly database: DatabaseSync;
  readonly folder: string;
  readonly spaces: Spaces;
  readonly sequence: Sequence;
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** Of the steps in which namespaces are loaded. */
  readonly pace: Pace;
  /** What is stored is sealed: nothing is saved. */
  readonly isSealed: boolean;
  /** One that is in memory. */
  readonly indexOf: (spaceId: number) => NamespaceIndex | undefined;
  readonly bounds: SavingBounds;
}

type ReadDocument = (level: LevelNumber, entry: number) => Document | null;

interface Unsaved {
  /** Contexts that came or went since it was saved; Infinity: it never was. */
  changes: number;
  changedAtMs: number;
}

interface Running {
  readonly spaceId: number;
  isStopped: boolean;
  done: Promise<void>;
}

export class SavedNamespaces {
  readonly #deps: SavedNamespacesDeps;
  readonly #table: SavedTable;
  readonly #accesses: StatementSync;
  readonly #bounds: SavingBounds;
  /** Names by namespace. */
  readonly #files = new Map<number, string>();
  readonly #unsaved = new Map<number, Unsaved>();
  #running: Running | null = null;
  #cancelTimer: (() => void) | null = null;
  #retryAtMs = -Infinity;
  #isClosed = false;

  /** Deletes what no namespace is saved in any more. */
  constructor(deps: SavedNamespacesDeps) {
    this.#deps = deps;
    this.#bounds = deps.bounds;
    this.#table = new SavedTable(deps.database);
    this.#accesses = deps.database.prepare(`SELECT a.seq, c.namespace_id, c.entry, c.access_count + a.count
      FROM accesses AS a CROSS JOIN contexts AS c ON c.seq = a.seq WHERE a.seq > ? ORDER BY a.seq LIMIT ?`);
    this.#accesses.setReturnArrays(true);
    const names = readdirSync(deps.folder).filter((name) => name.includes(SAVED_EXTENSION));
    for (const { spaceId, file } of this.#table.all()) {
      const isKnown = deps.spaces.byId(spaceId) !== undefined && !deps.isSealed;
      if (isKnown && file !== null && names.includes(file)) this.#files.set(spaceId, file);
      else this.#forgetChanges(spaceId);
    }
    const kept = new Set(this.#files.values());
    for (const name of names) if (!kept.has(name)) this.#remove(name);
  }

  get count(): number {
    return this.#files.size;
  }

  /** Of all files. */
  get fileBytes(): number {
    let bytes = 0;
    for (const name of this.#files.values())
      bytes += statSync(join(this.#deps.folder, name), { throwIfNoEntry: false })?.size ?? 0;
    return bytes;
  }

  /**
   * Fills the index of a loading that holds nothing yet: up to which entry it is told everything then, or null where
   * nothing is saved that can be used, and another index is to be taken.
   */
  *restore(spaceId: number, loading: NamespaceLoading, read: ReadDocument): Steps<number | null> {
    const name = this.#files.get(spaceId);
    const covered = name === undefined ? null : yield* this.#restore(spaceId, name, loading, read);
    if (covered === null) this.#noteUnsaved(spaceId);
    return covered;
  }

  /** Whether a restored index has as many contexts as there are; else its file is not used again. */
  isComplete(spaceId: number, index: NamespaceIndex): boolean {
    const stored = this.#contextsOf(spaceId);
    if (index.documentCount === stored) return true;
    this.#deps.log.error({ stored, saved: index.documentCount }, 'a saved index is not complete and is not used');
    this.forget(spaceId);
    return false;
  }

  apply(effects: readonly Effect[]): void {
    for (const { kind, spaceId } of effects) {
      if (kind === 'access' || this.#contextsOf(spaceId) < this.#bounds.contextsMin) continue;
      const unsaved = this.#unsaved.get(spaceId) ?? { changes: 0, changedAtMs: 0 };
      unsaved.changes++;
      unsaved.changedAtMs = this.#nowMs;
      this.#unsaved.set(spaceId, unsaved);
    }
  }

  /** Has what is due looked at when nothing has changed for a while. */
  schedule(): void {
    if (this.#isClosed || this.#deps.isSealed || this.#unsaved.size === 0) return;
    this.#cancelTimer ??= this.#deps.clock.after(this.#bounds.quietMs, () => this.#look());
  }

  /** True: the namespace was being saved just now, which is stopped; to be asked again. */
  stop(spaceId: number): boolean {
    if (this.#running?.spaceId !== spaceId) return false;
    this.#running.isStopped = true;
    return true;
  }

  /** Deletes what is saved of the namespace; how many files there were. */
  forget(spaceId: number): number {
    this.stop(spaceId);
    this.#noteUnsaved(spaceId);
    const name = this.#files.get(spaceId);
    if (name === undefined && this.#running?.spaceId !== spaceId) return 0;
    this.#forgetChanges(spaceId);
    if (name === undefined) return 0;
    this.#files.delete(spaceId);
    this.#remove(name);
    return 1;
  }

  /** Nothing is written any more when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    if (this.#running === null) return;
    this.#running.isStopped = true;
    await this.#running.done;
  }

  *#restore(spaceId: number, name: string, loading: NamespaceLoading, read: ReadDocument): Steps<number | null> {
    const isOver = () => this.#deps.pace.isOver;
    let file: BlockReader | null = null;
    try {
      loading.holdChanges();
      file = new BlockReader(join(this.#deps.folder, name));
      const head = yield* readBlocks(file, loading.index, isOver);
      if (head?.name !== name || head.spaceId !== spaceId) throw new Error('a saved index is of another namespace');
      const isAsSaved = yield* this.#takeChanges(spaceId, loading.index, read);
      yield* settle(loading.index, isAsSaved, isOver);
      if (!loading.takeChanges()) return null;
      yield* this.#takeAccesses(spaceId, loading.index);
      return head.covered;
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'a saved index cannot be used; its namespace is read from the rows');
      this.forget(spaceId);
      return null;
    } finally {
      file?.close();
    }
  }

  /** What has changed since the file was begun; false: something is gone. */
  *#takeChanges(spaceId: number, { documents }: NamespaceIndex, read: ReadDocument): Steps<boolean> {
    let isAllThere = true;
    for (let after = 0, isMore = true; isMore; ) {
      const entries = this.#table.changed(spaceId, after, PIECE);
      for (const entry of entries) {
        const ordinal = documents.ordinalOf(entry);
        const level = ordinal < 0 ? 0 : (documents.levels[ordinal] as number);
        const document = level === 0 ? null : read(level as LevelNumber, entry);
        if (level !== 0) documents.retell(ordinal, document);
        if (document === null) isAllThere = false;
        after = entry;
      }
      isMore = entries.length === PIECE;
      if (isMore && this.#deps.pace.isOver) yield;
    }
    return isAllThere;
  }

  *#takeAccesses(spaceId: number, { documents }: NamespaceIndex): Steps<void> {
    for (let after = 0, isMore = true; isMore; ) {
      const rows = this.#accesses.all(after, PIECE) as unknown as [number, number, number, number][];
      for (const [seq, ownerId, entry, count] of rows) {
        const ordinal = ownerId === spaceId ? documents.ordinalOf(entry) : -1;
        if (ordinal >= 0) documents.accessCounts[ordinal] = count;
        after = seq;
      }
      isMore = rows.length === PIECE;
      if (isMore && this.#deps.pace.isOver) yield;
    }
  }

  #look(): void {
    this.#cancelTimer = null;
    if (this.#isClosed) return;
    for (const [spaceId, { changes, changedAtMs }] of this.#unsaved) {
      const index = this.#deps.indexOf(spaceId);
      const contexts = this.#contextsOf(spaceId);
      if (contexts < this.#bounds.contextsMin) this.#unsaved.delete(spaceId);
      if (index === undefined || contexts < this.#bounds.contextsMin || changes < contexts * CHANGED_SHARE) continue;
      const isQuiet = this.#nowMs - changedAtMs >= this.#bounds.quietMs;
      const isChangedMuch = changes >= contexts * CHANGED_MUCH && changes !== Infinity;
      if (this.#running === null && this.#nowMs >= this.#retryAtMs && (isQuiet || isChangedMuch))
        this.#start(spaceId, index);
      // There is more to do, or the same again.
      this.schedule();
    }
  }

  #start(spaceId: number, index: NamespaceIndex): void {
    this.#unsaved.delete(spaceId);
    const running: Running = { spaceId, isStopped: false, done: Promise.resolve() };
    this.#running = running;
    running.done = this.#save(index, running).finally(() => {
      this.#running = null;
      this.schedule();
    });
  }

  async #save(index: NamespaceIndex, running: Running): Promise<void> {
    const { folder, sequence, log } = this.#deps;
    const { spaceId } = running;
    const covered = sequence.last;
    const name = this.#nameOf(spaceId, covered);
    const leave = index.follow({ forget() {}, renumber: () => (running.isStopped = true) });
    const isStopped = () => running.isStopped || this.#deps.indexOf(spaceId) !== index;
    try {
      this.#table.begin(spaceId, covered);
      const blocks = namespaceBlocks(index, { name, spaceId, covered });
      if (!(await writeBlocks(join(folder, `${name}.tmp`), blocks, isStopped))) return this.#putOff(spaceId, name);
      renameSync(join(folder, `${name}.tmp`), join(folder, name));
      syncFolder(folder);
      this.#table.finish(spaceId, name);
      const before = this.#files.get(spaceId);
      this.#files.set(spaceId, name);
      if (before !== undefined) this.#remove(before);
      log.info({ contexts: index.documentCount }, 'the index of a namespace was saved');
    } catch (error) {
      this.#putOff(spaceId, name);
      this.#remove(name);
      this.#retryAtMs = this.#nowMs + RETRY_AFTER_MS;
      log.warn({ err: error }, 'the index of a namespace could not be saved; the next start reads its rows');
    } finally {
      leave();
    }
  }

  #putOff(spaceId: number, name: string): void {
    this.#remove(`${name}.tmp`);
    this.#noteUnsaved(spaceId);
  }

  #noteUnsaved(spaceId: number): void {
    if (this.#contextsOf(spaceId) >= this.#bounds.contextsMin)
      this.#unsaved.set(spaceId, { changes: Infinity, changedAtMs: this.#nowMs });
  }

  /** Never that of the file that it takes the place of. */
  #nameOf(spaceId: number, covered: number): string {
    const name = (more: number) => `${spaceId}-${covered}-${more}${SAVED_EXTENSION}`;
    return name(this.#files.get(spaceId) === name(0) ? 1 : 0);
  }

  #forgetChanges(spaceId: number): void {
    try {
      this.#table.forget(spaceId);
    } catch (error) {
      // Without its file the note does no harm.
      this.#deps.log.warn({ err: error }, 'the note of a saved index could not be deleted');
    }
  }

  #remove(name: string): void {
    try {
      rmSync(join(this.#deps.folder, name), { force: true });
    } catch {
      // A file that is open cannot be deleted everywhere; the next start tries again.
    }
  }

  #contextsOf(spaceId: number): number {
    return this.#deps.spaces.byId(spaceId)?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
  }

  get #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}

/** False: it was stopped, and the file is of no use. */
async function writeBlocks(path: string, blocks: Iterable<Uint8Array>, isStopped: () => boolean): Promise<boolean> {
  rmSync(path, { force: true });
  const file = new BlockWriter(await open(path, 'wx', PRIVATE_FILE));
  try {
    for (const block of blocks) {
      if (isStopped()) return false;
      await file.write(block);
    }
    await file.sync();
    return !isStopped();
  } finally {
    await file.close();
  }
}
