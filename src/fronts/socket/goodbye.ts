import { REVOKED_GRACE_MS } from '../../api/principal.ts';
import type { CodedError } from '../../base/errors.ts';

/** A peer that knows of the server's end, waits for nothing and has been silent for so long will send nothing more. */
const QUIET_MS = 500;

/** What runs for a key when its time is over may take so much longer. */
const EXPIRED_GRACE_MS = 10_000;

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

  /** It takes nothing more, and ends with `error` when nothing runs, after a while whatever runs: soon, where its key is revoked. */
  dismiss(error: CodedError, nowMs: number, isRevoked: boolean): void {
    this.#dismissal ??= { error, untilMs: nowMs + (isRevoked ? REVOKED_GRACE_MS : EXPIRED_GRACE_MS) };
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
