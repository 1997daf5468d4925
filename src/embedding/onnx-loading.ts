// From the name of a model to a model that is loaded.

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { describeModel, type ReadModelJson } from './onnx-description.ts';
import { digestOf } from './onnx-digest.ts';
import { messageOf, OnnxFault } from './onnx-fault.ts';
import { hubFetch, HubJson } from './onnx-hub.ts';
import { removeLeftovers } from './onnx-leftovers.ts';
import type { LoadedModel, OnnxWorkerData } from './onnx-messages.ts';
import { OnnxModel } from './onnx-model.ts';
import { importPackage, type Model, type Tokenizer, type Transformers } from './onnx-package.ts';
import { OnnxTokens } from './onnx-tokens.ts';

const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'];
const PROBE = 'How long is a vector?';
/** Time and memory of a text grow with the square of its tokens: more of them are read where a setting asks for it. */
const WINDOW_TOKENS = 2048;
/** Their first position is the one after that of the padding. */
const OFFSET_POSITIONS = /roberta|camembert|mpnet/;

/** Throws `OnnxFault`. `onDownload`: the model is not in the cache. */
export async function loadOnnxModel(
  options: OnnxWorkerData,
  onDownload: () => void,
): Promise<{ readonly model: OnnxModel; readonly loaded: LoadedModel }> {
  const { model, isFolder, packageName } = options;
  const transformers = await importPackage(packageName);
  if (isFolder) checkFolder(model);
  try {
    return await (isFolder ? loadFolder(transformers, options) : loadFromHub(transformers, options, onDownload));
  } catch (error) {
    if (error instanceof OnnxFault) throw error;
    const what = isFolder ? `the model in ${model}` : `the model ${model} of the hub`;
    throw new OnnxFault(
      `${what} cannot be loaded: ${messageOf(error)}`,
      isFolder ? folderRemedy() : hubRemedy(join(options.cacheFolder, model)),
      error,
    );
  }
}

type Loaded = Awaited<ReturnType<typeof loadOnnxModel>>;

function loadFolder(transformers: Transformers, options: OnnxWorkerData): Promise<Loaded> {
  const { env } = transformers;
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  // What the cache holds under the folder's name is another model.
  env.useFSCache = false;
  return load(transformers, options, options.model, inFolder(options.model));
}

async function loadFromHub(
  transformers: Transformers,
  options: OnnxWorkerData,
  onDownload: () => void,
): Promise<Loaded> {
  const { env } = transformers;
  const { model, cacheFolder, hub } = options;
  const folder = join(cacheFolder, model);
  env.allowLocalModels = false;
  env.allowRemoteModels = true;
  env.cacheDir = cacheFolder;
  if (hub.url !== undefined) env.remoteHost = hub.url.replace(/\/*$/, '/');
  env.fetch = hubFetch({ host: env.remoteHost, token: hub.token, silenceMs: hub.silenceMs, clock: systemClock });
  removeLeftovers(folder, { silenceMs: hub.silenceMs, nowMs: systemClock.nowMs() });
  if (!FILES.every((file) => existsSync(join(folder, file)))) onDownload();
  const json = new HubJson(model, folder, env.remoteHost, env.fetch);
  const loaded = await load(transformers, options, folder, (file) => json.read(file));
  json.keep();
  return loaded;
}

/** `folder`: where the files lie when the package has loaded them. */
async function load(
  { AutoTokenizer, AutoModel, Tensor }: Transformers,
  { model: name, pooling, maxInputTokens }: OnnxWorkerData,
  folder: string,
  readJson: ReadModelJson,
): Promise<Loaded> {
  const description = await describeModel(readJson, pooling);
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  // One core is the server's own.
  const session_options = { intraOpNumThreads: Math.max(1, availableParallelism() - 1) };
  const inner = await AutoModel.from_pretrained(name, { dtype: 'fp32', device: 'cpu', session_options });
  const windowTokens = Math.min(
    readableTokens(tokenizer, inner),
    maxInputTokens ?? Math.min(description.textTokens, WINDOW_TOKENS),
  );
  const tokens = new OnnxTokens(tokenizer, Tensor, { windowTokens, refusesLong: maxInputTokens !== undefined });
  const model = new OnnxModel(tokens, inner, description);
  const [probe] = await model.run(model.tokenize([PROBE]));
  const digest = await digestOf(folder, model.pooling);
  return { model, loaded: { probe: probe ?? new Float32Array(0), digest, windowTokens } };
}

/** Behind it the model has no positions. */
function readableTokens({ model_max_length }: Tokenizer, { config }: Model): number {
  const { model_type = '', max_position_embeddings = Infinity } = config ?? {};
  const positions = max_position_embeddings - (OFFSET_POSITIONS.test(model_type) ? 2 : 0);
  return Math.min(model_max_length ?? Infinity, positions);
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

function hubRemedy(kept: string): string {
  const folder = `Its files are kept in ${kept}: delete that folder where they are damaged (they are fetched anew), and let the server write to it.`;
  return `${folder} Else correct embedding.model (embedding.api_token where it is private), or, without a way to the hub, download it elsewhere with "hf download NAME --local-dir FOLDER" and name the folder.`;
}

function inFolder(folder: string): ReadModelJson {
  return (file) => {
    const path = join(folder, file);
    return Promise.resolve(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null);
  };
}
