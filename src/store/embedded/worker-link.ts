// The main thread's line to the store worker: gathers the calls of a tick into one message, hands replies
// back, bounds what waits, and starts the worker again when it dies.

import { Worker } from 'node:worker_threads';
import { abortError } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, FolderInUse, StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import { NumberMap } from '../../base/number-map.ts';
import type { RowsDone } from './border/opening-settings.ts';
import { rowWeight, weightOf } from './border/weight.ts';
import { packRows, type RecordRow } from './border/rows.ts';
import { decodeError, type Parcel } from './encode.ts';
import type {
  CallKind,
  CallTypes,
  FromWorker,
  ToWorker,
  WireCall,
  WireReply,
  WorkerSettings,
} from './border/messages.ts';

export interface WorkerLinkDeps {
  readonly settings: WorkerSettings;
  /** Calls that may wait or run at a time; past it they are refused with `OVERLOADED`. */
  readonly queueCallsMax: number;
  /** What such calls may weigh together, in bytes; below it one more gets in, whatever its size. */
  readonly queueBytesMax: number;
  /** Entry of the worker thread. */
  readonly workerUrl: URL;
  /** Called each time that it ended by itself after it was up. */
  readonly onDeath: () => void;
  /** Called before it is up, for as long as what is stored is sealed with another key. */
  readonly onReseal: (progress: RowsDone) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface PendingCall {
  /** What its texts, metadata and vectors weigh. */
  readonly bytes: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: CodedError) => void;
}

const OVERLOAD_RETRY_MS = 100;
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 30_000;

/** `cursorKey`: the database's key for cursors. `isCompared`: each row was looked for in each index. */
type StoreOpened = Pick<Extract<FromWorker, { type: 'ready' }>, 'cursorKey' | 'isCompared'>;

type State = 'new' | 'starting' | 'up' | 'down' | 'closing' | 'closed';

