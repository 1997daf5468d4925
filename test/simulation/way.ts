import type { Duplex } from 'node:stream';
import type { FakeClock } from '../support/fake-clock.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { Trace } from './trace.ts';

export interface WayDeps {
  readonly clock: FakeClock;
  readonly random: SeededRandom;
  readonly trace: Trace;
}

/** Bytes on the way past which whoever sends is told to wait, as a socket's buffer would. */
const WINDOW_BYTES = 64 * 1024;
const PIECES_MAX = 4;
const SPLIT_SHARE = 0.4;
const DELAY_MS_MAX = 40;
/** Some packets are lost and come a good deal later. */
const LATE_SHARE = 0.02;
const LATE_MS_MAX = 1_500;
/** Writes that a stranger has kept, to send them again. */
const KEPT_WRITES = 16;

/** One direction of a connection: bytes come in their order, split anyhow and late, or not at all. */
export class Way {
  readonly name: string;
  readonly #deps: WayDeps;
  #to: Duplex | null = null;
  readonly #pieces: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
  readonly #kept: Buffer[] = [];
  #pendingBytes = 0;
  #lastDueMs = 0;
  #stalledUntilMs = 0;
  #isBlocked = false;
  #isLost = false;
  #hasEnded = false;
  #isWaiting = false;
  #damaged = false;
  #waitingWrite: (() => void) | null = null;

  constructor(name: string, deps: WayDeps) {
    this.name = name;
    this.#deps = deps;
  }

  /** Whose end it leads to. */
  leadTo(to: Duplex): void {
    this.#to = to;
  }

  /** Bytes are under way, or the end is. */
  get isBusy(): boolean {
    return !this.#isLost && this.#pieces.length > 0;
  }

  send(bytes: Buffer, done: () => void): void {
    if (this.#isLost) return done();
    this.#kept.push(bytes);
    if (this.#kept.length > KEPT_WRITES) this.#kept.shift();
    for (const piece of this.#split(bytes)) this.#queue(piece);
    if (this.#pendingBytes <= WINDOW_BYTES) return done();
    this.#waitingWrite = done;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#queue(Buffer.alloc(0));
  }

  /** The other end wants more. */
  unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#deliverNext();
  }

  /** Nothing comes for so long; what is sent meanwhile comes then. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#deps.clock.monotonicMs() + durationMs);
  }

  /** What is under way never comes, nor does anything after it. */
  lose(): void {
    this.#isLost = true;
    this.#pieces.length = 0;
    this.#waitingWrite?.();
    this.#waitingWrite = null;
  }

  /** Changes a bit of what comes next. */
  damage(): void {
    this.#damaged = true;
  }

  /** Sends again what was sent before, behind what is under way; false: nothing was. */
  replay(): boolean {
    if (this.#kept.length === 0 || this.#isLost || this.#hasEnded) return false;
    this.#queue(this.#deps.random.pick(this.#kept));
    return true;
  }

  #split(bytes: Buffer): Buffer[] {
    const { random } = this.#deps;
    if (bytes.length < 2 || !random.chance(SPLIT_SHARE)) return [bytes];
    const cuts = Array.from({ length: 1 + random.below(PIECES_MAX - 1) }, () => 1 + random.below(bytes.length - 1));
    const places = [0, ...new Set(cuts)].toSorted((a, b) => a - b);
    return places.map((from, i) => bytes.subarray(from, places[i + 1] ?? bytes.length));
  }

  #queue(bytes: Buffer): void {
    if (this.#isLost) return;
    const { clock, random } = this.#deps;
    const delayMs = random.chance(LATE_SHARE) ? random.below(LATE_MS_MAX) : random.below(DELAY_MS_MAX);
    this.#lastDueMs = Math.max(this.#lastDueMs, clock.monotonicMs() + delayMs);
    // A copy: whoever wrote it may write over it.
    this.#pieces.push({ bytes: Buffer.from(bytes), dueMs: this.#lastDueMs });
    this.#pendingBytes += bytes.length;
    this.#deliverNext();
  }

  #deliverNext(): void {
    const [next] = this.#pieces;
    if (next === undefined || this.#isWaiting || this.#isBlocked) return;
    this.#isWaiting = true;
    const dueMs = Math.max(next.dueMs, this.#stalledUntilMs);
    this.#deps.clock.after(dueMs - this.#deps.clock.monotonicMs(), () => {
      this.#isWaiting = false;
      if (this.#stalledUntilMs > this.#deps.clock.monotonicMs()) return this.#deliverNext();
      const piece = this.#pieces.shift();
      if (piece === undefined) return;
      this.#pendingBytes -= piece.bytes.length;
      this.#deliver(piece.bytes);
      this.#releaseWrite();
      this.#deliverNext();
    });
  }

  #deliver(bytes: Buffer): void {
    const to = this.#to;
    if (to === null || to.destroyed || to.readableEnded) return;
    if (bytes.length === 0) {
      this.#deps.trace.note(`${this.name} end`);
      to.push(null);
      return;
    }
    if (this.#damaged) {
      this.#damaged = false;
      const place = this.#deps.random.below(bytes.length);
      bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << this.#deps.random.below(8)), place);
      this.#deps.trace.note(`${this.name} damaged at ${place}`);
    }
    this.#deps.trace.bytes(this.name, bytes);
    this.#isBlocked = !to.push(bytes);
  }

  #releaseWrite(): void {
    if (this.#waitingWrite === null || this.#pendingBytes > WINDOW_BYTES) return;
    const done = this.#waitingWrite;
    this.#waitingWrite = null;
    done();
  }
}
