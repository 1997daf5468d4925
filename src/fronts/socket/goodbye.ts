import type { CodedError } from '../../base/errors.ts';

/** A peer that knows of the server's end, waits for nothing and has been silent for so long will send nothing more. */
const QUIET_MS = 500;
/** How long what runs may take when a connection is dismissed. */
const DISMISSAL_MS_MAX = 10_000;

/** How an open connection comes to its end without being cut off. All times are monotonic. */
export class Goodbye {
  /** What the peer is known to know of the server's end (section 3). */
  #farewell: 'none' | 'said' | 'heard' = 'none';
  #dismissal: { readonly error: CodedError; readonly untilMs: number } | null = null;

  /** False where it has been said before. */
  say(): boolean {
    if (this.#farewell !== 'none') return false;
    this.#farewell = 'said';
    return true;
  }

  /** The peer has answered a ping: that behind the farewell, where one was said. */
  answered(): void {
    if (this.#farewell === 'said') this.#farewell = 'heard';
  }

  /** Whether an idle peer, heard of last at `heardMs`, may be left. */
  isOver(nowMs: number, heardMs: number): boolean {
    return this.#farewell === 'heard' && nowMs - heardMs >= QUIET_MS;
  }

  /** It takes nothing more, and ends with `error` when nothing runs. */
  dismiss(error: CodedError, nowMs: number): void {
    this.#dismissal ??= { error, untilMs: nowMs + DISMISSAL_MS_MAX };
  }

  get isDismissed(): boolean {
    return this.#dismissal !== null;
  }

  /** What it is to end with now; null: it goes on. */
  due(nothingRuns: boolean, nowMs: number): CodedError | null {
    if (this.#dismissal === null) return null;
    return nothingRuns || nowMs >= this.#dismissal.untilMs ? this.#dismissal.error : null;
  }
}
