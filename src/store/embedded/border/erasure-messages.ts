// What of erasures crosses the border between the main thread and the store worker.

/**
 * Where it goes on. Free pages come first: a row that is written meanwhile into a page that was done already may go on in one of
 * them, and leave its end as it was. Then all, and all again where something was written meanwhile, which may have moved a row
 * from a page that was to come into one that was done.
 */
export interface BlankingPlace {
  /** 0: through the free pages. */
  readonly pass: number;
  /** The first is 1. */
  readonly page: number;
  /** Rows that this connection had changed when the pass began; null: it begins now. */
  readonly changes: number | null;
}

/** What a deletion that counts took away beside rows. */
export interface WireTally {
  readonly vectors: number;
  /** Numbers in the vectors of further passages. */
  readonly passageNumbers: number;
  readonly postings: number;
  readonly supersessions: number;
}

export type WireScrub =
  /** What there is of a namespace outside of its rows: index files and, where nothing is stored in it, its name. */
  | { readonly step: 'namespace'; readonly namespace: string; readonly isWhole: boolean }
  /** Some pages of the file; null: from the first on. */
  | { readonly step: 'file'; readonly place: BlankingPlace | null };

export interface WireScrubbed {
  /** Others must have done with the log, or with an index, first: again in a while. */
  readonly waits: boolean;
  readonly next: BlankingPlace | null;
  readonly blankedPages: number;
  readonly indexFiles: number;
  readonly isTooLarge: boolean;
}

export interface ErasureCallTypes {
  scrub: { body: WireScrub; result: WireScrubbed };
}
