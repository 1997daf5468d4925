// The store worker's heart: takes batches of calls, answers reads, commits writes together.

import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { CallFailures } from './call-failures.ts';
import { ACCESSES_AT_ONCE, AccessCounts } from './database/access-counts.ts';
import { CoreReads, type VectorAt } from './core-reads.ts';
import { DocumentTable } from './database/document-table.ts';
import type { OpenDatabase } from './database/database.ts';
import { DiskWatch } from './database/disk-watch.ts';
import { ColumnSearch } from './search/column-search.ts';
import { DenseSearch } from './search/dense-search.ts';
import type { Effect } from './database/effects.ts';
import { ExpirySweeper } from './database/expiry.ts';
import { FilterReader } from './search/filter-reader.ts';
import { GroupCommit, type WriteTask } from './database/group-commit.ts';
import { type BuildIndex, indexSettings } from './hnsw/index-job.ts';
import { IndexKeeper } from './hnsw/index-keeper.ts';
import { SAVING_BOUNDS } from './border/opening-settings.ts';
import { Pace, type Steps } from './border/steps.ts';
import type { CallTypes, WireCall, WireReply, WireVectors, WorkerSettings } from './border/messages.ts';
import { NamespaceIndexes } from './namespace-indexes.ts';
import { NamespaceLoader } from './memory/namespace-loader.ts';
import { Reader } from './database/reader.ts';
import { Residents } from './memory/residents.ts';
import { packedRow, packRows, type PackedRows, type RecordRow } from './border/rows.ts';
import { HitSearch } from './search/hit-search.ts';
import { SavedNamespaces } from './saved/saved-namespaces.ts';
import { Scrubber } from './erasure/scrubber.ts';
import { SearchAhead, type StartAhead } from './hnsw/search-ahead.ts';
import { Searcher } from './search/searcher.ts';
import { SearchCalls } from './search-calls.ts';
import { SearchSteps } from './search-steps.ts';
import { VectorScorer } from './search/vector-scorer.ts';
import { Sequence } from './database/sequence.ts';
import { type Space, Spaces } from './database/spaces.ts';
import { type RowVectors, StoredPassages } from './database/stored-passages.ts';
import { databaseFigures, namespaceCounts, namespaceFigures } from './figures.ts';
import type { WorkerLog } from './border/worker-log.ts';
import { Writer } from './database/writer.ts';

export interface QueuedCall {
  readonly call: WireCall;
  /** When the main thread sent it. */
  readonly nowMs: number;
  readonly rows: PackedRows;
  readonly vectors: Float32Array | null;
}

/** What other threads do for the store's. */
export interface StoreThreads {
  readonly build: BuildIndex;
  /** null: graphs are searched in the store's own. */
  readonly searchAhead: StartAhead | null;
  /** Of the machine. */
  readonly processors: number;
}

export interface CommitOutcome {
  readonly replies: WireReply[];
  /** Write operations that were made durable; 0 where nothing was committed. */
  readonly committedWrites: number;
}

/** Any will do: it chooses the vectors that a new index is tried with. */
const INDEX_SEED = 1;

type WriteKind = 'write' | 'expire' | 'change_documents';
type WriteCall = Extract<WireCall, { readonly kind: WriteKind }>;
type WriteValue = CallTypes[WriteKind]['result'];

export class StoreEngine {
  /** How long one step of a read may take. */
  readonly pace: Pace;
  readonly searches: SearchCalls;
  readonly #opened: OpenDatabase;
  readonly #settings: WorkerSettings;
  readonly #log: WorkerLog;
  readonly #clock: Clock;
  readonly #failures: CallFailures;
  readonly #spaces: Spaces;
  readonly #accesses: AccessCounts;
  readonly #writer: Writer;
  readonly #documents: DocumentTable;
  readonly #sweeper: ExpirySweeper;
  readonly #group: GroupCommit;
  readonly #reader: Reader;
  readonly #residents: Residents;
  readonly #ahead: SearchAhead;
  readonly #keeper: IndexKeeper;
  readonly #indexes: NamespaceIndexes;
  readonly #saved: SavedNamespaces;
  readonly #core: CoreReads;
  readonly #disk: DiskWatch;
  readonly #scrubber: Scrubber;
  #hasCommitted = false;
  #nextForcedFlushMs = -Infinity;

