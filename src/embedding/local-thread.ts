// The local embedder in a thread of its own. A text of a few hundred characters takes it about as long as all else that
// the main thread does to store it, and far longer than the way to another thread and back.

import { Worker } from 'node:worker_threads';
import { abortError } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { createLocalProvider, type LocalProvider } from './local.ts';
import type { EmbeddingKind } from './provider.ts';

export interface LocalWorkerData {
  readonly dimension: number;
}

/** Calls of one tick of the main thread, each with its texts. */
export type TextBatches = readonly (readonly string[])[];

/** Answers the oldest calls that were not answered yet. With none it says that the thread is up. */
export interface EmbeddedBatches {
  readonly batches: number;
  /** One after another; the buffer is handed over. */
  readonly vectors: Float32Array;
}

export interface LocalThreadOptions {
  readonly dimension: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Entry of the thread, for tests that break it. */
  readonly workerUrl?: URL;
}

/** A call that waits. Bounded by the requests being worked on. */
interface Call {
  readonly texts: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: Error) => void;
}

/** While the thread has so many texts before it, others gather for the next message: waking it costs more than a text. */
const TEXTS_SENT_MAX = 64;
/** A thread that ended by itself is started again so much later. */
const RESTART_MS = 10_000;

/**
 * The same vectors as the local provider. Queries are short and somebody waits for them, so they are embedded at once, and
 * so is everything while no thread runs: before the first passage, while it starts, and where it has failed.
 */
export function createLocalThread(options: LocalThreadOptions): LocalProvider & { close(): Promise<void> } {
  return new LocalThread(options);
}

class LocalThread implements LocalProvider {
  readonly id: string;
  readonly dimension: number;
  readonly kind: LocalProvider['kind'];
  readonly #options: LocalThreadOptions;
  readonly #local: LocalProvider;
  #worker: Worker | null = null;
  #isUp = false;
  #isClosed = false;
  #nextStartMs = -Infinity;
  /** To be sent with the next message. */
  #outbox: Call[] = [];
  /** Sent, the oldest first. */
  #sent: Call[] = [];
  #textsSent = 0;

  constructor(options: LocalThreadOptions) {
    this.#options = options;
    this.#local = createLocalProvider(options);
    this.id = this.#local.id;
    this.dimension = this.#local.dimension;
    this.kind = this.#local.kind;
  }

  embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]> {
    if (kind === 'query' || texts.length === 0) return this.#local.embed(texts, kind, signal);
    if (!this.#isUp) {
      this.#start();
      return this.#local.embed(texts, kind, signal);
    }
    return new Promise((resolve, reject) => {
      // The calls of a tick go together; while many are under way, the next reply sends what has gathered.
      if (this.#outbox.push({ texts, signal, resolve, reject }) === 1 && this.#hasRoom)
        setImmediate(() => this.#send());
    });
  }

  /** What waits is still embedded. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #start(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#worker !== null || this.#isClosed || nowMs < this.#nextStartMs) return;
    this.#nextStartMs = nowMs + RESTART_MS;
    const worker = new Worker(this.#options.workerUrl ?? defaultWorkerUrl(), {
      workerData: { dimension: this.dimension } satisfies LocalWorkerData,
    });
    // Whoever waits for vectors holds a connection; the thread alone keeps no process alive.
    worker.unref();
    worker.on('message', (answer: EmbeddedBatches) => this.#receive(answer));
    worker.on('error', (error: unknown) => this.#options.log.error({ err: error }, 'the embedding thread failed'));
    worker.on('exit', () => this.#exited());
    this.#worker = worker;
  }

  #send(): void {
    const calls = this.#outbox.filter((call) => !refused(call));
    this.#outbox = [];
    if (calls.length === 0) return;
    if (!this.#isUp) return this.#embedHere(calls);
    for (const call of calls) {
      this.#sent.push(call);
      this.#textsSent += call.texts.length;
    }
    this.#worker?.postMessage(calls.map(({ texts }) => texts) satisfies TextBatches);
  }

  #receive({ batches, vectors }: EmbeddedBatches): void {
    this.#isUp = true;
    let place = 0;
    for (const { texts, resolve } of this.#sent.splice(0, batches)) {
      // Copies: a cache that keeps one vector must not keep all that came with it.
      resolve(texts.map(() => vectors.slice(place * this.dimension, ++place * this.dimension)));
      this.#textsSent -= texts.length;
    }
    if (this.#hasRoom) this.#send();
  }

  get #hasRoom(): boolean {
    return this.#textsSent < TEXTS_SENT_MAX;
  }

  #exited(): void {
    this.#worker = null;
    this.#isUp = false;
    if (!this.#isClosed)
      this.#options.log.error({}, 'the embedding thread ended; texts are embedded in the main thread');
    this.#textsSent = 0;
    this.#embedHere([...this.#sent.splice(0), ...this.#outbox.splice(0)]);
  }

  #embedHere(calls: readonly Call[]): void {
    for (const { texts, signal, resolve, reject } of calls)
      this.#local.embed(texts, 'passage', signal).then(resolve, reject);
  }
}

function refused({ signal, reject }: Call): boolean {
  if (signal?.aborted !== true) return false;
  reject(abortError(signal));
  return true;
}

function defaultWorkerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './local-worker.ts' : './local-worker.js', import.meta.url);
}
