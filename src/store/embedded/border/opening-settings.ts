/** 32 bytes each, as the settings give them; null: none. */
export interface SealKeys {
  readonly key: Uint8Array | null;
  /** What is stored may still be sealed with it. */
  readonly previousKey: Uint8Array | null;
}

export const NO_KEYS: SealKeys = { key: null, previousKey: null };

/** How much of a database its opening looks at; what is larger is looked through behind it (`WholeCheck`). */
export interface StartCheckBounds {
  /** Up to this size each row is looked for in each index. */
  readonly comparedBytesMax: number;
  /** Up to this size the structure of the whole file is checked. */
  readonly checkedBytesMax: number;
}

/** A second at most. */
export const START_CHECK_BOUNDS: StartCheckBounds = {
  comparedBytesMax: 64 * 1024 * 1024,
  checkedBytesMax: 256 * 1024 * 1024,
};

/** When the index of a namespace is saved. */
export interface SavingBounds {
  /** One of fewer contexts is read from its rows in less than a second. */
  readonly contextsMin: number;
  /** Not while it changes, unless much of it has. */
  readonly quietMs: number;
}

export const SAVING_BOUNDS: SavingBounds = { contextsMin: 20_000, quietMs: 2_000 };

/** How a database is opened. */
export interface OpeningSettings {
  /** It never grows past so many pages; what does not fit is refused as on a full disk. */
  readonly databasePagesMax: number | null;
  /** Vectors that `context-manager reembed` has made take the place of those of another model. */
  readonly mayReembed: boolean;
  readonly seal: SealKeys;
  /** Absent: `START_CHECK_BOUNDS`. */
  readonly startCheck?: StartCheckBounds | undefined;
  /** Absent: `SAVING_BOUNDS`. */
  readonly saving?: SavingBounds | undefined;
}

/** Of a re-seal: rows of one kind, of all that there are. */
export interface RowsDone {
  readonly done: number;
  readonly total: number;
}
