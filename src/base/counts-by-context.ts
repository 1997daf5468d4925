interface CountOfContext {
  readonly namespace: string;
  readonly id: string;
  readonly count: number;
}

/** Numbers by namespace and id of a context. */
export class CountsByContext {
  /** Contexts that have one. */
  size = 0;
  readonly #namespaces = new Map<string, Map<string, number>>();

  of(namespace: string): ReadonlyMap<string, number> | undefined {
    return this.#namespaces.get(namespace);
  }

  /** `sizeMax`: with so many contexts no further one is taken. */
  add(namespace: string, id: string, count: number, sizeMax: number): void {
    let counts = this.#namespaces.get(namespace);
    const known = counts?.get(id);
    if (known === undefined) {
      if (this.size >= sizeMax) return;
      this.size++;
    }
    if (counts === undefined) this.#namespaces.set(namespace, (counts = new Map<string, number>()));
    counts.set(id, (known ?? 0) + count);
  }

  /** Gives up to `count` of them, one namespace after the other, and has them no more. */
  take(count: number): CountsByContext {
    const taken = new CountsByContext();
    for (const [namespace, counts] of this.#namespaces) {
      for (const [id, number] of counts) {
        if (taken.size === count) return taken;
        counts.delete(id);
        this.size--;
        taken.add(namespace, id, number, count);
      }
      this.#namespaces.delete(namespace);
    }
    return taken;
  }

  list(): CountOfContext[] {
    const all: CountOfContext[] = [];
    for (const [namespace, counts] of this.#namespaces)
      for (const [id, count] of counts) all.push({ namespace, id, count });
    return all;
  }
}
