import type { ErrorCode } from '../base/errors.ts';
import { Ring } from '../base/ring.ts';

/** Of a request that failed: nothing that says whose it was, or of what. */
export interface RecentError {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly code: ErrorCode;
  readonly type: string;
  /** The client's id of it; null: not readable. */
  readonly requestId: number | string | null;
}

const KEPT_MAX = 20;

/** The last requests that failed, whatever the reason. */
export class RecentErrors {
  readonly #ring = new Ring<RecentError>(KEPT_MAX);

  note(error: RecentError): void {
    this.#ring.push(error);
  }

  /** The last first. */
  get all(): readonly RecentError[] {
    return this.#ring.newest(KEPT_MAX);
  }
}
