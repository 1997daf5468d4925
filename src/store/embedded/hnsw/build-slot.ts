// The one index that is built at a time, and whether it is to make room for others.

import type { BuildIndex, IndexJob, RunningBuild } from './index-job.ts';
import type { SegmentFile } from './index-files.ts';

/** So many contexts are not kept waiting by a build that only makes searches better: they are compared one by one meanwhile. */
const WAITING_MAX = 20_000;

export class BuildSlot {
  readonly #build: BuildIndex;
  #running: RunningBuild | null = null;
  #key: string | null = null;
  /** Contexts added since the build began, where it only makes searches better; null: it does more. */
  #added: number | null = null;

  constructor(build: BuildIndex) {
    this.#build = build;
  }

  get isTaken(): boolean {
    return this.#running !== null;
  }

  /** The level that is built; null: none is, or what runs is being stopped. */
  get key(): string | null {
    return this.#key;
  }

  /** Where it is free. `isLater`: others go before. The slot is free again when `done` is called. */
  start(job: IndexJob, key: string, isLater: boolean, done: (result: SegmentFile | Error) => void): void {
    this.#key = key;
    this.#added = isLater ? 0 : null;
    this.#running = this.#build(job, (result) => {
      this.#free();
      done(result);
    });
  }

  /** Free again when it resolves; what was built is thrown away. */
  async stop(): Promise<void> {
    this.#key = null;
    await this.#running?.stop();
    this.#free();
  }

  /** A context came, of whichever level. */
  added(): void {
    if (this.#added !== null) this.#added++;
  }

  /** The level whose build only makes searches better while many contexts wait for others; null: there is none. */
  get inTheWay(): string | null {
    return this.#added !== null && this.#added > WAITING_MAX ? this.#key : null;
  }

  #free(): void {
    this.#running = null;
    this.#key = null;
    this.#added = null;
  }
}
