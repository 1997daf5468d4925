// From one embedding model to another while servers go on with the old one: new vectors are made beside the old ones,
// and one step puts them in their place.

import type { CodedError } from '../base/errors.ts';
import type { TextVectors } from './store.ts';

/** Model and version, and the numbers of a vector. */
export interface EmbeddingIdentity {
  readonly id: string;
  readonly dimension: number;
}

export interface OwnedText {
  readonly namespace: string;
  readonly text: string;
}

/** For each text its vectors, or why the model has none for it. Throws where the model cannot be reached. */
export type EmbedTexts = (texts: readonly OwnedText[]) => Promise<(TextVectors | CodedError)[]>;

/** A context whose text the model refused: words alone will find it. */
export interface RefusedContext {
  readonly namespace: string;
  readonly id: string;
  readonly reason: string;
}

export interface PassOutcome {
  /** Contexts that were looked at. */
  readonly contexts: number;
  /** Of them those that got a new vector in this pass. */
  readonly embedded: number;
  readonly refused: readonly RefusedContext[];
}

export interface PassOptions {
  readonly embed: EmbedTexts;
  /** Texts that are embedded and kept together. */
  readonly batchTexts: number;
  /** So many of the contexts have been looked at, so many got a vector, so many were refused. */
  readonly onProgress?: (looked: number, embedded: number, refused: number) => void;
}

/** Rejects with `StartupError` where the stored data cannot be used, and with what `embed` throws. */
export interface Reembedding {
  /** What the stored vectors are made by. */
  readonly from: EmbeddingIdentity;
  count(): Promise<number>;
  /** Goes through all contexts once and makes vectors for those that have none of the new model yet. */
  pass(options: PassOptions): Promise<PassOutcome>;
  /** Puts the new vectors in place of the old ones. False where a server works with the old ones: its next start does it. */
  switchOver(): Promise<boolean>;
  /** Keeps what was done. */
  close(): Promise<void>;
}

export function isSameEmbedding(one: EmbeddingIdentity, other: EmbeddingIdentity): boolean {
  return one.id === other.id && one.dimension === other.dimension;
}
