import type { CodedError } from '../base/errors.ts';

/** A text's vector, or why the model has none for this text: the others are none the worse for it. */
export type Embedded = Float32Array | CodedError;

/** A text and who may learn that it was embedded before: namespaces share no vector, so none can tell what another holds. */
export interface OwnedText {
  readonly namespace: string;
  readonly text: string;
}

/**
 * Where vectors come from: a model, or a cache before one, whose texts have owners. Vectors are L2-normalised, so
 * that a dot product is their cosine.
 */
export interface EmbeddingProvider<Text extends string | OwnedText = string> {
  /** Model and version; stored with the data, so that vectors of two models are never mixed. */
  readonly id: string;
  /** Numbers per vector. */
  readonly dimension: number;
  /** What a cosine of its vectors says beside BM25 (settings `hirag.fusion.dense_*`). */
  readonly kind: EmbedderKind;
  /**
   * Tokens (`estimatedTokens`) up to which a text of either kind is embedded whole, what the provider puts before it not
   * counted; longer ones go in passages (`PassageEmbedder`). Absent: all go as they are.
   */
  readonly textTokensMax?: Readonly<Record<EmbeddingKind, number>> | undefined;
  /**
   * One vector per text, in order. A `query` may be prefixed differently from a `passage`. A text that the model refuses
   * has its error in its place: `BAD_REQUEST`, `PAYLOAD_TOO_LARGE`.
   * Throws `EMBEDDING_UNAVAILABLE` where the model cannot be reached.
   */
  embed(texts: readonly Text[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Embedded[]>;
}

/** `lexical`: spellings are compared; `blended`: spellings and the meanings of single words; `semantic`: whole texts. */
export type EmbedderKind = 'lexical' | 'blended' | 'semantic';

export type EmbeddingKind = 'query' | 'passage';

/** The vectors, where there are only such; else throws the first error. */
export function onlyVectors(embedded: readonly Embedded[]): Float32Array[] {
  return embedded.map((vector) => {
    if (vector instanceof Error) throw vector;
    return vector;
  });
}
