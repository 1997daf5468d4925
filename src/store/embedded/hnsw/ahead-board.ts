// What the store's thread asks of the thread beside it, and what that found: memory that both of them see. A question takes
// a slot; those whose turn it is are searched first, and of others the oldest. Who asks reads the answer where it stands and gives the slot back.

/** Hits of one question at most. */
export const AHEAD_HITS_MAX = 1_024;
/** Questions that are asked and not yet read, at most. */
const SLOTS = 64;
/** Slots that are left for questions whose turn it is, where others are asked long before. */
const LEFT_FREE = 16;
/** A search of the hardest million takes 25 ms; a thread that needs so long has ended or hangs. */
const PATIENCE_MS = 2_000;
/** Where others have their turn meanwhile: a graph may have to come from a slow disk. */
const PATIENCE_IN_STEPS_MS = 30_000;

/** What a slot is at. */
const FREE = 0;
const ASKED = 1;
const SEARCHED = 2;
const ANSWERED = 3;
const FAILED = 4;

/**
 * Numbers before the slots: calls to the other thread, questions asked, segments closed, whether that thread has started,
 * segments opened and questions answered, in vain or not. They are even in number, as floats of eight bytes stand behind the slots.
 */
const CALLS = 0;
const QUESTIONS = 1;
const CLOSED = 2;
const STARTED = 3;
const OPENED = 4;
const FINISHED = 5;
const BEFORE_SLOTS = 6;

/** Whole numbers of a slot. */
const STATE = 0;
const SEGMENT = 1;
const WANTED = 2;
const SCORED = 3;
const FOUND = 4;
/** The how manieth question it is; it wraps around. */
const ORDER = 5;
/** 1: its turn is still to come. */
const EARLY = 6;
const SLOT_NUMBERS = 8;

const NO_ANSWER = 'the thread that searches indexes does not answer';

export interface AheadQuestion {
  readonly segment: number;
  /** At the start of its buffer. */
  readonly vector: Float32Array;
  readonly wanted: number;
  /** So many of the best are scored from their full vectors. */
  readonly scored: number;
}

/** Views of a slot: they hold until it is given back. */
export interface AheadAnswer {
  readonly found: number;
  /** Best first by the graph's order. */
  readonly entries: Float64Array;
  readonly distances: Float32Array;
  /** Of the first ones. */
  readonly trueDistances: Float32Array;
}

export class AheadBoard {
  /** Crosses the thread border. */
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #vectors: Float32Array;
  readonly #entries: Float64Array;
  readonly #distances: Float32Array;
  readonly #dimension: number;
  /** Of the asking thread: slots whose answer somebody still wants. */
  readonly #wanted = new Uint8Array(SLOTS);
  /** Of the asking thread: how long the search of each slot's last question should take. */
  readonly #expectedNs = new Float64Array(SLOTS);
  /** Of the asking thread: how long it has waited in steps since so many were finished. */
  #waitedMs = 0;
  #finishedBefore = 0;

  constructor(dimension: number, buffer?: SharedArrayBuffer) {
    const numbers = BEFORE_SLOTS + SLOTS * SLOT_NUMBERS;
    const entries = SLOTS * AHEAD_HITS_MAX * Float64Array.BYTES_PER_ELEMENT;
    const distances = 2 * SLOTS * AHEAD_HITS_MAX * Float32Array.BYTES_PER_ELEMENT;
    const before = numbers * Int32Array.BYTES_PER_ELEMENT;
    const vectors = SLOTS * dimension * Float32Array.BYTES_PER_ELEMENT;
    this.buffer = buffer ?? new SharedArrayBuffer(before + entries + distances + vectors);
    this.#dimension = dimension;
    this.#numbers = new Int32Array(this.buffer, 0, numbers);
    this.#entries = new Float64Array(this.buffer, before, SLOTS * AHEAD_HITS_MAX);
    this.#distances = new Float32Array(this.buffer, before + entries, 2 * SLOTS * AHEAD_HITS_MAX);
    this.#vectors = new Float32Array(this.buffer, before + entries + distances, SLOTS * dimension);
  }

