import { orAbort } from './abort.ts';
import { CodedError } from './errors.ts';

interface Queue {
  last: Promise<void>;
  waiting: number;
}

const RETRY_MS = 100;

/** Lets what concerns the same thing run one after the other, in the order in which it came. */
export class KeyedTurns {
  readonly #queues = new Map<string, Queue>();
  readonly #title: string;
  readonly #waitingMax: number;

  /**
   * `title`: of what has a key, in errors. `waitingMax`: calls that may wait for one key or be at work for it; one more is
   * `OVERLOADED`. What they weigh is for others to bound.
   */
  constructor(title: string, waitingMax: number) {
    this.#title = title;
    this.#waitingMax = waitingMax;
  }

  /** `signal` ends the waiting; `work` that has begun is left alone. */
  async run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const queue = this.#queues.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= this.#waitingMax)
      throw new CodedError('OVERLOADED', `too many calls wait for ${this.#title}`, { retryAfterMs: RETRY_MS });
    this.#queues.set(key, queue);
    const { last: earlier } = queue;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    queue.last = done;
    queue.waiting++;
    try {
      await orAbort(earlier, signal);
      return await work();
    } finally {
      queue.waiting--;
      void earlier.then(resolve);
      if (queue.waiting === 0) this.#queues.delete(key);
    }
  }
}
