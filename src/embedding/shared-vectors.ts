/**
 * Vectors that several servers keep together, under the same keys as the cache in memory. What it cannot do is as if it held
 * nothing: only `clear` and `ping` reject.
 */
export interface SharedVectors {
  /** One per key, in order; undefined where there is none, or none in time. */
  get(keys: readonly string[], signal: AbortSignal): Promise<readonly (Float32Array | undefined)[]>;
  /** In the background. `vectors` in the order of the keys. */
  put(keys: readonly string[], vectors: readonly Float32Array[]): void;
  /** Drops every vector of this model, or those of one namespace. `EMBEDDING_UNAVAILABLE` where that is not known to be done. */
  clear(signal?: AbortSignal, namespace?: string): Promise<void>;
  /** Rejects where nothing answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
