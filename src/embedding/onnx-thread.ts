import { Worker } from 'node:worker_threads';
import { abortError } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { StartupError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { passing } from './http-faults.ts';
import type { FromOnnxThread, OnnxWorkerData, ToOnnxThread } from './onnx-messages.ts';

export interface OnnxThreadOptions {
  readonly data: OnnxWorkerData;
  readonly clock: Clock;
  readonly log: Log;
}

interface Call {
  readonly id: number;
  readonly answer: PromiseWithResolvers<Float32Array>;
}

/** A thread that ended by itself is started again so much later. */
const RESTART_MS = 10_000;
/** For the run that it is at; one that takes longer is cut off. */
const CLOSE_MS = 5_000;

/** The thread of an ONNX model: started once, and again by the next call after it has ended by itself. */
export class OnnxThread {
  readonly #options: OnnxThreadOptions;
  #worker: Worker | null = null;
  #ready: Promise<Float32Array> | null = null;
  #startedMs = -Infinity;
  #isClosed = false;
  #nextId = 1;
  #call: Call | null = null;

  constructor(options: OnnxThreadOptions) {
    this.#options = options;
  }

  /** What the model made of a text. Throws `StartupError` where it cannot be loaded. */
  start(): Promise<Float32Array> {
    this.#startedMs = this.#options.clock.monotonicMs();
    const ready = Promise.withResolvers<Float32Array>();
    let isUp = false;
    const worker = new Worker(workerUrl(), { workerData: this.#options.data });
    worker.on('message', (message: FromOnnxThread) => {
      if ('fault' in message) {
        ready.reject(new StartupError(message.fault, message.remedy));
        void worker.terminate();
      } else if ('ready' in message) {
        isUp = true;
        ready.resolve(message.ready);
      } else {
        this.#receive(message);
      }
    });
    worker.on('error', (error: unknown) =>
      this.#options.log.error({ err: error }, 'the thread of the embedding model failed'),
    );
    worker.on('exit', () => {
      ready.reject(
        new StartupError(
          'the thread of the embedding model ended while it loaded it',
          'Look whether there is memory for embedding.model.',
        ),
      );
      this.#exited(isUp);
    });
    this.#worker = worker;
    this.#ready = ready.promise;
    // Whoever waits for vectors keeps the process alive; a model alone does not.
    ready.promise.then(
      () => worker.unref(),
      () => undefined,
    );
    return ready.promise;
  }

  /**
   * The vectors, one after another. One call at a time. Its place is taken until the thread has done with it, also where
   * the signal has fired: what is left of it then is one run. Throws `EMBEDDING_UNAVAILABLE` where the thread has ended.
   */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array> {
    const worker = await this.#running();
    if (signal.aborted) throw abortError(signal);
    const id = this.#nextId++;
    const answer = Promise.withResolvers<Float32Array>();
    const giveUp = (): void => worker.postMessage({ givenUp: id } satisfies ToOnnxThread);
    this.#call = { id, answer };
    signal.addEventListener('abort', giveUp, { once: true });
    worker.ref();
    worker.postMessage({ id, texts } satisfies ToOnnxThread);
    try {
      return await answer.promise;
    } finally {
      worker.unref();
      signal.removeEventListener('abort', giveUp);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (worker === null) return;
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    worker.ref();
    worker.postMessage({ end: true } satisfies ToOnnxThread);
    const cancel = this.#options.clock.after(CLOSE_MS, () => void worker.terminate());
    await exit;
    cancel();
  }

  async #running(): Promise<Worker> {
    if (this.#isClosed) throw passing('the embedding model is closed');
    if (this.#worker === null) {
      const waitMs = this.#startedMs + RESTART_MS - this.#options.clock.monotonicMs();
      if (waitMs > 0) throw passing('the thread of the embedding model has ended', { retryAfterMs: Math.ceil(waitMs) });
      void this.start().catch(() => undefined);
    }
    try {
      await this.#ready;
    } catch (error) {
      throw passing('the embedding model cannot be loaded', { cause: error });
    }
    if (this.#worker === null) throw passing('the thread of the embedding model has ended');
    return this.#worker;
  }

  #receive(message: Extract<FromOnnxThread, { id: number }>): void {
    const call = this.#call;
    if (call === null || call.id !== message.id) return;
    this.#call = null;
    if ('vectors' in message) call.answer.resolve(message.vectors);
    else call.answer.reject(passing('the embedding model failed', { cause: new Error(message.error) }));
  }

  #exited(wasUp: boolean): void {
    this.#worker = null;
    if (wasUp && !this.#isClosed)
      this.#options.log.error({}, 'the thread of the embedding model ended; the next call starts it again');
    this.#call?.answer.reject(passing('the thread of the embedding model has ended'));
    this.#call = null;
  }
}

function workerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './onnx-worker.ts' : './onnx-worker.js', import.meta.url);
}
