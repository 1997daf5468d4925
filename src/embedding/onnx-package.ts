// What is used of `@huggingface/transformers`, which is not installed with this package.

import { messageOf, OnnxFault } from './onnx-fault.ts';
import type { TokenVectors } from './onnx-pooling.ts';

export interface Transformers {
  readonly env: {
    allowLocalModels: boolean;
    allowRemoteModels: boolean;
    useFSCache: boolean;
    cacheDir: string | null;
    remoteHost: string;
    fetch: typeof fetch;
  };
  readonly AutoTokenizer: { from_pretrained(model: string): Promise<Tokenizer> };
  readonly AutoModel: { from_pretrained(model: string, options: object): Promise<Model> };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => Tensor;
}

export interface Tensor {
  readonly data: BigInt64Array;
  readonly dims: readonly number[];
}

/** A row of numbers for each text: `input_ids`, `attention_mask` and what else the model reads. */
export type TokenRows = Readonly<Record<string, readonly (readonly number[])[]>>;

export interface Tokenizer {
  readonly model_max_length?: number;
  readonly pad_token_id?: number;
  (texts: readonly string[], options: object): TokenRows;
}

export interface Model {
  (tokens: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, TokenVectors | undefined>>>;
  readonly config?: { readonly model_type?: string; readonly max_position_embeddings?: number };
}

/** Its range stands in package.json. */
const MAJOR = 4;

/** Throws `OnnxFault`. */
export async function importPackage(name: string): Promise<Transformers> {
  try {
    return (await import(name)) as Transformers;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy = `Install it beside context-manager: npm install @huggingface/transformers@${MAJOR}`;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && messageOf(error).includes(`'${name}'`);
    if (isMissing) throw new OnnxFault(`embedding.provider = "onnx" needs the package ${name}`, remedy, error);
    throw new OnnxFault(`the package ${name} cannot be loaded: ${messageOf(error)}`, remedy, error);
  }
}
