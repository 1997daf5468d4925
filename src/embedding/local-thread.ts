// The local embedder in a thread of its own. A text of a few hundred characters takes it about as long as all else that
// the main thread does to store it, and far longer than the way to another thread and back.

import { Worker } from 'node:worker_threads';
import { abortError } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { FairQueue } from '../base/fair-queue.ts';
import { charsOf, isLong, type FromThread, type LocalWorkerData, type ToThread } from './local-messages.ts';
import { createLocalProvider, type LocalOptions, type LocalProvider } from './local.ts';
import type { EmbeddingKind } from './provider.ts';

export interface LocalThreadOptions extends LocalOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Entry of the thread, for tests that break it. */
  readonly workerUrl?: URL;
  /** Called each time that it has ended by itself after it was up. */
  readonly onDeath?: (() => void) | undefined;
}

/** A call that waits. Bounded by the requests being worked on. */
interface Call {
  readonly id: number;
  readonly texts: readonly string[];
  /** Characters, all of them until it is answered. */
  readonly left: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: Error) => void;
}

/** While the thread has so many texts of short calls before it, others gather for the next message: waking it costs more than a text. */
const TEXTS_SENT_MAX = 64;
/** Long calls that the thread shares its time between have no more characters than this, unless one alone has; each is held twice. */
const LONG_CHARS_SENT_MAX = 4_000_000;
/** A query that is embedded at once takes no longer than the way to the thread and back. */
const QUERY_CHARS_MAX = 1_000;
/** A thread that ended by itself is started again so much later. */
const RESTART_MS = 10_000;

/**
 * The same vectors as the local provider. Most queries are short and somebody waits for them, so they are embedded at
 * once, and so is everything while no thread runs: before the first passage or long query, while it starts, and where it
 * has failed.
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
  #nextId = 1;
  /** Short calls to be sent with the next message. */
  #outbox: Call[] = [];
  /** Long calls to be sent when there is room for them. */
  readonly #longs = new FairQueue<Call>();
  /** By their ids, in the order in which they were sent. */
  readonly #sent = new Map<number, Call>();
  #textsSent = 0;
  #longCharsSent = 0;
  #isSending = false;

  constructor(options: LocalThreadOptions) {
    this.#options = options;
    this.#local = createLocalProvider(options);
    this.id = this.#local.id;
    this.dimension = this.#local.dimension;
    this.kind = this.#local.kind;
  }

  embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]> {
    const chars = charsOf(texts);
    const isQuick = texts.length === 0 || (kind === 'query' && chars <= QUERY_CHARS_MAX);
    if (!isQuick && !this.#isUp) this.#start();
    if (isQuick || !this.#isUp) return this.#local.embed(texts, kind, signal);
    return new Promise((resolve, reject) => {
      const call = { id: this.#nextId++, texts, left: chars, signal, resolve, reject };
      if (isLong(chars)) this.#addLong(call);
      else this.#outbox.push(call);
      this.#sendSoon();
    });
  }

  #addLong(call: Call): void {
    this.#longs.add(call);
    call.signal?.addEventListener('abort', () => this.#giveUp(call), { once: true });
  }

  /** A long call is ended wherever it is. */
  #giveUp(call: Call): void {
    call.reject(abortError(call.signal as AbortSignal));
    this.#longs.remove(call);
    if (!this.#sent.delete(call.id)) return;
    this.#longCharsSent -= call.left;
    this.#worker?.postMessage({ calls: [], givenUp: [call.id] } satisfies ToThread);
    this.#sendSoon();
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
      workerData: { dimension: this.dimension, table: this.#options.table?.shared ?? null } satisfies LocalWorkerData,
    });
    // Whoever waits for vectors holds a connection; the thread alone keeps no process alive.
    worker.unref();
    worker.on('message', (answer: FromThread) => this.#receive(answer));
    worker.on('error', (error: unknown) => this.#options.log.error({ err: error }, 'the embedding thread failed'));
    worker.on('exit', () => this.#exited());
    this.#worker = worker;
  }

  /** The calls of a tick go together. */
  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    setImmediate(() => {
      this.#isSending = false;
      this.#send();
    });
  }

  #send(): void {
    const calls = [...this.#shortsToSend(), ...this.#longsToSend()].filter((call) => !refused(call));
    if (calls.length === 0) return;
    if (!this.#isUp) return this.#embedHere(calls);
    for (const call of calls) {
      this.#sent.set(call.id, call);
      if (isLong(call.left)) this.#longCharsSent += call.left;
      else this.#textsSent += call.texts.length;
    }
    const wire = calls.map(({ id, texts }) => ({ id, texts }));
    this.#worker?.postMessage({ calls: wire, givenUp: [] } satisfies ToThread);
  }

  /** All that gathered, once the thread has little before it; the next reply asks again. */
  #shortsToSend(): Call[] {
    return this.#textsSent < TEXTS_SENT_MAX ? this.#outbox.splice(0) : [];
  }

  #longsToSend(): Call[] {
    const calls: Call[] = [];
    let chars = this.#longCharsSent;
    for (let call = this.#longs.next(); call !== undefined; call = this.#longs.next()) {
      if (chars > 0 && chars + call.left > LONG_CHARS_SENT_MAX) break;
      this.#longs.remove(call);
      chars += call.left;
      calls.push(call);
    }
    return calls;
  }

  #receive({ ids, vectors }: FromThread): void {
    this.#isUp = true;
    let place = 0;
    for (const id of ids) {
      const call = this.#sent.get(id);
      // Given up while its vectors were on their way: a long one, which comes by itself.
      if (call === undefined) return;
      this.#sent.delete(id);
      if (isLong(call.left)) this.#longCharsSent -= call.left;
      else this.#textsSent -= call.texts.length;
      // Views of one buffer: a cache takes copies of what it keeps.
      call.resolve(call.texts.map(() => vectors.subarray(place * this.dimension, ++place * this.dimension)));
    }
    this.#send();
  }

  #exited(): void {
    const wasUp = this.#isUp;
    this.#worker = null;
    this.#isUp = false;
    if (!this.#isClosed) {
      this.#options.log.error({}, 'the embedding thread ended; texts are embedded in the main thread');
      if (wasUp) this.#options.onDeath?.();
    }
    this.#textsSent = 0;
    this.#longCharsSent = 0;
    const calls = [...this.#sent.values(), ...this.#outbox.splice(0), ...this.#longs.drain()];
    this.#sent.clear();
    this.#embedHere(calls);
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
