/**
 * Lets calls that concern the same owners run one after the other. A trim counts, reads and moves in three steps: two
 * at a time would both see the same overflow and move it twice.
 */
export class OwnerTurns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when every earlier call for any of `owners` is done; at once where there are none. */
  async run<T>(owners: ReadonlySet<string>, work: () => Promise<T>): Promise<T> {
    if (owners.size === 0) return work();
    const earlier = [...owners].flatMap((owner) => this.#last.get(owner) ?? []);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    for (const owner of owners) this.#last.set(owner, done);
    try {
      await Promise.all(earlier);
      return await work();
    } finally {
      for (const owner of owners) if (this.#last.get(owner) === done) this.#last.delete(owner);
      resolve();
    }
  }
}
