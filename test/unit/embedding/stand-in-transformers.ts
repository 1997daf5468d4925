// Stands in for `@huggingface/transformers`: a token is a word, its vector has the word's length and its place.

const DIMENSION = 64;

interface Tokens {
  readonly input_ids: { readonly dims: number[]; readonly data: number[] };
  readonly attention_mask: { readonly data: number[] };
}

export const env = {
  allowLocalModels: true,
  allowRemoteModels: true,
  useFSCache: true,
  localModelPath: '',
  remoteHost: 'http://127.0.0.1:9/',
  cacheDir: null,
};

function tokenize(texts: readonly string[], { max_length }: { max_length: number }): Tokens {
  if (texts.some((text) => text.includes('die'))) process.exit(1);
  const words = texts.map((text) => text.match(/\w+/g)?.slice(0, max_length) ?? []);
  const longest = Math.max(...words.map((each) => each.length));
  const padded = words.flatMap((each) => Array.from({ length: longest }, (_, i) => each[i]?.length ?? 0));
  return {
    input_ids: { dims: [texts.length, longest], data: padded },
    attention_mask: { data: padded.map((length) => Math.min(length, 1)) },
  };
}

function run({ input_ids: { dims, data } }: Tokens) {
  const vectors = new Float32Array(data.length * DIMENSION);
  data.forEach((length, at) => {
    vectors[at * DIMENSION] = length === 0 ? 99 : length;
    vectors[at * DIMENSION + 1] = at % (dims[1] ?? 1);
  });
  return Promise.resolve({ last_hidden_state: { data: vectors, dims: [...dims, DIMENSION] } });
}

export const AutoTokenizer = {
  from_pretrained: () => Promise.resolve(Object.assign(tokenize, { model_max_length: 4 })),
};
export const AutoModel = {
  from_pretrained: () => Promise.resolve(Object.assign(run, { config: { model_type: 'bert' } })),
};
