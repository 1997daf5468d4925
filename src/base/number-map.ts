const BUCKETS_MIN = 32;

interface Entry<T> {
  readonly key: number;
  value: T;
  next: Entry<T> | null;
}

/**
 * A map with integers for keys, for what comes and goes with every request; in no particular order.
 *
 * A `Map` lays a new table every few insertions where as much is deleted, and the old table goes on pointing to the new one. Once
 * one of them has grown old, all that follow, and everything that each of them held, outlive every collection of young garbage:
 * requests with their replies are copied twice, and then wait for a collection of everything.
 */
export class NumberMap<T> {
  #buckets: (Entry<T> | null)[] = new Array<Entry<T> | null>(BUCKETS_MIN).fill(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.#find(key) !== null;
  }

  get(key: number): T | undefined {
    return this.#find(key)?.value;
  }

  set(key: number, value: T): void {
    const found = this.#find(key);
    if (found !== null) {
      found.value = value;
      return;
    }
    if (this.#size >= this.#buckets.length) this.#grow();
    this.#insert({ key, value, next: null });
    this.#size += 1;
  }

  /** Whether it was there. */
  delete(key: number): boolean {
    const bucket = this.#bucketOf(key);
    let before: Entry<T> | null = null;
    let entry: Entry<T> | null = this.#buckets[bucket]!;
    while (entry !== null && entry.key !== key) {
      before = entry;
      entry = entry.next;
    }
    if (entry === null) return false;
    if (before === null) this.#buckets[bucket] = entry.next;
    else before.next = entry.next;
    // What is garbage points to nothing younger.
    entry.next = null;
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#buckets = new Array<Entry<T> | null>(BUCKETS_MIN).fill(null);
    this.#size = 0;
  }

  /** Those that are there now: what is done to the map meanwhile changes nothing. */
  keys(): number[] {
    return this.#entries().map(({ key }) => key);
  }

  /** The same of what they stand for. */
  values(): T[] {
    return this.#entries().map(({ value }) => value);
  }

  #entries(): Entry<T>[] {
    const entries: Entry<T>[] = [];
    for (let entry of this.#buckets) for (; entry !== null; entry = entry.next) entries.push(entry);
    return entries;
  }

  #find(key: number): Entry<T> | null {
    let entry: Entry<T> | null = this.#buckets[this.#bucketOf(key)]!;
    while (entry !== null && entry.key !== key) entry = entry.next;
    return entry;
  }

  #insert(entry: Entry<T>): void {
    const bucket = this.#bucketOf(entry.key);
    entry.next = this.#buckets[bucket]!;
    this.#buckets[bucket] = entry;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Array<Entry<T> | null>(2 * old.length).fill(null);
    for (let entry of old) {
      while (entry !== null) {
        const { next } = entry;
        this.#insert(entry);
        entry = next;
      }
    }
  }

  #bucketOf(key: number): number {
    return key & (this.#buckets.length - 1);
  }
}
