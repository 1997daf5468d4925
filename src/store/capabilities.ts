/** What a driver can do beyond the contract that every driver keeps. */
export interface StoreCapabilities {
  /** Writes of one call are applied all or none; a `delete_where` among them is not one of them. */
  readonly atomicBatches: boolean;
  /** No other process has it open. */
  readonly isExclusive?: true;
}
