// Texts as a model reads them: rows of tokens of one length.

import type { Tensor, Tokenizer, TokenRows, Transformers } from './onnx-package.ts';

/** Below it is text that no tokenizer makes less than a window of: what is behind is not looked at. */
const CHARS_PER_TOKEN_MAX = 64;
const HIGH_SURROGATES = /[\ud800-\udbff]$/;

/** A text, cut to the window. */
export interface TokenizedText {
  /** By the names of the model's inputs. */
  readonly rows: Readonly<Record<string, readonly number[]>>;
  /** Tokens; none where it is too long. */
  readonly length: number;
  readonly isTooLong: boolean;
}

export type ModelInputs = Readonly<Record<string, Tensor>>;

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

  tokenize(texts: readonly string[]): TokenizedText[] {
    const rows = this.#rows(texts.map((text) => beginning(text, this.charsMax)));
    return texts.map((_, at) => {
      const own = Object.entries(rows).map(([name, all]) => [name, all[at] ?? []] as const);
      const tokens = rows['input_ids']?.[at]?.length ?? 0;
      const isTooLong = this.#refusesLong && tokens > this.#windowTokens;
      const length = isTooLong ? 0 : Math.min(tokens, this.#windowTokens);
      return { rows: Object.fromEntries(own.map(([name, row]) => [name, this.#cut(row, length)])), length, isTooLong };
    });
  }

  /** Of a text that are looked at: for what is behind the window has no room. */
  get charsMax(): number {
    return this.#windowTokens * CHARS_PER_TOKEN_MAX;
  }

  /** Rows of one length: the shorter ones are filled up. One text has a token at least. */
  inputs(texts: readonly TokenizedText[]): ModelInputs {
    const longest = Math.max(...texts.map(({ length }) => length));
    const names = Object.keys(texts[0]?.rows ?? {});
    const inputs = names.map((name) => {
      const padding = name === 'input_ids' ? (this.#tokenizer.pad_token_id ?? 0) : 0;
      const data = new BigInt64Array(texts.length * longest).fill(BigInt(padding));
      texts.forEach(({ rows }, at) => {
        for (const [i, value] of (rows[name] ?? []).entries()) data[at * longest + i] = BigInt(value);
      });
      return [name, new this.#Tensor('int64', data, [texts.length, longest])] as const;
    });
    return Object.fromEntries(inputs);
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
