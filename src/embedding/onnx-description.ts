// How a model wants its vectors made, as its files say (the layout of sentence-transformers).

import type { Pooling } from './onnx-messages.ts';

export interface ModelDescription {
  readonly pooling: Pooling;
  /** The operator has said how, whatever the model says. */
  readonly isPoolingSet: boolean;
  /** Its vectors have length 1; else their length is its own. */
  readonly isNormalized: boolean;
  /** Layers that a plain ONNX file of the model does not hold. */
  readonly otherModules: readonly string[];
  /** Tokens of a text that it was made for, which may be fewer than it can read. */
  readonly textTokens: number;
}

/** A file of the model; null: it has none of that name. */
export type ReadModelJson = (file: string) => Promise<unknown>;

type Fields = Readonly<Record<string, unknown>>;

const POOLING_FILE = '1_Pooling/config.json';
const TRANSFORMER_FILE = 'sentence_bert_config.json';
const POOLINGS: Readonly<Record<string, Pooling>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_lasttoken: 'last_token',
  mean: 'mean',
  cls: 'cls',
  lasttoken: 'last_token',
};
/** Modules that are known here; every other changes the vector. */
const KNOWN_MODULES: ReadonlySet<string> = new Set(['Transformer', 'Pooling', 'Normalize']);

/** Where the files say nothing, the mean. Throws where they name a pooling that is not known here. */
export async function describeModel(readJson: ReadModelJson, pooling: Pooling | 'model'): Promise<ModelDescription> {
  const modules = await readJson('modules.json');
  const types = Array.isArray(modules) ? modules.map((module) => typeOf(module)) : [];
  return {
    isPoolingSet: pooling !== 'model',
    pooling: pooling === 'model' ? poolingOf(await readJson(POOLING_FILE)) : pooling,
    isNormalized: types.includes('Normalize'),
    otherModules: types.filter((type) => !KNOWN_MODULES.has(type)),
    textTokens: textTokensOf(await readJson(TRANSFORMER_FILE)),
  };
}

function poolingOf(config: unknown): Pooling {
  const fields = fieldsOf(config);
  const { pooling_mode } = fields;
  const names =
    typeof pooling_mode === 'string'
      ? [pooling_mode]
      : Object.keys(fields).filter((name) => name.startsWith('pooling_mode_') && fields[name] === true);
  if (names.length === 0) return 'mean';
  const pooling = names.length === 1 ? POOLINGS[names[0] as string] : undefined;
  if (pooling === undefined) throw new Error(`its ${POOLING_FILE} asks for ${names.join(' and ')}`);
  return pooling;
}

function textTokensOf(config: unknown): number {
  const { max_seq_length } = fieldsOf(config);
  return typeof max_seq_length === 'number' && max_seq_length > 0 ? max_seq_length : Infinity;
}

/** `sentence_transformers.models.Normalize` is a `Normalize`. */
function typeOf(module: unknown): string {
  const { type } = fieldsOf(module);
  return typeof type === 'string' ? type.slice(type.lastIndexOf('.') + 1) : '';
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
