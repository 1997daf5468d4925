// A model in ONNX format, run with `@huggingface/transformers`; see onnx-worker.ts for the thread that it blocks.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describeModel, type ModelDescription, type ReadModelJson } from './onnx-description.ts';
import type { OnnxWorkerData, Pooling } from './onnx-messages.ts';
import { pool, type TokenVectors } from './onnx-pooling.ts';
import { norm, normalized } from './vectors.ts';

/** What is used of the package. */
interface Transformers {
  readonly env: {
    allowLocalModels: boolean;
    allowRemoteModels: boolean;
    useFSCache: boolean;
    localModelPath: string;
    readonly remoteHost: string;
    readonly cacheDir: string | null;
  };
  readonly AutoTokenizer: { from_pretrained(model: string): Promise<Tokenizer> };
  readonly AutoModel: { from_pretrained(model: string, options: object): Promise<Model> };
}

interface Tokenizer {
  readonly model_max_length?: number;
  (texts: readonly string[], options: object): Tokens;
}

interface Tokens {
  readonly input_ids: { readonly dims: readonly number[] };
  readonly attention_mask: { readonly data: ArrayLike<number | bigint> };
}

interface Model {
  (tokens: Tokens): Promise<Readonly<Record<string, TokenVectors | undefined>>>;
  readonly config?: { readonly model_type?: string; readonly max_position_embeddings?: number };
}

/** Why there is no model, and what the operator can do. */
export class OnnxFault extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OnnxFault';
    this.remedy = remedy;
  }
}

/** Of the package; its range stands in package.json. */
const MAJOR = 4;
const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'];
/** A text's cost grows with the square of its tokens, so that one has no more, whatever its model says. */
const WINDOW_TOKENS_MAX = 8192;
/** Their first position is the one after that of the padding. */
const OFFSET_POSITIONS = /roberta|camembert|mpnet/;

export class OnnxModel {
  readonly #tokenizer: Tokenizer;
  readonly #model: Model;
  readonly #description: ModelDescription;
  readonly #isPoolingSet: boolean;
  readonly #windowTokens: number;

  constructor(tokenizer: Tokenizer, model: Model, description: ModelDescription, pooling: Pooling | 'model') {
    this.#tokenizer = tokenizer;
    this.#model = model;
    this.#description = description;
    this.#isPoolingSet = pooling !== 'model';
    const { model_type = '', max_position_embeddings = Infinity } = model.config ?? {};
    const positions = max_position_embeddings - (OFFSET_POSITIONS.test(model_type) ? 2 : 0);
    this.#windowTokens = Math.min(tokenizer.model_max_length ?? Infinity, positions, WINDOW_TOKENS_MAX);
  }

  /** The vectors, one after another. Of a text that is longer than the model's window its beginning; zeros where it has no token. */
  async embed(texts: readonly string[]): Promise<Float32Array> {
    const tokens = this.#tokenizer(texts, { padding: true, truncation: true, max_length: this.#windowTokens });
    if (tokens.input_ids.dims[1] === 0) return new Float32Array(0);
    const vectors = this.#pooled(await this.#model(tokens), tokens);
    return this.#description.isNormalized ? eachNormalized(vectors, texts.length) : vectors;
  }

  /** A model that pools by itself, and maybe more, knows best. */
  #pooled(output: Awaited<ReturnType<Model>>, { attention_mask }: Tokens): Float32Array {
    const { sentence_embedding } = output;
    if (sentence_embedding !== undefined && !this.#isPoolingSet) return Float32Array.from(sentence_embedding.data);
    const { otherModules, pooling } = this.#description;
    if (otherModules.length > 0) throw lacking(`its ONNX file gives vectors before ${otherModules.join(' and ')}`);
    const tokenVectors = output['last_hidden_state'] ?? output['token_embeddings'];
    if (tokenVectors?.dims.length !== 3) throw lacking('its ONNX file gives no vectors of tokens');
    return pool(tokenVectors, attention_mask.data, pooling);
  }
}

