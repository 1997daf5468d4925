/** A job and the work that it still is, in any unit. */
export interface Sized {
  readonly left: number;
}

/**
 * Whose turn it is, of jobs in the order of their arrival: by turns the one with least left, so that small ones do not
 * wait for large ones, and the oldest, so that large ones come to an end whatever else arrives.
 */
export class FairQueue<T extends Sized> {
  readonly #jobs = new Set<T>();
  #isTurnOfOldest = false;

  get size(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#jobs.values();
  }

  add(job: T): void {
    this.#jobs.add(job);
  }

  /** The job whose turn it is; it stays in the queue. */
  next(): T | undefined {
    this.#isTurnOfOldest = !this.#isTurnOfOldest;
    let [least] = this.#jobs;
    if (!this.#isTurnOfOldest || least === undefined) return least;
    for (const job of this.#jobs) if (job.left < least.left) least = job;
    return least;
  }

  /** False: it was not there, or not any more. */
  remove(job: T): boolean {
    return this.#jobs.delete(job);
  }

  /** The first that `test` holds for. */
  removeWhere(test: (job: T) => boolean): void {
    for (const job of this.#jobs) {
      if (!test(job)) continue;
      this.#jobs.delete(job);
      return;
    }
  }

  /** All of them, and none is left. */
  drain(): T[] {
    const jobs = [...this.#jobs];
    this.#jobs.clear();
    return jobs;
  }
}
