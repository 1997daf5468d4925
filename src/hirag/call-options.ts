/** How long the caller waits; a call that cannot start in time fails with `DEADLINE_EXCEEDED`. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** On the monotonic clock; `signal` aborts then. */
  readonly deadlineAtMs?: number | undefined;
  /** A look at the memory, not a use of it: what it returns is not counted as accessed, so that no rank moves by it. */
  readonly isLook?: boolean | undefined;
}
