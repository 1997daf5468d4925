import { Worker } from 'node:worker_threads';
import { abortError } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError, StartupError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { passing } from './http-faults.ts';
import type { FromOnnxThread, LoadedModel, OnnxAnswer, OnnxWorkerData, ToOnnxThread } from './onnx-messages.ts';

export interface OnnxThreadOptions {
  readonly data: OnnxWorkerData;
  /** Called each time that it has ended by itself after it was up. */
  readonly onDeath?: (() => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export type OnnxVectors = Extract<OnnxAnswer, { vectors: Float32Array }>;

interface Call {
  readonly signal: AbortSignal;
  readonly answer: PromiseWithResolvers<OnnxVectors>;
}

/** A thread and what it has loaded. */
interface Running {
  readonly worker: Worker;
  readonly loading: PromiseWithResolvers<LoadedModel>;
  isUp: boolean;
}

/** A thread that ended by itself is started again so much later. */
const RESTART_MS = 10_000;

/** The thread of an ONNX model: started once, and again by the next call after it has ended by itself. */
export class OnnxThread {
  readonly #options: OnnxThreadOptions;
  #running: Running | null = null;
  /** Of the first start: every other must bring the same. */
  #model: LoadedModel | null = null;
  #startedMs = -Infinity;
  #isClosed = false;
  #nextId = 1;
  readonly #calls = new Map<number, Call>();

  constructor(options: OnnxThreadOptions) {
    this.#options = options;
  }

  /** What it has loaded. Throws `StartupError` where that fails. */
  start(): Promise<LoadedModel> {
    this.#startedMs = this.#options.clock.monotonicMs();
    const worker = new Worker(workerUrl(), { workerData: this.#options.data });
    const running: Running = { worker, loading: Promise.withResolvers<LoadedModel>(), isUp: false };
    let why = '';
    worker.on('message', (message: FromOnnxThread) => this.#receive(message, running));
    worker.on('error', (error: unknown) => {
      why = `: ${error instanceof Error ? error.message : String(error)}`;
      this.#options.log.error({ err: error }, 'the thread of the embedding model failed');
    });
    worker.on('exit', () => {
      const message = `the thread of the embedding model ended while it loaded it${why}`;
      running.loading.reject(
        new StartupError(message, 'Look whether there is memory, and room on the disk, for embedding.model.'),
      );
      this.#exited(running);
    });
    this.#running = running;
    return running.loading.promise;
  }

  /**
   * Calls take turns. Each takes its place until the thread has done with it, also where the signal has fired: what is left
   * of it then is one run. Throws `EMBEDDING_UNAVAILABLE` where the thread has ended.
   */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<OnnxVectors> {
    const worker = await this.#worker();
    if (signal.aborted) throw abortError(signal);
    const id = this.#nextId++;
    const answer = Promise.withResolvers<OnnxVectors>();
    const giveUp = (): void => worker.postMessage({ givenUp: id } satisfies ToOnnxThread);
    this.#calls.set(id, { signal, answer });
    signal.addEventListener('abort', giveUp, { once: true });
    worker.ref();
    worker.postMessage({ id, texts } satisfies ToOnnxThread);
    try {
      return await answer.promise;
    } finally {
      if (this.#calls.size === 0) worker.unref();
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Waits for the run that it is at. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = this.#running;
    if (running === null) return;
    const { worker } = running;
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    worker.ref();
    worker.postMessage({ end: true } satisfies ToOnnxThread);
    await exit;
  }

  async #worker(): Promise<Worker> {
    if (this.#isClosed) throw ended('the embedding model is closed');
    if (this.#running === null) {
      const waitMs = this.#startedMs + RESTART_MS - this.#options.clock.monotonicMs();
      if (waitMs > 0) throw ended('the thread of the embedding model has ended', Math.ceil(waitMs));
      void this.start().catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'the embedding model cannot be loaded again'),
      );
    }
    const running = this.#running;
    try {
      await running?.loading.promise;
    } catch (error) {
      throw passing('the embedding model cannot be loaded', { cause: error });
    }
    if (running === null || running !== this.#running) throw passing('the thread of the embedding model has ended');
    return running.worker;
  }

  #receive(message: FromOnnxThread, running: Running): void {
    if ('fault' in message) {
      running.loading.reject(new StartupError(message.fault, message.remedy));
    } else if ('ready' in message) {
      this.#loaded(message.ready, running);
    } else if ('downloading' in message) {
      const { downloading: model } = message;
      const { cacheFolder } = this.#options.data;
      this.#options.log.info({ model, folder: cacheFolder }, 'the embedding model is fetched from the hub');
    } else {
      this.#answer(message);
    }
  }

  #loaded(model: LoadedModel, running: Running): void {
    this.#model ??= model;
    if (model.digest !== this.#model.digest) {
      const message = 'the files of the embedding model are others than those that the server started with';
      running.loading.reject(new StartupError(message, 'Put them back, or start the server anew.'));
      running.worker.postMessage({ end: true } satisfies ToOnnxThread);
      return;
    }
    running.isUp = true;
    running.loading.resolve(model);
    // Whoever waits for vectors keeps the process alive; a model alone does not.
    running.worker.unref();
  }

  #answer(message: OnnxAnswer): void {
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    this.#calls.delete(message.id);
    if ('vectors' in message) call.answer.resolve(message);
    else if ('givenUp' in message) call.answer.reject(abortError(call.signal));
    else call.answer.reject(passing('the embedding model failed', { cause: new Error(message.error) }));
  }

  #exited(running: Running): void {
    if (running !== this.#running) return;
    this.#running = null;
    if (running.isUp && !this.#isClosed) {
      this.#options.log.error({}, 'the thread of the embedding model ended; a later call starts it again');
      this.#options.onDeath?.();
    }
    for (const { answer } of this.#calls.values())
      answer.reject(passing('the thread of the embedding model has ended'));
    this.#calls.clear();
  }
}

/** Nothing was tried: it does not count against the model. */
function ended(message: string, retryAfterMs?: number): CodedError {
  return new CodedError('EMBEDDING_UNAVAILABLE', message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

function workerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './onnx-worker.ts' : './onnx-worker.js', import.meta.url);
}