export class WorkerLink {
  readonly #deps: WorkerLinkDeps;
  readonly #pending = new NumberMap<PendingCall>();
  #state: State = 'new';
  #worker: Worker | null = null;
  #started: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #outbox: WireCall[] = [];
  #rows: RecordRow[] = [];
  #vectors: Float32Array[] = [];
  readonly #parcel: Parcel = {
    row: (row) => this.#rows.push(row) - 1,
    vector: (vector) => this.#vectors.push(vector) - 1,
  };
  #cancelled: number[] = [];
  #isFlushing = false;
  #pendingBytes = 0;
  #restartDelayMs = RESTART_FIRST_MS;
  #cancelRestart: () => void = () => {};
  #onExit: () => void = () => {};
  #refusal: (() => CodedError) | null = null;

  constructor(deps: WorkerLinkDeps) {
    this.#deps = deps;
    deps.metrics.gauge('store_queue_depth', () => this.#pending.size);
  }

  /** Resolves with what its opening says when it is open; rejects with `StartupError` where it cannot be opened. */
  start(): Promise<StoreOpened> {
    this.#state = 'starting';
    const starting = this.#start();
    this.#started = starting;
    return starting;
  }

  #start(): Promise<StoreOpened> {
    const worker = new Worker(this.#deps.workerUrl, { workerData: this.#deps.settings });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          this.#state = 'up';
          resolve(message);
        } else if (message.type === 'startup_failed') {
          reject(
            message.inUse === true
              ? new FolderInUse(message.message, message.remedy ?? '')
              : startupError(message.message, message.remedy),
          );
        } else this.#receive(message);
      });
      worker.on('error', (error: unknown) => {
        this.#deps.log.error({ err: error }, 'the store worker failed');
        reject(startupError('the store worker could not start', null, error));
      });
      worker.on('exit', () => {
        reject(startupError('the store worker ended while starting', null));
        this.#exited();
      });
    });
  }

  /**
   * Sends a call with the next message. `encode` makes its body and may put rows and vectors beside it.
   * Rejects with `OVERLOADED`, `STORE_UNAVAILABLE`, what the worker says, or the signal's reason.
   */
  call<K extends CallKind>(
    kind: K,
    encode: (parcel: Parcel) => CallTypes[K]['body'],
    signal?: AbortSignal,
  ): Promise<CallTypes[K]['result']> {
    return new Promise((resolve, reject) => {
      this.#admit(kind, signal);
      const [rowsBefore, vectorsBefore] = [this.#rows.length, this.#vectors.length];
      const body = encode(this.#parcel);
      const id = this.#nextId++;
      const vectorBytes = (this.#vectors.length - vectorsBefore) * this.#deps.settings.dimension * 4;
      let bytes = vectorBytes + weightOf(body);
      for (let place = rowsBefore; place < this.#rows.length; place++)
        bytes += rowWeight(this.#rows[place] as RecordRow);
      this.#pendingBytes += bytes;
      this.#outbox.push({ id, kind, body } as WireCall);
      this.#pending.set(id, { bytes, resolve: resolve, reject });
      if (signal !== undefined) this.#watch(id, signal);
      this.#flushSoon();
    });
  }

  /** Every call from now on is refused, whatever becomes of the worker. */
  condemn(refusal: () => CodedError): void {
    this.#refusal = refusal;
  }

  /** Finishes what was called before, then ends the worker. */
  async close(): Promise<void> {
    this.#cancelRestart();
    // A thread is not ended from outside: it may be inside a binding that cannot bear that.
    if (this.#state === 'starting') await this.#started.catch(() => {});
    this.#cancelRestart();
    if (this.#state === 'closing' || this.#state === 'closed') return;
    if (this.#state !== 'up') {
      this.#state = 'closed';
      return;
    }
    const exited = new Promise<void>((resolve) => (this.#onExit = resolve));
    const closed = this.call('close', () => null).catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'the store worker died while closing');
    });
    this.#state = 'closing';
    await closed;
    await exited;
    this.#state = 'closed';
  }

  #admit(kind: CallKind, signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw abortError(signal);
    if (this.#refusal !== null && kind !== 'close') throw this.#refusal();
    if (this.#state !== 'up') {
      const isClosed = this.#state === 'closing' || this.#state === 'closed';
      const message = isClosed ? 'the store is closed' : 'the store is starting again';
      throw new CodedError('STORE_UNAVAILABLE', message, { retryAfterMs: this.#restartDelayMs });
    }
    const { queueCallsMax, queueBytesMax } = this.#deps;
    const isFull = this.#pending.size >= queueCallsMax || this.#pendingBytes >= queueBytesMax;
    // The last call of all comes behind the others, however many they are.
    if (isFull && kind !== 'close') {
      throw new CodedError('OVERLOADED', 'too many calls wait for the store', { retryAfterMs: OVERLOAD_RETRY_MS });
    }
  }

  #watch(id: number, signal: AbortSignal): void {
    const onAbort = () => {
      const call = this.#settle(id);
      if (call === undefined) return;
      this.#cancelled.push(id);
      this.#flushSoon();
      call.reject(abortError(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const call = this.#pending.get(id) as PendingCall;
    const release = () => signal.removeEventListener('abort', onAbort);
    this.#pending.set(id, {
      ...call,
      resolve: (value) => (release(), call.resolve(value)),
      reject: (error) => (release(), call.reject(error)),
    });
  }

  /** One message a tick: the calls of all connections that were read together travel together. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const calls = this.#outbox;
    const ids = this.#cancelled;
    const rows = packRows(this.#rows);
    const vectors = this.#packVectors();
    this.#outbox = [];
    this.#rows = [];
    this.#cancelled = [];
    const worker = this.#worker;
    if (worker === null || (this.#state !== 'up' && this.#state !== 'closing')) return;
    if (calls.length > 0) {
      const message: ToWorker = { type: 'calls', nowMs: this.#deps.clock.nowMs(), calls, rows, vectors };
      worker.postMessage(message, vectors === null ? [] : [vectors.buffer]);
    }
    if (ids.length > 0) worker.postMessage({ type: 'cancel', ids } satisfies ToWorker);
  }

  #packVectors(): Float32Array<ArrayBuffer> | null {
    if (this.#vectors.length === 0) return null;
    const { dimension } = this.#deps.settings;
    const packed = new Float32Array(this.#vectors.length * dimension);
    this.#vectors.forEach((vector, i) => packed.set(vector, i * dimension));
    this.#vectors = [];
    return packed;
  }

  #receive(message: Exclude<FromWorker, { type: 'ready' | 'startup_failed' }>): void {
    const { log, metrics } = this.#deps;
    if (message.type === 'log') return log[message.level](message.fields, message.message);
    if (message.type === 'resealing') return this.#deps.onReseal(message);
    this.#restartDelayMs = RESTART_FIRST_MS;
    for (const writes of message.committedWrites) {
      metrics.count('store_commits_total');
      metrics.count('store_writes_total', {}, writes);
      metrics.observe('store_commit_writes', writes);
    }
    for (const reply of message.replies) this.#deliver(reply);
  }

  #deliver(reply: WireReply): void {
    const call = this.#settle(reply.id);
    if (call === undefined) return;
    if (reply.ok) return call.resolve(reply.value as never);
    call.reject(decodeError(reply.error));
  }

  #settle(id: number): PendingCall | undefined {
    const call = this.#pending.get(id);
    if (call === undefined) return undefined;
    this.#pending.delete(id);
    this.#pendingBytes -= call.bytes;
    return call;
  }

  #exited(): void {
    const wasUp = this.#state === 'up' || this.#state === 'closing';
    this.#worker = null;
    this.#outbox = [];
    this.#rows = [];
    this.#vectors = [];
    for (const id of this.#pending.keys()) {
      const error = new CodedError('STORE_UNAVAILABLE', 'the store was interrupted', {
        retryAfterMs: this.#restartDelayMs,
      });
      this.#settle(id)?.reject(error);
    }
    this.#onExit();
    // Until the first start succeeds it is the caller's to decide; a closed store stays closed.
    if (this.#state === 'closing' || this.#state === 'closed' || (this.#state === 'starting' && !wasUp)) return;
    if (wasUp) this.#deps.onDeath();
    this.#restartLater();
  }

  #restartLater(): void {
    this.#state = 'down';
    const delayMs = this.#restartDelayMs;
    this.#restartDelayMs = Math.min(delayMs * 2, RESTART_MAX_MS);
    this.#deps.log.warn({ delayMs }, 'the store worker ended and will be started again');
    this.#cancelRestart = this.#deps.clock.after(delayMs, () => {
      this.start().catch((error: unknown) => {
        this.#deps.log.error({ err: error }, 'the store worker could not be started again');
        if (this.#state === 'starting') this.#restartLater();
      });
    });
  }
}

function startupError(message: string, remedy: string | null, cause?: unknown): StartupError {
  return new StartupError(message, remedy ?? 'See the log for what went wrong; report it if it happens again.', cause);
}
