import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { PassageEmbedder } from '../../embedding/passage-embedder.ts';
import type { OwnedText } from '../../embedding/provider.ts';
import type { TextVectors } from '../../store/store.ts';
import { inShareOfTime } from '../share-of-time.ts';
import type { CallOptions } from '../types.ts';

export interface DeferralRules {
  /** Stores go on without vectors where the model is away; else they fail. */
  readonly defer: boolean;
  /** Numbers per vector. */
  readonly dimension: number;
}

/** Whoever waits for a store is kept waiting no longer for a vector that may come later. */
const WAIT_MS_MAX = 10_000;

/** The vectors of texts that are to be stored, or, where that is allowed, the word that they are still to be made. */
export class TextEmbedding {
  readonly #embedder: PassageEmbedder;
  readonly #rules: DeferralRules;
  readonly #clock: Clock;

  constructor(embedder: PassageEmbedder, rules: DeferralRules, clock: Clock) {
    this.#embedder = embedder;
    this.#rules = rules;
    this.#clock = clock;
  }

  /** One for each text, in order; those that the model refuses have their error. */
  async of(texts: readonly OwnedText[], options: CallOptions): Promise<(TextVectors | CodedError)[]> {
    if (!this.#rules.defer) return this.#embedder.texts(texts, options.signal);
    try {
      return await inShareOfTime(options, this.#clock, WAIT_MS_MAX, (signal) => this.#embedder.texts(texts, signal));
    } catch (error) {
      // Overload is not for later: what is put off then would only grow.
      if (!(error instanceof CodedError && error.code === 'EMBEDDING_UNAVAILABLE')) throw error;
      return texts.map(() => withoutVector(this.#rules.dimension, 'pending'));
    }
  }
}

export function withoutVector(dimension: number, unembedded: NonNullable<TextVectors['unembedded']>): TextVectors {
  return { vector: new Float32Array(dimension), unembedded };
}
