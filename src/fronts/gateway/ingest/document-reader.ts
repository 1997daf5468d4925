import { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../../../base/abort.ts';
import type { Clock } from '../../../base/clock.ts';
import { badRequest, CodedError } from '../../../base/errors.ts';
import { Bulkhead } from '../../../base/resilience/bulkhead.ts';
import type { DocumentWorkerData, DocumentWorkerReply, ReadDocument, ReadingBounds } from './document-messages.ts';

const MIB = 1024 * 1024;

export interface ReaderBounds extends ReadingBounds {
  /** Then the thread that reads is ended. */
  readonly timeoutMs: number;
  /** Of what V8 manages in the thread. */
  readonly heapMibMax: number;
  /** Of buffers beside, which a small PDF can unpack to any size. */
  readonly buffersBytesMax: number;
}

const DEFAULTS: ReaderBounds = {
  chunksMax: 5_000,
  unitsMax: 8 * MIB,
  pagesMax: 2_000,
  timeoutMs: 30_000,
  heapMibMax: 384,
  buffersBytesMax: 256 * MIB,
};
const QUEUE = { concurrencyMax: 2, queueMax: 16, queueBytesMax: 64 * MIB };
const LOOKED_EVERY_MS = 50;
/** It said nothing of the document, so that another one may read it. */
const THREAD_DIED = 'the thread that read the document has died';
const RETRY_AFTER_MS = 1_000;

type Outcome = DocumentWorkerReply | { readonly failed: unknown };

/** Reads documents of strangers: each in a thread of its own that has little time and memory. */
export class DocumentReader {
  readonly #clock: Clock;
  readonly #bounds: ReaderBounds;
  readonly #turns = new Bulkhead('the reading of documents', QUEUE);

  constructor(clock: Clock, bounds: Partial<ReaderBounds> = {}) {
    this.#clock = clock;
    this.#bounds = { ...DEFAULTS, ...bounds };
  }

  /** Rejects with `BAD_REQUEST`, `PAYLOAD_TOO_LARGE`, `OVERLOADED`, or as the signal says. */
  async read(
    document: Pick<DocumentWorkerData, 'format' | 'bytes' | 'chunkTokens'>,
    signal: AbortSignal,
  ): Promise<ReadDocument> {
    await this.#turns.enter({ bytes: document.bytes.length, signal });
    try {
      throwIfAborted(signal);
      const { chunksMax, unitsMax, pagesMax } = this.#bounds;
      const outcome = await this.#inThread({ ...document, chunksMax, unitsMax, pagesMax }, signal);
      throwIfAborted(signal);
      return documentOf(outcome);
    } finally {
      this.#turns.leave();
    }
  }

  /** Resolves when the thread has ended. */
  async #inThread(workerData: DocumentWorkerData, signal: AbortSignal): Promise<Outcome> {
    const { heapMibMax, timeoutMs } = this.#bounds;
    const file = import.meta.url.endsWith('.ts') ? './document-worker.ts' : './document-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: heapMibMax },
      // What a library says about a document is nothing for the log.
      stdout: true,
      stderr: true,
    });
    worker.stdout.resume();
    worker.stderr.resume();
    let outcome: Outcome | null = null;
    const end = (why: Outcome): void => {
      outcome ??= why;
      void worker.terminate();
    };
    worker.on('message', (reply: DocumentWorkerReply) => (outcome ??= reply));
    worker.on('error', (failed: unknown) => (outcome ??= isOutOfMemory(failed) ? TOO_MUCH_MEMORY : { failed }));
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const onAbort = (): void => end({ failed: signal.reason });
    signal.addEventListener('abort', onAbort, { once: true });
    const stopTimer = this.#clock.after(timeoutMs, () => end({ tooLarge: 'takes too long to read' }));
    const stopLooking = this.#watchMemory(worker, end);
    await ended;
    stopTimer();
    stopLooking();
    signal.removeEventListener('abort', onAbort);
    return outcome ?? { failed: new CodedError('OVERLOADED', THREAD_DIED, { retryAfterMs: RETRY_AFTER_MS }) };
  }

  /** Buffers are beyond the resource limits of a thread. */
  #watchMemory(worker: Worker, end: (why: Outcome) => void): () => void {
    return this.#clock.every(LOOKED_EVERY_MS, () => {
      void worker.getHeapStatistics().then(
        ({ external_memory: bytes }) => {
          if (bytes > this.#bounds.buffersBytesMax) end(TOO_MUCH_MEMORY);
        },
        () => {}, // It is ending.
      );
    });
  }
}

const TOO_MUCH_MEMORY: Outcome = { tooLarge: 'takes too much memory to read' };

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function documentOf(outcome: Outcome): ReadDocument {
  if ('document' in outcome) return outcome.document;
  if ('tooLarge' in outcome) throw new CodedError('PAYLOAD_TOO_LARGE', `the document ${outcome.tooLarge}`);
  if ('bad' in outcome) throw badRequest('/document', outcome.bad, `the document ${outcome.bad}`);
  throw outcome.failed;
}
