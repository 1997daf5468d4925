import { useLayoutEffect, useState } from 'preact/hooks';

/** A value that parts of the page watch. */
export class Store<T> {
  #value: T;
  readonly #watchers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  /** Returns what ends the watch. */
  watch(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, draw] = useState({});
  // Watched before anything else can run: an effect is left until after the drawing, and what came meanwhile
  // would never be drawn.
  useLayoutEffect(() => store.watch(() => draw({})), [store]);
  return store.value;
}
