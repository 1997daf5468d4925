// Graphs are searched in a thread beside the store's: the words of a question are looked for meanwhile, and others are answered.
// Where that thread has ended, is opening others, or has no slot free, the store's own searches them.

import type { Worker } from 'node:worker_threads';
import type { Quantization } from '../border/messages.ts';
import type { WorkerLog } from '../border/worker-log.ts';
import { AHEAD_HITS_MAX, type AheadAnswer, AheadBoard } from './ahead-board.ts';
import type { AheadWorkerData, ToAheadWorker } from './ahead-worker.ts';
import { type HnswParameters, HnswSegment, type SegmentHit, type SegmentSource } from './hnsw-segment.ts';

/** Starts the thread. */
export type StartAhead = (data: AheadWorkerData) => Pick<Worker, 'postMessage' | 'on' | 'unref'>;

export interface SearchAheadDeps {
  readonly dimension: number;
  readonly quantization: Quantization;
  /** null: there is no other thread. */
  readonly start: StartAhead | null;
  readonly log: WorkerLog;
}

export interface AskAhead {
  readonly wanted: number;
  /** Hits whose true scores are wanted. */
  readonly needed: number;
  readonly expectedNs: number;
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

  /** Opens it here and there. The thread starts with the first one. */
  open(source: SegmentSource, hnsw: HnswParameters): HnswSegment {
    const { dimension, quantization } = this.#deps;
    const segment = new HnswSegment(source, dimension, quantization, hnsw);
    if (this.#isAlone) return segment;
    const id = ++this.#opened;
    this.#unopened.push({ type: 'open', id, source, hnsw, entries: segment.entries });
    // Behind the closing of those whose place it takes, which is waited for: opening takes longer.
    if (this.#unopened.length === 1) queueMicrotask(() => this.#tellToOpen());
    segment.twin = { id, close: () => this.#close(id) };
    return segment;
  }

  /** What one question asks of graphs, to be ended when it is answered. */
  begin(vector: Float32Array): AheadSearch {
    return new AheadSearch(this, vector);
  }

  /** Gives the slot; null: it is not to be searched there. */
  ask(segment: HnswSegment, vector: Float32Array, { wanted, needed, expectedNs }: AskAhead): number | null {
    if (!this.isThere || segment.twin === null || wanted > AHEAD_HITS_MAX) return null;
    // A hit of a graph with passages may be any of its context's vectors.
    const scored = segment.isExact || segment.passageCount > 0 ? 0 : Math.min(needed, wanted);
    return this.#board.ask({ segment: segment.twin.id, vector, wanted, scored }, expectedNs);
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

  /** Not while it has a segment to open: that may take longer than any search. */
  get isThere(): boolean {
    return !this.#isAlone && this.#board.openedCount === this.#opened;
  }

  /** Until all that is asked is answered. */
  get pendingNs(): number {
    return this.#board.pendingNs;
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
  readonly #asked = new Map<HnswSegment, AskedAhead>();
  #expectedNs = 0;

  constructor(ahead: SearchAhead, vector: Float32Array) {
    this.#ahead = ahead;
    this.#vector = vector;
  }

  ask(segment: HnswSegment, asked: AskAhead): void {
    const slot = this.#ahead.ask(segment, this.#vector, asked);
    if (slot === null) return;
    this.#asked.set(segment, { slot, wanted: asked.wanted });
    this.#expectedNs = this.#ahead.pendingNs;
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

  /** Waits for the best `wanted` of the segment. null: they were not asked for, or there was no answer. */
  answer(segment: HnswSegment, wanted: number): SegmentHit[] | null {
    const asked = this.#asked.get(segment);
    if (asked === undefined || asked.wanted < wanted) return null;
    const answer = this.#ahead.answer(asked.slot);
    return answer === null ? null : hitsOf(answer, wanted);
  }

  end(): void {
    for (const { slot } of this.#asked.values()) this.#ahead.release(slot);
    this.#asked.clear();
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
