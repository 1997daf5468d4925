/** Looks through all that is stored, for damage that no read would tell of. */
export interface WholeCheck {
  /** Nobody has looked since it was opened. */
  readonly isDue: boolean;
  /**
   * Once. Other calls go on meanwhile. Rejects with the signal's reason, and with `STORE_UNAVAILABLE` where it could not be read, or is
   * damaged: then every other call does, too, from then on.
   */
  run(signal?: AbortSignal): Promise<void>;
}
