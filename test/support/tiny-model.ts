// An embedding model in ONNX format that is small enough to be written down: a token's vector stands in a table, and that
// is all. Made here byte by byte, so that the real package can be tried with it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const TINY_DIMENSION = 64;
export const TINY_WINDOW = 80;
/** The first four belong to the tokenizer; words of one line mean the same, and the line is the axis of their vectors. */
const MEANINGS = [
  ['[PAD]'],
  ['[UNK]'],
  ['[CLS]'],
  ['[SEP]'],
  ['ship', 'vessel', 'boat'],
  ['harbour', 'port'],
  ['night', 'dark'],
  ['bread', 'loaf'],
  ['flour', 'dough'],
  ['a', 'the', 'in', 'at', 'with', 'of'],
  ['enters', 'arrives'],
  ['baked', 'made'],
  ['query'],
  ['passage'],
];
export const TINY_WORDS = MEANINGS.flat();
/** What leaks of padding into a vector is seen. */
const PADDING_VALUE = 99;

export interface TinyOptions {
  /** Its files beside the weights; null: it has none of that name. */
  readonly files?: Readonly<Record<string, unknown>>;
  /** Name of what the model's file gives. */
  readonly output?: string;
  /** It gives a vector for each text, not for each token. */
  readonly poolsItself?: boolean;
  /** Length of the vectors of tokens. */
  readonly scale?: number;
}

/** The axis of a word's vector. */
export function axisOf(word: string): number {
  return MEANINGS.findIndex((words) => words.includes(word));
}

/** Writes a model into `folder`. */
export function writeTinyModel(folder: string, options: TinyOptions = {}): void {
  const files = { ...jsonFiles(), ...options.files };
  for (const [file, json] of Object.entries(files)) if (json !== null) write(folder, file, JSON.stringify(json));
  write(folder, 'onnx/model.onnx', modelFile(options));
}

function write(folder: string, file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}

function jsonFiles(): Record<string, unknown> {
  const special = (content: string, id: number) => ({
    ...{ id, content, special: true, normalized: false },
    ...{ single_word: false, lstrip: false, rstrip: false },
  });
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const [begin, end] = ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [TINY_WORDS.indexOf(id)], tokens: [id] }]) as [
    [string, object],
    [string, object],
  ];
  return {
    'config.json': {
      model_type: 'bert',
      architectures: ['BertModel'],
      hidden_size: TINY_DIMENSION,
      max_position_embeddings: TINY_WINDOW,
      vocab_size: TINY_WORDS.length,
    },
    'tokenizer_config.json': {
      ...{ tokenizer_class: 'BertTokenizer', model_max_length: TINY_WINDOW, do_lower_case: true },
      ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]' },
    },
    'tokenizer.json': {
      version: '1.0',
      added_tokens: TINY_WORDS.slice(0, 4).map(special),
      normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [token('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, token('[SEP]')],
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: Object.fromEntries([begin, end]),
      },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(TINY_WORDS.map((word, id) => [word, id])),
      },
    },
  };
}

// The messages of onnx.proto, with the numbers of their fields.

const INT64 = 7;
const FLOAT = 1;

/** Fields that say where the table is come last, so that it is the end of the file. */
function modelFile({ output = 'last_hidden_state', poolsItself = false, scale = 1 }: TinyOptions): Buffer {
  const sizes = poolsItself ? ['batch', TINY_DIMENSION] : ['batch', 'tokens', TINY_DIMENSION];
  const looked = poolsItself ? 'tokens' : output;
  const gather = node('Gather', ['table', 'input_ids'], looked);
  const mean = node('ReduceMean', [looked], output, [
    message([1, 'axes'], [8, 1], [20, INT64]),
    message([1, 'keepdims'], [3, 0], [20, 2]),
  ]);
  const table = message([1, TINY_WORDS.length], [1, TINY_DIMENSION], [2, FLOAT], [8, 'table'], [9, tableBytes(scale)]);
  const graph = message(
    [1, gather],
    ...(poolsItself ? ([[1, mean]] as const) : []),
    [2, 'tiny'],
    [11, value('input_ids', INT64, ['batch', 'tokens'])],
    [11, value('attention_mask', INT64, ['batch', 'tokens'])],
    [12, value(output, FLOAT, sizes)],
    [5, table],
  );
  return message([1, 9], [8, message([1, ''], [2, 17])], [7, graph]);
}

function tableBytes(scale: number): Buffer {
  const table = new Float32Array(TINY_WORDS.length * TINY_DIMENSION);
  TINY_WORDS.forEach((word, id) => {
    table[id * TINY_DIMENSION + axisOf(word)] = word === '[PAD]' ? PADDING_VALUE : scale;
  });
  return Buffer.from(table.buffer);
}

function node(kind: string, inputs: readonly string[], output: string, attributes: readonly Buffer[] = []): Buffer {
  const given = inputs.map((input): Field => [1, input]);
  return message(...given, [2, output], [4, kind], ...attributes.map((each): Field => [5, each]));
}

function value(name: string, type: number, sizes: readonly (string | number)[]): Buffer {
  const dims = sizes.map((size): Field => [1, message(typeof size === 'string' ? [2, size] : [1, size])]);
  return message([1, name], [2, message([1, message([1, type], [2, message(...dims)])])]);
}

type Field = readonly [number: number, value: number | string | Buffer];

function message(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, content]) => {
      if (typeof content === 'number') return [varint(number * 8), varint(content)];
      const bytes = Buffer.from(content);
      return [varint(number * 8 + 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}
