// Which documents hold a term and how often, for all terms of one level. Lists lie in one arena, each
// contiguous, in regions of a power of two; a list that outgrows its region moves to one twice as long
// and leaves the old one for another. Five bytes a posting, nothing for the garbage collector.

import { ColumnSpace, NO_BYTES, NO_NUMBERS, releaseSpace } from '../arrays/growing.ts';

/** Frequencies from here on are kept aside: they are rare. */
const LARGE_FREQUENCY = 255;
/** Bytes of a posting: the ordinal and the frequency. */
const POSTING_BYTES = 4 + 1;
/** Bytes of what is known of a term beside its postings. */
const TERM_BYTES = 4 * 4 + 1;
/** Bytes of an entry in `#large`. */
const LARGE_BYTES = 64;
/** Postings and terms that are packed together, at most where one list has not more. */
const PACKED_POSTINGS = 131_072;
const PACKED_TERMS = 32_768;
/** Numbers before what is packed: the first term, terms, postings. */
const PACKED_HEAD = 3;

export class PostingLists {
  /** Ordinals, rising within a list. */
  documents = NO_NUMBERS;
  frequencies = NO_BYTES;
  starts = NO_NUMBERS;
  /** Postings of each term, those of dead documents included. */
  lengths = NO_NUMBERS;
  /** Living documents of each term. */
  live = NO_NUMBERS;
  /** Highest frequency the list has seen, at most `LARGE_FREQUENCY`. */
  maxFrequencies = NO_BYTES;
  #capacities = NO_NUMBERS;
  #used = 0;
  /** Starts of free regions, by the logarithm of their length. */
  readonly #free: number[][] = [];
  /** Made when there is the first. */
  #large: Map<string, number> | null = null;