/** Throws `OnnxFault`. */
export async function loadOnnxModel(options: OnnxWorkerData): Promise<OnnxModel> {
  const { model, isFolder, pooling, packageName } = options;
  const { env, AutoTokenizer, AutoModel } = await importPackage(packageName);
  if (isFolder) checkFolder(model);
  env.allowLocalModels = isFolder;
  env.allowRemoteModels = !isFolder;
  // What the cache holds under the folder's name is another model.
  if (isFolder) env.useFSCache = false;
  if (isFolder) env.localModelPath = dirname(model);
  const name = isFolder ? basename(model) : model;
  try {
    const description = await describeModel(isFolder ? inFolder(model) : onHub(model, env), pooling);
    const tokenizer = await AutoTokenizer.from_pretrained(name);
    // One core is the server's own.
    const session_options = { intraOpNumThreads: Math.max(1, availableParallelism() - 1) };
    const loaded = await AutoModel.from_pretrained(name, { dtype: 'fp32', device: 'cpu', session_options });
    return new OnnxModel(tokenizer, loaded, description, pooling);
  } catch (error) {
    if (error instanceof OnnxFault) throw error;
    const what = isFolder ? `the model in ${model}` : `the model ${model} of the hub`;
    throw new OnnxFault(
      `${what} cannot be loaded: ${messageOf(error)}`,
      isFolder ? folderRemedy() : hubRemedy(),
      error,
    );
  }
}

async function importPackage(name: string): Promise<Transformers> {
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

function checkFolder(folder: string): void {
  if (!existsSync(folder))
    throw new OnnxFault(`the folder ${folder} of embedding.model does not exist`, folderRemedy());
  const missing = FILES.filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) return;
  throw new OnnxFault(`the folder ${folder} of embedding.model lacks ${missing.join(', ')}`, folderRemedy());
}

function folderRemedy(): string {
  return `embedding.model names a folder with ${FILES.join(', ')}, as "hf download NAME --local-dir FOLDER" makes it of a model with ONNX files.`;
}

function hubRemedy(): string {
  return 'Correct embedding.model (HF_TOKEN where it is private), or, without a way to the hub, download it elsewhere with "hf download NAME --local-dir FOLDER" and name the folder.';
}

function lacking(message: string): OnnxFault {
  return new OnnxFault(
    `the model cannot be used: ${message}`,
    'Set embedding.model to one that was exported as a whole.',
  );
}

function inFolder(folder: string): ReadModelJson {
  return (file) => {
    const path = join(folder, file);
    return Promise.resolve(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null);
  };
}

/**
 * Kept where the package keeps the model's other files, that a file is missing, too: a server that starts without a way
 * to the hub must not make other vectors than before.
 */
function onHub(model: string, { remoteHost, cacheDir }: Transformers['env']): ReadModelJson {
  return async (file) => {
    const path = cacheDir === null ? null : join(cacheDir, model, file);
    if (path !== null && existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as unknown;
    const token = process.env['HF_TOKEN'];
    const response = await fetch(new URL(`${model}/resolve/main/${file}`, remoteHost), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    if (!response.ok && response.status !== 404) throw new Error(`the hub answered with status ${response.status}`);
    const json: unknown = response.ok ? await response.json() : null;
    if (path !== null) keep(path, json);
    return json;
  };
}

function keep(path: string, json: unknown): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(json));
  } catch {
    // A cache that cannot be written is none; the package goes on without one, too.
  }
}

function eachNormalized(vectors: Float32Array, count: number): Float32Array {
  const dimension = vectors.length / count;
  for (let at = 0; at < vectors.length; at += dimension) {
    const vector = vectors.subarray(at, at + dimension);
    vector.set(normalized(vector, norm(vector)) ?? vector);
  }
  return vectors;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
