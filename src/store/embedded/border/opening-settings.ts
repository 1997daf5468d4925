/** 32 bytes each, as the settings give them; null: none. */
export interface SealKeys {
  readonly key: Uint8Array | null;
  /** What is stored may still be sealed with it. */
  readonly previousKey: Uint8Array | null;
}

export const NO_KEYS: SealKeys = { key: null, previousKey: null };

/** How a database is opened. */
export interface OpeningSettings {
  /** It never grows past so many pages; what does not fit is refused as on a full disk. */
  readonly databasePagesMax: number | null;
  /** Vectors that `context-manager reembed` has made take the place of those of another model. */
  readonly mayReembed: boolean;
  readonly seal: SealKeys;
}

/** Of a re-seal: rows of one kind, of all that there are. */
export interface RowsDone {
  readonly done: number;
  readonly total: number;
}
