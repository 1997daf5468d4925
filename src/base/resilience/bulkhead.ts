import { abortError } from '../abort.ts';
import { CodedError } from '../errors.ts';
import { FairQueue } from '../fair-queue.ts';

export interface BulkheadLimits {
  /** Requests that run at a time. */
  readonly concurrencyMax: number;
  /** Requests that wait for their turn; one more is refused with `OVERLOADED`. */
  readonly queueMax: number;
  /** What those that wait weigh, in bytes; below it one more gets in, whatever its size. */
  readonly queueBytesMax: number;
  /** By turns the smallest that waits and the oldest goes next, not always the oldest. */
  readonly isFair?: boolean;
}

/** How one request waits. */
export interface Wait {
  readonly bytes: number;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Never refused, and served first: part of something that others count on and bound. */
  readonly isUrgent?: boolean;
}

interface Waiting {
  /** Bytes. */
  readonly left: number;
  readonly isUrgent: boolean;
  readonly enter: () => void;
  readonly refuse: (error: CodedError) => void;
}

const RETRY_MS = 250;

/** Lets so many requests go to a backend at a time; the others wait, and no more than so many. */
export class Bulkhead {
  readonly #title: string;
  readonly #limits: BulkheadLimits;
  readonly #urgent = new FairQueue<Waiting>();
  readonly #others = new FairQueue<Waiting>();
  #queueBytes = 0;
  #running = 0;

  /** `title`: of the backend, as clients are told. */
  constructor(title: string, limits: BulkheadLimits) {
    this.#title = title;
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  get queueLength(): number {
    return this.#urgent.size + this.#others.size;
  }

  get queueBytes(): number {
    return this.#queueBytes;
  }

  /** Resolves when it is the request's turn, which `leave` must end; rejects with `OVERLOADED` or the signal's reason. */
  async enter({ bytes, signal, isUrgent = false }: Wait): Promise<void> {
    if (this.#running < this.#limits.concurrencyMax) {
      this.#running++;
      return;
    }
    const { queueMax, queueBytesMax } = this.#limits;
    if (!isUrgent && (this.queueLength >= queueMax || this.#queueBytes >= queueBytesMax)) {
      throw new CodedError('OVERLOADED', `too many requests wait for ${this.#title}`, { retryAfterMs: RETRY_MS });
    }
    const turn = Promise.withResolvers<void>();
    const waiting: Waiting = { left: bytes, isUrgent, enter: turn.resolve, refuse: turn.reject };
    const onAbort = (): void => {
      this.#remove(waiting);
      turn.reject(abortError(signal as AbortSignal));
    };
    (isUrgent ? this.#urgent : this.#others).add(waiting);
    this.#queueBytes += bytes;
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await turn.promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends a turn; the next begins. */
  leave(): void {
    const queue = this.#urgent.size > 0 ? this.#urgent : this.#others;
    const [oldest] = queue;
    const next = this.#limits.isFair === true ? queue.next() : oldest;
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#remove(next);
    next.enter();
  }

  /** Refuses all that wait. */
  refuseWaiting(error: CodedError): void {
    for (const waiting of [...this.#urgent, ...this.#others]) {
      this.#remove(waiting);
      waiting.refuse(error);
    }
  }

  #remove(waiting: Waiting): void {
    const queue = waiting.isUrgent ? this.#urgent : this.#others;
    // It may be given up in the moment in which its turn begins.
    if (queue.remove(waiting)) this.#queueBytes -= waiting.left;
  }
}
