import { CodedError } from '../../base/errors.ts';

const RETRY_MS = 1_000;

/** Somebody makes a snapshot of the same data already: `OVERLOADED`, told apart from a store that has too much to do. */
export class SnapshotInProgress extends CodedError {
  constructor(message: string) {
    super('OVERLOADED', message, { retryAfterMs: RETRY_MS });
  }
}
