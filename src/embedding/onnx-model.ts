// A model in ONNX format, run with `@huggingface/transformers`; see onnx-worker.ts for the thread that it blocks.

import type { ModelDescription } from './onnx-description.ts';
import { OnnxFault } from './onnx-fault.ts';
import type { Model } from './onnx-package.ts';
import { pool, type TokenVectors } from './onnx-pooling.ts';
import type { OnnxTokens, TokenizedText } from './onnx-tokens.ts';
import { norm, normalized } from './vectors.ts';

export class OnnxModel {
  readonly #tokens: OnnxTokens;
  readonly #model: Model;
  readonly #description: ModelDescription;
  #poolsItself = false;

  constructor(tokens: OnnxTokens, model: Model, description: ModelDescription) {
    this.#tokens = tokens;
    this.#model = model;
    this.#description = description;
  }

  /** How it pools, as the vectors that were made last have shown. */
  get pooling(): string {
    return this.#poolsItself ? 'itself' : this.#description.pooling;
  }

  tokenize(texts: readonly string[]): TokenizedText[] {
    return this.#tokens.tokenize(texts);
  }

  /** Characters of a text that are looked at. */
  charsRead(text: string): number {
    return Math.min(text.length, this.#tokens.charsMax);
  }

  /**
   * In one run of the model: a vector for each text, of which each has a token. Throws `OnnxFault` where the model's file
   * gives no vectors that can be used.
   */
  async run(texts: readonly TokenizedText[]): Promise<Float32Array[]> {
    const inputs = this.#tokens.inputs(texts);
    const all = this.#pooled(await this.#model(inputs), inputs['attention_mask']?.data ?? []);
    const dimension = all.length / texts.length;
    return texts.map((_, at) => {
      const vector = all.slice(at * dimension, (at + 1) * dimension);
      return this.#description.isNormalized ? (normalized(vector, norm(vector)) ?? vector) : vector;
    });
  }

  /** A model that pools by itself, and maybe more, knows best. */
  #pooled(output: Awaited<ReturnType<Model>>, mask: ArrayLike<bigint>): Float32Array {
    const { pooling, isPoolingSet, otherModules } = this.#description;
    const { sentence_embedding } = output;
    if (sentence_embedding !== undefined && !isPoolingSet) {
      this.#poolsItself = true;
      return sentence_embedding.data;
    }
    if (otherModules.length > 0) throw unusable(`its ONNX file gives vectors before ${otherModules.join(' and ')}`);
    const tokenVectors = output['last_hidden_state'] ?? output['token_embeddings'];
    if (tokenVectors?.dims.length !== 3) throw unusable(`its ONNX file gives no vectors of tokens${given(output)}`);
    return pool(tokenVectors, mask, pooling);
  }
}

function given(output: Readonly<Record<string, TokenVectors | undefined>>): string {
  return `, but ${Object.keys(output).join(', ')}`;
}

function unusable(message: string): OnnxFault {
  return new OnnxFault(
    `the model of embedding.model cannot be used: ${message}`,
    'Export it with the task feature-extraction (its output is last_hidden_state) or sentence-similarity, or take another.',
  );
}
