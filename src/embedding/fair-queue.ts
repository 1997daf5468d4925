/** A job and the work that it still is, in any unit. */
export interface Sized {
  readonly left: number;
}

/**
 * Whose turn it is, of jobs in the order of their arrival: by turns the one with least left, so that small ones do not
 * wait for large ones, and the oldest, so that large ones come to an end whatever else arrives.
 */
export class FairQueue<T extends Sized> {
  readonly #jobs: T[] = [];
  #isTurnOfOldest = false;

  get size(): number {
    return this.#jobs.length;
  }

  add(job: T): void {
    this.#jobs.push(job);
  }

  /** The job whose turn it is; it stays in the queue. */
  next(): T | undefined {
    this.#isTurnOfOldest = !this.#isTurnOfOldest;
    if (!this.#isTurnOfOldest) return this.#jobs[0];
    let least = this.#jobs[0];
    for (const job of this.#jobs) if (least !== undefined && job.left < least.left) least = job;
    return least;
  }

  /** The first that `test` holds for. */
  removeWhere(test: (job: T) => boolean): void {
    const at = this.#jobs.findIndex(test);
    if (at >= 0) this.#jobs.splice(at, 1);
  }

  /** All of them, and none is left. */
  drain(): T[] {
    return this.#jobs.splice(0);
  }
}
