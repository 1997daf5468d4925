// Texts as a model reads them: rows of tokens of one length.

import type { Tensor, Tokenizer, TokenRows, Transformers } from './onnx-package.ts';

/** Below it is text that no tokenizer makes less than a window of: what is behind is not looked at. */
const CHARS_PER_TOKEN_MAX = 64;
const HIGH_SURROGATES = /[\ud800-\udbff]$/;

export interface TokenBatch {
  /** By the names of the model's inputs; null: no text has a token. */
  readonly inputs: Readonly<Record<string, Tensor>> | null;
  /** Tokens of each text in it. */
  readonly lengths: readonly number[];
  /** Places of texts that have more tokens than the window: in the batch they have none. */
  readonly tooLong: readonly number[];
}

export class OnnxTokens {
  readonly #tokenizer: Tokenizer;
  readonly #Tensor: Transformers['Tensor'];
  readonly #windowTokens: number;
  readonly #refusesLong: boolean;
  /** Behind every text. */
  readonly #endTokens: number;

  /** `refusesLong`: a text with more tokens than the window is told of; else its beginning is taken. */
  constructor(
    tokenizer: Tokenizer,
    Tensor: Transformers['Tensor'],
    { windowTokens, refusesLong }: { readonly windowTokens: number; readonly refusesLong: boolean },
  ) {
    this.#tokenizer = tokenizer;
    this.#Tensor = Tensor;
    this.#windowTokens = windowTokens;
    this.#refusesLong = refusesLong;
    this.#endTokens = endTokensOf(this.#rows(['', 'a'])['input_ids'] ?? []);
  }

  batch(texts: readonly string[]): TokenBatch {
    const rows = this.#rows(texts.map((text) => beginning(text, this.#windowTokens * CHARS_PER_TOKEN_MAX)));
    const own = (rows['input_ids'] ?? []).map((row) => row.length);
    const isTooLong = (at: number): boolean => this.#refusesLong && (own[at] ?? 0) > this.#windowTokens;
    const tooLong = [...texts.keys()].filter(isTooLong);
    const lengths = own.map((length, at) => (isTooLong(at) ? 0 : Math.min(length, this.#windowTokens)));
    const longest = Math.max(...lengths);
    if (longest === 0) return { inputs: null, lengths, tooLong };
    const inputs = Object.entries(rows).map(([name, values]) => {
      const padding = name === 'input_ids' ? (this.#tokenizer.pad_token_id ?? 0) : 0;
      const data = new BigInt64Array(texts.length * longest).fill(BigInt(padding));
      values.forEach((row, at) => {
        for (const [i, value] of this.#cut(row, lengths[at] ?? 0).entries()) data[at * longest + i] = BigInt(value);
      });
      return [name, new this.#Tensor('int64', data, [texts.length, longest])] as const;
    });
    return { inputs: Object.fromEntries(inputs), lengths, tooLong };
  }

  /** Uncut: the package would cut off the tokens that end a text, too, and models that pool the last one need it. */
  #rows(texts: readonly string[]): TokenRows {
    return this.#tokenizer(texts, { padding: false, truncation: false, return_tensor: false });
  }

  #cut(row: readonly number[], length: number): readonly number[] {
    if (row.length <= length || length === 0) return row.slice(0, length);
    return [...row.slice(0, length - this.#endTokens), ...row.slice(row.length - this.#endTokens)];
  }
}

/** Those of a text without a token of its own that are behind those of one with any. */
function endTokensOf([empty = [], one = []]: readonly (readonly number[])[]): number {
  let count = 0;
  while (count < empty.length && count < one.length && empty.at(-1 - count) === one.at(-1 - count)) count++;
  return count;
}

function beginning(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, charsMax).replace(HIGH_SURROGATES, '');
}
