import type { OnnxModel } from './onnx-model.ts';
import { runsOf } from './onnx-runs.ts';
import type { TokenizedText } from './onnx-tokens.ts';

/** Characters that become tokens between two looks at the messages, unless one text has more. */
const TOKENIZED_CHARS_MAX = 16_000;

export interface MadeVectors {
  /** Of the texts, one after another; zeros where a text has no token or is too long. */
  readonly vectors: Float32Array;
  /** Places of texts that are longer than the model's window. */
  readonly tooLong: readonly number[];
}

/** Texts on their way through the model, in steps of about one run. */
export class OnnxJob {
  readonly id: number;
  /** About so many characters. */
  left: number;
  readonly #model: OnnxModel;
  readonly #dimension: number;
  readonly #texts: readonly string[];
  readonly #steps: AsyncGenerator<void, MadeVectors, void>;

  constructor(
    { id, texts }: { readonly id: number; readonly texts: readonly string[] },
    { model, dimension }: { readonly model: OnnxModel; readonly dimension: number },
  ) {
    this.id = id;
    this.#model = model;
    this.#dimension = dimension;
    this.#texts = texts;
    this.left = texts.reduce((chars, text) => chars + model.charsRead(text), 0);
    this.#steps = this.#embedding();
  }

  /** null: there are further steps. */
  async step(): Promise<MadeVectors | null> {
    const { done, value } = await this.#steps.next();
    return done === true ? value : null;
  }

  async *#embedding(): AsyncGenerator<void, MadeVectors, void> {
    const tokenized: TokenizedText[] = [];
    for (const texts of this.#slices()) {
      // One text's tokens are seldom worth a step of their own.
      if (tokenized.length > 0) yield;
      tokenized.push(...this.#model.tokenize(texts));
    }
    const vectors = new Float32Array(this.#texts.length * this.#dimension);
    let runs = 0;
    for (const places of runsOf(tokenized.map(({ length }) => length))) {
      if (runs++ > 0) yield;
      const made = await this.#model.run(places.map((place) => tokenized[place] as TokenizedText));
      places.forEach((place, i) => vectors.set(made[i] ?? [], place * this.#dimension));
      for (const place of places) this.left -= this.#model.charsRead(this.#texts[place] as string);
    }
    return { vectors, tooLong: [...tokenized.keys()].filter((place) => tokenized[place]?.isTooLong === true) };
  }

  *#slices(): Generator<readonly string[]> {
    let from = 0;
    let chars = 0;
    for (const [at, text] of this.#texts.entries()) {
      const read = this.#model.charsRead(text);
      if (at > from && chars + read > TOKENIZED_CHARS_MAX) {
        yield this.#texts.slice(from, at);
        from = at;
        chars = 0;
      }
      chars += read;
    }
    if (from < this.#texts.length) yield this.#texts.slice(from);
  }
}