  constructor(opened: OpenDatabase, settings: WorkerSettings, log: WorkerLog, clock: Clock, threads: StoreThreads) {
    const { database, sealer, indexFolder: folder } = opened;
    this.#opened = opened;
    this.#settings = settings;
    this.#log = log;
    this.#clock = clock;
    this.pace = new Pace(clock);
    this.#failures = new CallFailures(log, clock);
    this.#disk = new DiskWatch(opened, log, clock);
    this.#spaces = new Spaces(database);
    const sequence = new Sequence(database);
    this.#accesses = new AccessCounts(database, this.#spaces);
    const passages = new StoredPassages(database, sealer);
    this.#writer = new Writer(database, this.#spaces, sequence, passages, sealer, settings.compressionThresholdBytes);
    this.#documents = new DocumentTable(database, sealer);
    this.#sweeper = new ExpirySweeper(database, this.#writer, this.#spaces, sealer);
    this.#group = new GroupCommit(database, this.#spaces, sequence, this.#accesses, this.#writer);
    this.#reader = new Reader(database, passages, this.pace, sealer);
    const { dimension } = settings;
    const onDamage = (error: Error) => void this.#failures.told('search', error);
    const beside = { database, folder, spaces: this.#spaces, sequence, clock, log, pace: this.pace };
    this.#saved = new SavedNamespaces({
      ...beside,
      isSealed: sealer !== null,
      bounds: settings.saving ?? SAVING_BOUNDS,
      indexOf: (spaceId) => this.#residents.peek(spaceId),
    });
    const loader = new NamespaceLoader({ ...beside, passages, dimension, sealer, saved: this.#saved, onDamage });
    this.#residents = new Residents(loader, settings.memoryBytesMax);
    const scorer = new VectorScorer(loader.readVectors, passages, dimension);
    const columns = new ColumnSearch({
      scorer,
      dimension,
      limits: settings.columns,
      hasRoomFor: (bytes) => this.#residents.hasRoomFor(bytes),
    });
    const dense = new DenseSearch(scorer, columns);
    const { quantization } = settings;
    this.#ahead = new SearchAhead({
      dimension,
      quantization,
      log,
      start: threads.searchAhead,
      processors: threads.processors,
    });
    this.#keeper = new IndexKeeper({
      ...beside,
      settings: indexSettings(settings, sealer),
      build: threads.build,
      openSegment: (source, hnsw) => this.#ahead.open(source, hnsw),
      seed: INDEX_SEED,
      databasePath: opened.path,
      passagesInMemory: (spaceId, level) => this.#indexes.passagesInMemory(spaceId, level),
      onChanged: (spaceId, level) => this.#indexes.adopt(spaceId, level),
    });
    const held = { keeper: this.#keeper, residents: this.#residents, saved: this.#saved };
    this.#scrubber = new Scrubber({ ...beside, ...held, path: opened.path });
    this.#indexes = new NamespaceIndexes(this.#residents, loader, this.#keeper, this.pace);
    const searches = new SearchSteps(new FilterReader(database, sealer), this.#indexes, this.pace);
    const read = {
      ...beside,
      reader: this.#reader,
      accesses: this.#accesses,
      indexes: this.#indexes,
      searches,
      dimension,
    };
    const searcher = new Searcher(dense, scorer);
    this.searches = new SearchCalls({ ...read, searcher, dense, failures: this.#failures, ahead: this.#ahead });
    this.#core = new CoreReads({ ...read, hits: new HitSearch(dense, scorer) });
  }

  /** Short reads are one step. */
  *read(queued: QueuedCall): Steps<WireReply> {
    const { call } = queued;
    try {
      return { id: call.id, ok: true, value: yield* this.#read(queued) };
    } catch (error) {
      return this.#failure(call, error);
    }
  }

  /** All in one transaction; those that fail are replied to as such and take nothing of the others back. */
  commit(writes: readonly QueuedCall[]): CommitOutcome {
    if (writes.length === 0) this.#nextForcedFlushMs = this.#clock.monotonicMs() + this.#settings.touchFlushMs;
    const refusal = this.#disk.refusal();
    if (refusal !== null)
      return { replies: writes.map(({ call }) => this.#failure(call, refusal)), committedWrites: 0 };
    const tasks = writes.map((queued) => this.#task(queued));
    const { outcomes, effects, failure } = this.#group.run<WriteValue>(tasks);
    if (failure === null) this.#disk.committed();
    else this.#disk.tell(failure);
    this.#tellIndexes(effects);
    const lost = this.#disk.lost();
    if (outcomes.some(({ ok }) => ok)) this.#opened.mark.write(this.#group.lastCommit);
    let committedWrites = 0;
    const replies = outcomes.map((outcome, i): WireReply => {
      const { call } = writes[i] as QueuedCall as { call: WriteCall };
      if (!outcome.ok) return this.#failure(call, outcome.error);
      if (lost !== null) return this.#failure(call, lost);
      committedWrites += call.kind === 'expire' ? 1 : call.body.length;
      return { id: call.id, ok: true, value: outcome.value };
    });
    this.#hasCommitted = true;
    return { replies, committedWrites };
  }

  /** So many access counts wait that they need a commit of their own; where the disk refuses it, now and then. */
  get mustFlush(): boolean {
    return this.#accesses.pendingCount >= ACCESSES_AT_ONCE && this.#clock.monotonicMs() >= this.#nextForcedFlushMs;
  }

  /** Work that no reply waits for. */
  maintain(): void {
    if (this.#hasCommitted) this.#disk.tidyLog();
    this.#hasCommitted = false;
    this.#keeper.schedule();
    this.#saved.schedule();
  }

  /** Writes access counts that no commit took along: as many as go at once, or all that the disk takes. */
  flushAccesses(all = false): void {
    const before = this.#accesses.pendingCount;
    if (before > 0) this.commit([]);
    if (all && this.#accesses.pendingCount < before) this.flushAccesses(all);
  }

  /** Waits for the end of an index build, which may read the database or write a file just now. */
  async close(): Promise<void> {
    await this.#keeper.close();
    await this.#saved.close();
    await this.#ahead.close();
    this.flushAccesses(true);
    this.#disk.emptyLog();
    this.#opened.close();
    this.#scrubber.close();
  }

  #task(queued: QueuedCall): WriteTask<WriteValue> {
    const { rows, vectors, nowMs } = queued;
    const call = queued.call as WriteCall;
    if (call.kind === 'expire') return (effects) => this.#sweeper.sweep(call.body, effects);
    if (call.kind === 'change_documents') return () => call.body.map((change) => this.#documents.apply(change));
    const vectorsAt = (wire: WireVectors) => this.#vectorsAt(vectors, wire);
    const row = (place: number) => packedRow(rows, place);
    return (effects) => {
      const context = { nowMs, effects, row, vectors: vectorsAt };
      return call.body.map((op) => this.#writer.apply(op, context));
    };
  }

  /** The commit stands whatever happens here: an index that cannot follow is dropped and read again. */
  #tellIndexes(effects: readonly Effect[]): void {
    this.#spaces.apply(effects);
    this.#keeper.apply(effects);
    this.#saved.apply(effects);
    try {
      this.#residents.apply(effects);
    } catch (error) {
      this.#log.error({ err: error }, 'an index in memory failed and is read again from the rows');
      for (const { spaceId } of effects) this.#residents.drop(spaceId);
    }
  }

  *#read({ call, nowMs, vectors }: QueuedCall): Steps<CallTypes[WireCall['kind']]['result']> {
    // A copy of its own: the vector search reads from the start of a buffer.
    const vectorAt: VectorAt = (place) => this.#vectorAt(vectors, place).slice();
    switch (call.kind) {
      case 'search':
        return yield* this.searches.run(call.id, call.body, vectors);
      case 'fetch':
      case 'outlines': {
        const { namespace, ids, nowMs: visibleAtMs } = call.body;
        const space = this.#spaces.get(namespace);
        return space === undefined ? [] : this.#packed(space, this.#reader[call.kind](space, ids, visibleAtMs));
      }
      case 'scrub':
        this.#checkDisk(this.#disk.refusal());
        return this.#scrubber.step(call.body);
      case 'read_documents':
        return this.#documents.read(call.body);
      case 'scan':
        return yield* this.#core.scans(call.body, vectorAt);
      case 'find':
        return yield* this.#core.find(call.body);
      case 'hits':
        return yield* this.#core.hits(call.body, vectorAt);
      case 'counts':
        return yield* this.#core.counts(call.body);
      case 'touch':
        for (const [namespace, id, count] of call.body) this.#accesses.touch(namespace, id, count);
        return null;
      case 'flush':
        this.flushAccesses(true);
        return null;
      case 'stats':
        return this.#stats(call.body, nowMs);
      case 'namespaces':
        return namespaceCounts(this.#spaces, this.#opened, call.body, nowMs);
      case 'ping':
        if (this.#failures.damage !== null) throw this.#failures.damage;
        this.#checkDisk(this.#disk.ailment());
        this.#opened.database.exec('SELECT 1');
        return null;
      default:
        throw new CodedError('INTERNAL', 'internal error', { cause: `a read cannot be ${call.kind}` });
    }
  }

  #packed(space: Space, rows: readonly RecordRow[]): PackedRows {
    this.#accesses.addTo(space.name, rows);
    return packRows(rows);
  }

  #vectorAt(vectors: Float32Array | null, place: number): Float32Array {
    const { dimension } = this.#settings;
    return (vectors as Float32Array).subarray(place * dimension, (place + 1) * dimension);
  }

  #vectorsAt(vectors: Float32Array | null, { vector, passages, unembedded }: WireVectors): RowVectors {
    const { dimension } = this.#settings;
    const behind = (vector + 1) * dimension;
    return {
      unembedded,
      vector: this.#vectorAt(vectors, vector),
      passages: passages === 0 ? null : (vectors as Float32Array).subarray(behind, behind + passages * dimension),
    };
  }

  #stats(namespace: string | null, nowMs: number): CallTypes['stats']['result'] {
    const stored = { opened: this.#opened, settings: this.#settings, spaces: this.#spaces };
    const sources = { ...stored, residents: this.#residents, keeper: this.#keeper, saved: this.#saved };
    return namespace === null ? databaseFigures(sources, nowMs) : namespaceFigures(sources, namespace, nowMs);
  }

  #failure(call: WireCall, error: unknown): WireReply {
    this.#disk.tell(error);
    return { id: call.id, ok: false, error: this.#failures.told(call.kind, error) };
  }

  #checkDisk(fault: CodedError | null): void {
    if (fault !== null) throw fault;
  }
}
