/** Keys of a map compared one by one; a larger map is given a set. */
const KEYS_COMPARED_MAX = 24;
/** Keys up to this length are compared here; beyond it the call into the runtime pays. */
const COMPARED_HERE_BYTES_MAX = 48;

/** The keys of maps inside one another, as places in a body, to find one that stands twice in its map. */
export class MapKeys {
  /** Of the keys of all open maps, innermost last. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #count = 0;
  /** For each level: where the keys of its map begin, or the set that they are in. */
  readonly #bases: number[] = [];
  readonly #sets: (Set<string> | null)[] = [];

  /** A map of `count` keys begins at `level`, inside those of the levels below. */
  open(level: number, count: number): void {
    this.#bases[level] = this.#count;
    this.#sets[level] = count > KEYS_COMPARED_MAX ? new Set<string>() : null;
  }

  /** False where the map at `level`, the innermost one, has this key already. */
  add(bytes: Uint8Array, level: number, start: number, end: number): boolean {
    const set = this.#sets[level]!;
    if (set !== null) {
      const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
      const size = set.size;
      return set.add(key).size > size;
    }
    if (this.#has(bytes, this.#bases[level]!, start, end)) return false;
    this.#starts[this.#count] = start;
    this.#ends[this.#count] = end;
    this.#count += 1;
    return true;
  }

  close(level: number): void {
    this.#count = this.#bases[level]!;
    this.#sets[level] = null;
  }

  clear(): void {
    this.#count = 0;
    this.#sets.length = 0;
  }

  #has(bytes: Uint8Array, base: number, start: number, end: number): boolean {
    const length = end - start;
    const starts = this.#starts;
    const ends = this.#ends;
    for (let i = base; i < this.#count; i++) {
      const other = starts[i]!;
      if (ends[i]! - other !== length) continue;
      if (length > COMPARED_HERE_BYTES_MAX) {
        if (Buffer.compare(bytes.subarray(other, other + length), bytes.subarray(start, end)) === 0) return true;
        continue;
      }
      let same = 0;
      while (same < length && bytes[other + same] === bytes[start + same]) same += 1;
      if (same === length) return true;
    }
    return false;
  }
}