  /** One more occurrence of `term` in `ordinal`, which is the newest document of all. */
  add(term: number, ordinal: number): void {
    this.#reserveTerm(term);
    const length = this.lengths[term] as number;
    const start = this.starts[term] as number;
    const last = start + length - 1;
    if (length > 0 && this.documents[last] === ordinal) {
      this.#repeat(term, ordinal, last);
      return;
    }
    const at = length < (this.#capacities[term] as number) ? start : this.#enlarge(term);
    this.documents[at + length] = ordinal;
    this.frequencies[at + length] = 1;
    if (this.maxFrequencies[term] === 0) this.maxFrequencies[term] = 1;
    this.lengths[term] = length + 1;
    this.live[term] = (this.live[term] as number) + 1;
  }

  /** The document of one of the term's postings has died; the posting goes with the next `compact`. */
  kill(term: number): void {
    if (term < this.live.length && (this.live[term] as number) > 0) this.live[term] = (this.live[term] as number) - 1;
  }

  liveCount(term: number): number {
    return term < this.live.length ? (this.live[term] as number) : 0;
  }

  length(term: number): number {
    return term < this.lengths.length ? (this.lengths[term] as number) : 0;
  }

  /** How often `ordinal` holds `term`. */
  frequencyIn(term: number, ordinal: number): number {
    const length = this.length(term);
    if (length === 0) return 0;
    let low = this.starts[term] as number;
    const end = low + length;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.documents[middle] as number) < ordinal) low = middle + 1;
      else high = middle;
    }
    return low < end && this.documents[low] === ordinal ? this.frequencyAt(term, low) : 0;
  }

  /** The frequency of the posting at `position` of the arena. */
  frequencyAt(term: number, position: number): number {
    const frequency = this.frequencies[position] as number;
    if (frequency < LARGE_FREQUENCY) return frequency;
    return this.#large?.get(largeKey(term, this.documents[position] as number)) ?? LARGE_FREQUENCY;
  }

  hasLargeFrequencies(term: number): boolean {
    return this.maxFrequencies[term] === LARGE_FREQUENCY;
  }

  /** Rewrites all lists: `renumber` gives a document's new ordinal, or -1 for one to be dropped. Keeps the order. */
  compact(renumber: (ordinal: number) => number): void {
    const large = this.#large;
    this.#large = null;
    for (let term = 0; term < this.lengths.length; term++) {
      const start = this.starts[term] as number;
      let to = start;
      for (let from = start; from < start + (this.lengths[term] as number); from++) {
        const old = this.documents[from] as number;
        const ordinal = renumber(old);
        if (ordinal < 0) continue;
        const aside = this.frequencies[from] === LARGE_FREQUENCY ? large?.get(largeKey(term, old)) : undefined;
        if (aside !== undefined) this.#keepAside(term, ordinal, aside);
        this.documents[to] = ordinal;
        this.frequencies[to++] = this.frequencies[from] as number;
      }
      this.lengths[term] = to - start;
      this.live[term] = to - start;
    }
  }

  /** Terms up to the last that some document held. */
  get termCount(): number {
    return this.lengths.length;
  }

  /** Of all lists, those of dead documents included. */
  get postingCount(): number {
    return this.lengths.reduce((sum, length) => sum + length, 0);
  }

  /** The lists of the first `termCount` terms, some in each block; of their documents those of which `keeps` says yes. */
  *packed(termCount: number, keeps: (ordinal: number) => boolean): Generator<Uint8Array> {
    for (let term = 0; term < termCount; ) {
      const from = term;
      let postings = 0;
      do postings += this.length(term++);
      while (term < termCount && term - from < PACKED_TERMS && postings + this.length(term) <= PACKED_POSTINGS);
      yield this.#pack(from, term, postings, keeps);
    }
  }

  /** Room for `packed` lists; none is there yet. */
  reserve(termCount: number, postingCount: number): void {
    if (termCount === 0) return;
    this.#reserveTerm(termCount - 1);
    this.#reservePostings(postingCount);
  }

  /** Room for a document's terms: where there is none, one growing for all of them. */
  expect(termCount: number, postingCount: number): void {
    if (termCount > 0) this.#reserveTerm(termCount - 1);
    this.#reservePostings(this.#used + postingCount);
  }

  /** Not to be used after. */
  release(): void {
    releaseSpace(this.starts);
    releaseSpace(this.documents);
  }

  /** A block of `packed`, at the start of a buffer. Who has taken all of them calls `recount`. */
  unpack(block: Uint8Array<ArrayBuffer>): void {
    const head = new Uint32Array(block.buffer, 0, PACKED_HEAD);
    const [from, terms, postings] = head as unknown as [number, number, number];
    const lengths = new Uint32Array(block.buffer, head.byteLength, terms);
    const documents = new Uint32Array(block.buffer, head.byteLength + lengths.byteLength, postings);
    const bytesAt = head.byteLength + lengths.byteLength + documents.byteLength;
    this.lengths.set(lengths, from);
    this.#capacities.set(lengths, from);
    this.maxFrequencies.set(block.subarray(bytesAt, bytesAt + terms), from);
    this.documents.set(documents, this.#used);
    this.frequencies.set(block.subarray(bytesAt + terms, bytesAt + terms + postings), this.#used);
    for (let i = 0; i < terms; i++) {
      this.starts[from + i] = this.#used;
      this.#used += lengths[i] as number;
    }
  }

  savedLarge(keeps: (ordinal: number) => boolean): (readonly [term: number, ordinal: number, frequency: number])[] {
    return [...(this.#large ?? [])].flatMap(([key, frequency]) => {
      const [term, ordinal] = key.split(':').map(Number) as [number, number];
      return keeps(ordinal) ? [[term, ordinal, frequency] as const] : [];
    });
  }

  restoreLarge(term: number, ordinal: number, frequency: number): void {
    this.#keepAside(term, ordinal, frequency);
  }

  /** Where all documents live. */
  countAll(): void {
    this.live.set(this.lengths);
  }

  /** Counts the living documents of a term. */
  recount(term: number, isLiving: (ordinal: number) => boolean): void {
    const start = this.starts[term] as number;
    const end = start + this.length(term);
    let live = 0;
    for (let i = start; i < end; i++) if (isLiving(this.documents[i] as number)) live++;
    this.live[term] = live;
  }

  get memoryBytes(): number {
    const arenas = this.documents.byteLength + this.frequencies.byteLength;
    return arenas + this.starts.length * TERM_BYTES + (this.#large?.size ?? 0) * LARGE_BYTES;
  }

  #pack(from: number, to: number, postings: number, keeps: (ordinal: number) => boolean): Uint8Array {
    const lengths = new Uint32Array(to - from);
    const documents = new Uint32Array(postings);
    const frequencies = new Uint8Array(postings);
    let kept = 0;
    for (let term = from; term < to; term++) {
      const start = term < this.starts.length ? (this.starts[term] as number) : 0;
      const end = start + this.length(term);
      const before = kept;
      for (let i = start; i < end; i++) {
        const ordinal = this.documents[i] as number;
        if (!keeps(ordinal)) continue;
        documents[kept] = ordinal;
        frequencies[kept++] = this.frequencies[i] as number;
      }
      lengths[term - from] = kept - before;
    }
    const maxima = new Uint8Array(to - from);
    maxima.set(this.maxFrequencies.subarray(from, to));
    const parts = [Uint32Array.of(from, to - from, kept), lengths, documents.subarray(0, kept), maxima];
    return Buffer.concat([...parts, frequencies.subarray(0, kept)].map(asBytes));
  }

  #repeat(term: number, ordinal: number, position: number): void {
    const frequency = this.frequencyAt(term, position) + 1;
    if (frequency >= LARGE_FREQUENCY) this.#keepAside(term, ordinal, frequency);
    const kept = Math.min(frequency, LARGE_FREQUENCY);
    this.frequencies[position] = kept;
    if (kept > (this.maxFrequencies[term] as number)) this.maxFrequencies[term] = kept;
  }

  #keepAside(term: number, ordinal: number, frequency: number): void {
    this.#large ??= new Map<string, number>();
    this.#large.set(largeKey(term, ordinal), frequency);
  }

  #reserveTerm(term: number): void {
    if (term < this.starts.length) return;
    const space = new ColumnSpace(this.starts.length, term + 1, TERM_BYTES);
    const before = this.starts;
    this.starts = space.numbers(this.starts);
    this.lengths = space.numbers(this.lengths);
    this.live = space.numbers(this.live);
    this.#capacities = space.numbers(this.#capacities);
    this.maxFrequencies = space.bytes(this.maxFrequencies);
    releaseSpace(before);
  }

  /** Moves the list to a region twice as long; gives its new start. */
  #enlarge(term: number): number {
    const oldCapacity = this.#capacities[term] as number;
    const oldStart = this.starts[term] as number;
    // One that was unpacked is as long as its list.
    const capacity = oldCapacity === 0 ? 1 : 2 ** (Math.floor(Math.log2(oldCapacity)) + 1);
    const start = this.#takeRegion(capacity);
    const length = this.lengths[term] as number;
    this.documents.copyWithin(start, oldStart, oldStart + length);
    this.frequencies.copyWithin(start, oldStart, oldStart + length);
    if (oldCapacity > 0 && Number.isInteger(Math.log2(oldCapacity)))
      (this.#free[Math.log2(oldCapacity)] ??= []).push(oldStart);
    this.starts[term] = start;
    this.#capacities[term] = capacity;
    return start;
  }

  #takeRegion(capacity: number): number {
    const free = this.#free[Math.log2(capacity)]?.pop();
    if (free !== undefined) return free;
    const start = this.#used;
    this.#used += capacity;
    this.#reservePostings(this.#used);
    return start;
  }

  #reservePostings(length: number): void {
    if (length <= this.documents.length) return;
    const space = new ColumnSpace(this.documents.length, length, POSTING_BYTES);
    const before = this.documents;
    this.documents = space.numbers(this.documents);
    this.frequencies = space.bytes(this.frequencies);
    releaseSpace(before);
  }
}

function largeKey(term: number, ordinal: number): string {
  return `${term}:${ordinal}`;
}

function asBytes({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
