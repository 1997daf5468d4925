// From one embedding model to another while servers go on with the old one: new vectors are made beside the old ones,
// and one step puts them in their place.

import { type CodedError, StartupError } from '../base/errors.ts';
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
  /** So many of the contexts have been looked at, so many got a vector. */
  readonly onProgress?: (looked: number, embedded: number) => void;
}

/**
 * Rejects with `StartupError` where the stored data cannot be used, or the model refuses nearly everything, and with what
 * `embed` throws.
 */
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

const REFUSALS_MIN = 10;

/**
 * A service may refuse every text for what is wrong with its settings. To be asked before refusals are kept: what is kept
 * may be put in place of vectors that were good. Throws `StartupError`.
 */
export function checkRefusals(looked: number, refused: number): void {
  if (refused <= REFUSALS_MIN || refused <= looked / 2) return;
  throw new StartupError(
    `the embedding service refused ${refused} of ${looked} texts`,
    'The vectors of before are still in place. Check embedding.model and what the service takes, and run the same command again.',
  );
}
