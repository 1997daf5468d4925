import type { Pooling } from './onnx-messages.ts';

/** Numbers of a model's reply, of a shape: texts, tokens, numbers per token. */
export interface TokenVectors {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** The vectors of all texts, one after another; that of a text without tokens stays zero. */
export function pool(tokens: TokenVectors, mask: ArrayLike<number | bigint>, pooling: Pooling): Float32Array {
  const [textCount = 0, tokenCount = 0, dimension = 0] = tokens.dims;
  const vectors = new Float32Array(textCount * dimension);
  for (let text = 0; text < textCount; text++) {
    const first = text * tokenCount;
    const places: number[] = [];
    for (let at = first; at < first + tokenCount; at++) if (Number(mask[at]) > 0) places.push(at);
    const vector = vectors.subarray(text * dimension, (text + 1) * dimension);
    for (const at of chosen(places, pooling)) {
      const from = at * dimension;
      for (let i = 0; i < dimension; i++) vector[i] = (vector[i] as number) + (tokens.data[from + i] as number);
    }
    if (pooling === 'mean' && places.length > 0) {
      for (let i = 0; i < dimension; i++) vector[i] = (vector[i] as number) / places.length;
    }
  }
  return vectors;
}

/** Padding may be on either side. */
function chosen(places: readonly number[], pooling: Pooling): readonly number[] {
  if (pooling === 'cls') return places.slice(0, 1);
  return pooling === 'last_token' ? places.slice(-1) : places;
}
