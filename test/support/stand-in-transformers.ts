// Stands for `@huggingface/transformers` where that is not installed, as far as a tiny model needs it (tiny-model.ts), and
// refuses what the package refuses: files that are missing or are not what they are called, rows of different lengths.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Config {
  readonly model_type: string;
  readonly hidden_size: number;
  readonly max_position_embeddings: number;
}

interface TokenizerFile {
  readonly model?: { readonly vocab: Readonly<Record<string, number>> };
}

export const env = {
  allowLocalModels: true,
  allowRemoteModels: true,
  useFSCache: true,
  cacheDir: '' as string | null,
  remoteHost: 'http://127.0.0.1:9/',
  fetch: globalThis.fetch,
};

const HUB_NAME = /^[\w.-]+\/[\w.-]+$/;
/** Texts times tokens that there is memory for, as if there were little. */
const RUN_TOKENS_MAX = 4096;
/** Ends the thread. */
const DEADLY_WORD = 'die';

/** What the file holds, from the folder or the hub. */
async function load(model: string, file: string): Promise<Buffer> {
  if (env.allowLocalModels && existsSync(join(model, file))) return readFileSync(join(model, file));
  if (!env.allowRemoteModels) throw new Error(`file was not found locally at "${join(model, file)}".`);
  if (!HUB_NAME.test(model)) throw new Error(`download aborted due to invalid model ID "${model}".`);
  const kept = env.useFSCache && env.cacheDir !== null ? join(env.cacheDir, model, file) : null;
  if (kept !== null && existsSync(kept)) return readFileSync(kept);
  const response = await env.fetch(`${env.remoteHost}${model}/resolve/main/${file}`);
  if (response.status !== 200)
    throw new Error(`Error (${response.status}) occurred while trying to load file: "${file}".`);
  const content = Buffer.from(await response.arrayBuffer());
  if (kept !== null) {
    mkdirSync(dirname(kept), { recursive: true });
    writeFileSync(kept, content);
  }
  return content;
}

async function json<T>(model: string, file: string): Promise<T> {
  return JSON.parse((await load(model, file)).toString('utf8')) as T;
}

export class Tensor {
  readonly type: string;
  readonly data: BigInt64Array;
  readonly dims: readonly number[];

  constructor(type: string, data: BigInt64Array, dims: readonly number[]) {
    if (data.length !== dims.reduce((product, size) => product * size, 1))
      throw new Error(`Tensor's size does not match data length(${data.length}).`);
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

export const AutoTokenizer = {
  async from_pretrained(name: string): Promise<object> {
    const { model } = await json<TokenizerFile>(name, 'tokenizer.json');
    const { model_max_length } = await json<{ model_max_length: number }>(name, 'tokenizer_config.json');
    if (model === undefined) throw new Error('Tokenizer must contain a "model" property');
    const { vocab } = model;
    const id = (word: string): number => vocab[word] ?? (vocab['[UNK]'] as number);
    const tokenize = (texts: readonly string[], options: { readonly return_tensor?: boolean }) => {
      if (options.return_tensor !== false) throw new Error('this stands for the package without its own tensors only');
      if (texts.some((text) => text.split(' ').includes(DEADLY_WORD))) process.exit(1);
      const rows = texts.map((text) => {
        const words = text.toLowerCase().match(/[a-z]+|[^\s\p{C}]/gu) ?? [];
        return ['[CLS]', ...words, '[SEP]'].map(id);
      });
      return { input_ids: rows, attention_mask: rows.map((row) => row.map(() => 1)) };
    };
    return Object.assign(tokenize, { model_max_length, pad_token_id: id('[PAD]') });
  },
};

export const AutoModel = {
  async from_pretrained(name: string, { dtype }: { readonly dtype: string }): Promise<object> {
    if (dtype !== 'fp32') throw new Error(`there is no file of the type ${dtype}`);
    const config = await json<Config>(name, 'config.json');
    const { model } = await json<TokenizerFile>(name, 'tokenizer.json');
    const file = await load(name, 'onnx/model.onnx');
    const dimension = config.hidden_size;
    const tableBytes = Object.keys(model?.vocab ?? {}).length * dimension * 4;
    const head = file.subarray(0, Math.max(0, file.length - tableBytes)).toString('latin1');
    const output = /last_hidden_state|sentence_embedding|other_output/.exec(head)?.[0];
    if (output === undefined || !head.includes('Gather'))
      throw new Error('Load model from onnx/model.onnx failed:Protobuf parsing failed.');
    const table = new Float32Array(new Uint8Array(file.subarray(head.length)).buffer);
    const run = ({ input_ids, attention_mask }: Readonly<Record<string, Tensor>>) => {
      if (input_ids === undefined || attention_mask === undefined) throw new Error('Missing the following inputs');
      const rows = [...input_ids.data].map((id) => [
        ...table.subarray(Number(id) * dimension, (Number(id) + 1) * dimension),
      ]);
      const [texts = 0, tokens = 0] = input_ids.dims;
      if (texts * tokens > RUN_TOKENS_MAX) throw new Error('Failed to allocate memory for requested buffer');
      if (tokens > config.max_position_embeddings) throw new Error('indices element out of data bounds');
      if (!head.includes('ReduceMean'))
        return Promise.resolve({
          [output]: { data: Float32Array.from(rows.flat()), dims: [texts, tokens, dimension] },
        });
      const means = Array.from({ length: texts }, (_, text) => {
        const own = rows.slice(text * tokens, (text + 1) * tokens);
        return Array.from({ length: dimension }, (__, i) => own.reduce((sum, row) => sum + (row[i] ?? 0), 0) / tokens);
      });
      return Promise.resolve({ [output]: { data: Float32Array.from(means.flat()), dims: [texts, dimension] } });
    };
    return Object.assign(run, { config });
  },
};
