// Graphs are searched in a thread beside the store's: the words of a question are looked for meanwhile, and others are answered.
// Where that thread has ended, has not opened the graph yet, or has no slot free, the store's own searches it.

import type { Worker } from 'node:worker_threads';
import type { Quantization } from '../border/messages.ts';
import type { WorkerLog } from '../border/worker-log.ts';
import { AHEAD_HITS_MAX, type AheadAnswer, AheadBoard } from './ahead-board.ts';
import type { AheadWorkerData, ToAheadWorker } from './ahead-worker.ts';
import { graphNs } from './graph-cost.ts';
import { type HnswParameters, HnswSegment, mapped, type SegmentHit, type SegmentSource } from './hnsw-segment.ts';

/** Handing over a search of a graph that is expected to take less costs as much as it saves. */
const WORTH_NS = 300_000;

const BUSY_THREADS = 3;

/** Starts the thread. */
export type StartAhead = (data: AheadWorkerData) => Pick<Worker, 'postMessage' | 'on' | 'unref'>;

export interface SearchAheadDeps {
  readonly dimension: number;
  readonly quantization: Quantization;
  /** null: there is no other thread. */
  readonly start: StartAhead | null;
  readonly log: WorkerLog;
  /** Of the machine. */
  readonly processors: number;
}

export interface AskAhead {
  readonly wanted: number;
  /** Hits whose true scores are wanted. */
  readonly needed: number;
  /** The turn of the question is still to come. */
  readonly isEarly?: boolean;
}

/** A question that is asked ahead. */
interface AskedAhead {
  readonly slot: number;
  readonly wanted: number;
}

export class SearchAhead {
  readonly #deps: SearchAheadDeps;
  readonly #board: AheadBoard;
  #thread: ReturnType<StartAhead> | null = null;
  /** There is no other thread, or none any more. */
  #isAlone: boolean;
  readonly #ended = Promise.withResolvers<void>();
  readonly #unopened: (ToAheadWorker & { readonly type: 'open' })[] = [];
  #opened = 0;
  #closed = 0;

  constructor(deps: SearchAheadDeps) {
    this.#deps = deps;
    this.#isAlone = deps.start === null;
    this.#board = new AheadBoard(deps.dimension);
  }