  /** Gives the slot; null: too few are free. `isEarly`: its turn is still to come. */
  ask({ segment, vector, wanted, scored }: AheadQuestion, expectedNs: number, isEarly: boolean): number | null {
    const slot = this.#freeSlot(isEarly ? LEFT_FREE : 0);
    if (slot === null) return null;
    const at = slotAt(slot);
    this.#numbers[at + SEGMENT] = segment;
    this.#numbers[at + WANTED] = wanted;
    this.#numbers[at + SCORED] = scored;
    this.#vectors.set(vector, slot * this.#dimension);
    this.#wanted[slot] = 1;
    this.#expectedNs[slot] = expectedNs;
    this.#numbers[at + EARLY] = isEarly ? 1 : 0;
    this.#numbers[at + ORDER] = Atomics.add(this.#numbers, QUESTIONS, 1);
    Atomics.store(this.#numbers, at, ASKED);
    this.call();
    return slot;
  }

  /** Waits for the answer; null: there is none. Throws where the other thread does not stir. */
  answer(slot: number): AheadAnswer | null {
    const at = slotAt(slot);
    for (;;) {
      const state = Atomics.load(this.#numbers, at);
      if (state === ANSWERED) break;
      if (state !== ASKED && state !== SEARCHED) return null;
      if (Atomics.wait(this.#numbers, at, state, PATIENCE_MS) === 'timed-out') throw new Error(NO_ANSWER);
    }
    const first = slot * AHEAD_HITS_MAX;
    const found = this.#numbers[at + FOUND] as number;
    const scored = Math.min(found, this.#numbers[at + SCORED] as number);
    return {
      found,
      entries: this.#entries.subarray(first, first + found),
      distances: this.#distances.subarray(2 * first, 2 * first + found),
      trueDistances: this.#distances.subarray(2 * first + AHEAD_HITS_MAX, 2 * first + AHEAD_HITS_MAX + scored),
    };
  }

  /** Waits so long at most. True: `answer` will not wait. Throws where the other thread does not stir. */
  isAnswered(slot: number, waitMs: number): boolean {
    const at = slotAt(slot);
    for (;;) {
      const state = Atomics.load(this.#numbers, at);
      if (state !== ASKED && state !== SEARCHED) return true;
      // It is woken when the answer is there, and not before.
      if (Atomics.wait(this.#numbers, at, state, waitMs) !== 'timed-out') continue;
      this.#noteWaited(waitMs);
      return false;
    }
  }

  /** What is asked and not answered yet is expected to take so long: all of it, or that whose turn it is. */
  pendingNs(isEarly: boolean): number {
    const counts = (slot: number): boolean => !this.#isAtRest(slot) && (isEarly || !this.#isEarly(slot));
    return this.#expectedNs.reduce((sum, ns, slot) => (counts(slot) ? sum + ns : sum), 0);
  }

  get hasStarted(): boolean {
    return Atomics.load(this.#numbers, STARTED) === 1;
  }

  /** Segments that the other thread has opened, or tried to. */
  get openedCount(): number {
    return Atomics.load(this.#numbers, OPENED);
  }

  /** Nobody reads the answer, or nobody any more. What was not begun is not looked for. */
  release(slot: number): void {
    Atomics.compareExchange(this.#numbers, slotAt(slot), ASKED, FREE);
    this.#wanted[slot] = 0;
  }

  /** Wakes the other thread, so that it looks at its messages and at what is asked. */
  call(): void {
    Atomics.add(this.#numbers, CALLS, 1);
    Atomics.notify(this.#numbers, CALLS);
  }

  /** Waits until the other thread has closed so many segments since it started. Throws where it does not stir. */
  untilClosed(count: number): void {
    for (;;) {
      const closed = Atomics.load(this.#numbers, CLOSED);
      if (closed >= count) return;
      if (Atomics.wait(this.#numbers, CLOSED, closed, PATIENCE_MS) === 'timed-out')
        throw new Error('the thread that searches indexes does not close one');
    }
  }

  /** The time that was waited is counted, not that which went by: this process may have been stopped meanwhile. */
  #noteWaited(ms: number): void {
    const finished = Atomics.load(this.#numbers, FINISHED);
    this.#waitedMs = finished === this.#finishedBefore ? this.#waitedMs + ms : ms;
    this.#finishedBefore = finished;
    if (this.#waitedMs > PATIENCE_IN_STEPS_MS) throw new Error(NO_ANSWER);
  }

  #freeSlot(leftFree: number): number | null {
    let left = leftFree;
    for (let slot = 0; slot < SLOTS; slot++)
      if (this.#wanted[slot] === 0 && this.#isAtRest(slot) && left-- === 0) return slot;
    return null;
  }

  #isAtRest(slot: number): boolean {
    const state = Atomics.load(this.#numbers, slotAt(slot));
    return state === FREE || state === ANSWERED || state === FAILED;
  }

  // From here on: what the answering thread calls.

  started(): void {
    Atomics.store(this.#numbers, STARTED, 1);
  }

  /** Calls so far: to be handed to `waitForCall`, which then waits for one that came later. */
  get calls(): number {
    return Atomics.load(this.#numbers, CALLS);
  }

  waitForCall(since: number): void {
    Atomics.wait(this.#numbers, CALLS, since);
  }

  /** The slot of the first question that nobody has given back, which is searched from now on; null: there is none. */
  next(): number | null {
    for (;;) {
      let first: number | null = null;
      for (let slot = 0; slot < SLOTS; slot++)
        if (Atomics.load(this.#numbers, slotAt(slot)) === ASKED && (first === null || this.#isBefore(slot, first)))
          first = slot;
      if (first === null) return null;
      if (Atomics.compareExchange(this.#numbers, slotAt(first), ASKED, SEARCHED) === ASKED) return first;
    }
  }

  #isEarly(slot: number): boolean {
    return this.#numbers[slotAt(slot) + EARLY] === 1;
  }

  #isBefore(slot: number, other: number): boolean {
    if (this.#isEarly(slot) !== this.#isEarly(other)) return this.#isEarly(other);
    const [order, others] = [slot, other].map((one) => this.#numbers[slotAt(one) + ORDER] as number) as [
      number,
      number,
    ];
    return ((order - others) | 0) < 0;
  }

  /** `vector`: a copy. */
  question(slot: number): AheadQuestion {
    const at = slotAt(slot);
    return {
      segment: this.#numbers[at + SEGMENT] as number,
      wanted: this.#numbers[at + WANTED] as number,
      scored: this.#numbers[at + SCORED] as number,
      vector: new Float32Array(this.#vectors.subarray(slot * this.#dimension, (slot + 1) * this.#dimension)),
    };
  }

  /** Where an answer to the question in this slot is to be written. */
  room(slot: number): Omit<AheadAnswer, 'found'> {
    const first = slot * AHEAD_HITS_MAX;
    return {
      entries: this.#entries.subarray(first, first + AHEAD_HITS_MAX),
      distances: this.#distances.subarray(2 * first, 2 * first + AHEAD_HITS_MAX),
      trueDistances: this.#distances.subarray(2 * first + AHEAD_HITS_MAX, 2 * first + 2 * AHEAD_HITS_MAX),
    };
  }

  /** `found` null: it failed. `scored`: so many of the first are. */
  finish(slot: number, found: number | null, scored: number): void {
    const at = slotAt(slot);
    this.#numbers[at + FOUND] = found ?? 0;
    this.#numbers[at + SCORED] = scored;
    Atomics.add(this.#numbers, FINISHED, 1);
    Atomics.store(this.#numbers, at, found === null ? FAILED : ANSWERED);
    Atomics.notify(this.#numbers, at);
  }

  opened(): void {
    Atomics.add(this.#numbers, OPENED, 1);
  }

  closed(): void {
    Atomics.add(this.#numbers, CLOSED, 1);
    Atomics.notify(this.#numbers, CLOSED);
  }
}

function slotAt(slot: number): number {
  return BEFORE_SLOTS + slot * SLOT_NUMBERS + STATE;
}