  /** Large ones are mapped by the other thread, which starts with the first of them, small ones here. */
  open(source: SegmentSource, hnsw: HnswParameters): HnswSegment {
    const { dimension, quantization } = this.#deps;
    const segment = new HnswSegment(source, dimension, quantization, hnsw);
    if (this.#isAlone || graphNs(segment, 1) < WORTH_NS) return mapped(segment);
    const id = ++this.#opened;
    this.#unopened.push({ type: 'open', id, source, hnsw, entries: segment.entries });
    // Behind the closing of those whose place it takes, which is waited for: opening takes longer.
    if (this.#unopened.length === 1) queueMicrotask(() => this.#tellToOpen());
    segment.twin = { id, close: () => this.#close(id) };
    return segment;
  }

  /** What one question asks of graphs, to be ended when it is answered. `isFor`: those to be asked here. */
  begin(vector: Float32Array, isFor: (segment: HnswSegment) => boolean): AheadSearch {
    return new AheadSearch(this, vector, isFor);
  }

  /** Gives the slot; null: it is not to be searched there. */
  ask(segment: HnswSegment, vector: Float32Array, { wanted, needed, isEarly = false }: AskAhead): number | null {
    const { twin } = segment;
    if (this.#isAlone || twin === null || wanted > AHEAD_HITS_MAX || this.#board.openedCount < twin.id) return null;
    // A hit of a graph with passages may be any of its context's vectors.
    const scored = segment.isExact || segment.passageCount > 0 ? 0 : Math.min(needed, wanted);
    return this.#board.ask({ segment: twin.id, vector, wanted, scored }, graphNs(segment, wanted), isEarly);
  }

  /** null: it cannot be read, which is told. */
  searchHere(segment: HnswSegment, vector: Float32Array, wanted: number): SegmentHit[] | null {
    try {
      return segment.search(vector, wanted);
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'a vector index cannot be read; search is exact');
      return null;
    }
  }

  isAnswered(slot: number, waitMs: number): boolean {
    return this.#orFail(() => this.#board.isAnswered(slot, waitMs), true);
  }

  answer(slot: number): AheadAnswer | null {
    return this.#orFail(() => this.#board.answer(slot), null);
  }

  release(slot: number): void {
    this.#board.release(slot);
  }

  /** It has segments to open: that may take longer than any search. */
  get isOpening(): boolean {
    return !this.#isAlone && this.#board.openedCount < this.#opened;
  }

  /** The main thread, the store's and the other one can run at a time. */
  get hasRoom(): boolean {
    return this.#deps.processors >= BUSY_THREADS;
  }

  /** Until what is asked now, early or in its turn, is answered. */
  pendingNs(isEarly: boolean): number {
    return this.#board.pendingNs(isEarly);
  }

  /** Resolves when the other thread has ended; one that failed is not waited for. */
  async close(): Promise<void> {
    if (this.#isAlone || this.#thread === null) return;
    this.#isAlone = true;
    this.#tellToEnd();
    await this.#ended.promise;
  }

  /** When it returns the other thread holds on to the files no more. */
  #close(id: number): void {
    if (this.#unopened.some((message) => message.id === id)) this.#tellToOpen();
    this.#tell({ type: 'close', id });
    this.#closed++;
    // Before it has started it has opened none.
    if (this.#board.hasStarted) this.#orFail(() => this.#board.untilClosed(this.#closed), undefined);
  }

  #tellToOpen(): void {
    for (const message of this.#unopened.splice(0)) this.#tell(message);
  }

  #tellToEnd(): void {
    this.#thread?.postMessage({ type: 'end' } satisfies ToAheadWorker);
    this.#board.call();
  }

  #tell(message: ToAheadWorker): void {
    this.#orFail(() => {
      this.#thread ??= this.#start();
      this.#thread.postMessage(message);
      this.#board.call();
    }, undefined);
  }

  /** The store does without the other thread what it is about to do. */
  #orFail<T>(work: () => T, alone: T): T {
    if (this.#isAlone) return alone;
    try {
      return work();
    } catch (error) {
      this.#fail(error as Error);
      return alone;
    }
  }

  #start(): ReturnType<StartAhead> {
    const { dimension, quantization, start } = this.#deps;
    const thread = (start as StartAhead)({ dimension, quantization, board: this.#board.buffer });
    thread.unref();
    thread.on('error', (error: Error) => this.#fail(error));
    thread.on('exit', () => {
      this.#ended.resolve();
      this.#fail(new Error('it has ended'));
    });
    return thread;
  }

  #fail(error: Error): void {
    if (this.#isAlone) return;
    this.#isAlone = true;
    // Where it stirs again it lets go of all files: nobody will tell it of which.
    this.#tellToEnd();
    this.#deps.log.warn(
      { err: error },
      'the thread that searches vector indexes has failed: the store searches them itself',
    );
  }
}

export class AheadSearch {
  readonly #ahead: SearchAhead;
  readonly #vector: Float32Array;
  readonly #isFor: (segment: HnswSegment) => boolean;
  readonly #asked = new Map<HnswSegment, AskedAhead>();
  #expectedNs = 0;

  constructor(ahead: SearchAhead, vector: Float32Array, isFor: (segment: HnswSegment) => boolean) {
    this.#ahead = ahead;
    this.#vector = vector;
    this.#isFor = isFor;
  }

  ask(segment: HnswSegment, asked: AskAhead): void {
    const slot = this.#isFor(segment) ? this.#ahead.ask(segment, this.#vector, asked) : null;
    if (slot === null) return;
    this.#asked.set(segment, { slot, wanted: asked.wanted });
    this.#expectedNs = this.#ahead.pendingNs(asked.isEarly ?? false);
  }

  get asksNothing(): boolean {
    return this.#asked.size === 0;
  }

  /** From the last `ask` until all that it asks is answered: what others had asked before comes first. */
  get expectedNs(): number {
    return this.#expectedNs;
  }

  /** Waits so long at most. True: nothing that it asks is still to be waited for. */
  isAnswered(waitMs: number): boolean {
    return [...this.#asked.values()].every(({ slot }) => this.#ahead.isAnswered(slot, waitMs));
  }

  /** Waits for the best of the segment, which are asked for now if not as many were before. null: there is no answer. */
  answer(segment: HnswSegment, asking: AskAhead): SegmentHit[] | null {
    if ((this.#asked.get(segment)?.wanted ?? 0) < asking.wanted) {
      this.#giveBack(segment);
      this.ask(segment, asking);
    }
    const asked = this.#asked.get(segment);
    const answer = asked === undefined ? null : this.#ahead.answer(asked.slot);
    if (answer === null) return null;
    segment.leaveToTwin();
    return hitsOf(answer, asking.wanted);
  }

  /** The best of the segment, there or here; null: its graph cannot be read. */
  search(segment: HnswSegment, asking: AskAhead): SegmentHit[] | null {
    return this.answer(segment, asking) ?? this.#ahead.searchHere(segment, this.#vector, asking.wanted);
  }

  end(): void {
    for (const segment of this.#asked.keys()) this.#giveBack(segment);
  }

  #giveBack(segment: HnswSegment): void {
    const asked = this.#asked.get(segment);
    if (asked !== undefined) this.#ahead.release(asked.slot);
    this.#asked.delete(segment);
  }
}

function hitsOf({ found, entries, distances, trueDistances }: AheadAnswer, wanted: number): SegmentHit[] {
  const hits: SegmentHit[] = [];
  for (let i = 0; i < Math.min(found, wanted); i++) {
    const hit = { entry: entries[i] as number, score: 1 - (distances[i] as number) };
    hits.push(i < trueDistances.length ? { ...hit, trueScore: 1 - (trueDistances[i] as number) } : hit);
  }
  return hits;
}
