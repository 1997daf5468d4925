import { CodedError } from '../base/errors.ts';
import type { EmbeddingKind, EmbeddingProvider } from './provider.ts';

/** Bytes of JSON that one number of a vector may take in a reply, with room to spare. */
const REPLY_BYTES_PER_NUMBER_MAX = 40;
const REPLY_BYTES_OVERHEAD_MAX = 64 * 1024;

export interface HttpProviderOptions {
  /** Base address of an OpenAI-compatible service, such as `https://host/v1`; `/embeddings` is added where it is missing. */
  readonly url: string;
  readonly model: string;
  /** Sent as `Authorization: Bearer`. */
  readonly apiToken?: string;
  /** What the model returns; every reply is checked against it. */
  readonly dimension: number;
  /** Texts per request. */
  readonly batchSize: number;
  /** One request's time, headers to last byte. */
  readonly timeoutMs: number;
  /** Put before each text; models such as E5 are trained with `query: ` and `passage: `. */
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  readonly fetch: typeof fetch;
}

/** Embeddings from any service that speaks `POST /embeddings` as OpenAI's does (TEI, vLLM, Ollama, Chutes). */
export function createHttpProvider(options: HttpProviderOptions): EmbeddingProvider {
  const endpoint = embeddingsEndpoint(options.url);
  return {
    id: `http-${options.model}-${options.dimension}`,
    dimension: options.dimension,
    kind: 'semantic',
    async embed(texts, kind, signal) {
      const vectors: Float32Array[] = [];
      for (let start = 0; start < texts.length; start += options.batchSize) {
        const batch = texts.slice(start, start + options.batchSize);
        vectors.push(...(await requestBatch(endpoint, options, batch, kind, signal)));
      }
      return vectors;
    },
  };
}

/** The prefixes that a model was trained with, as far as its name tells: E5 (Wang et al. 2022) needs both. */
export function prefixesOfModel(model: string): { query: string; passage: string } {
  return /(^|[^a-z0-9])(multilingual-)?e5([^a-z0-9]|$)/i.test(model)
    ? { query: 'query: ', passage: 'passage: ' }
    : { query: '', passage: '' };
}

function embeddingsEndpoint(url: string): string {
  const base = url.replace(/\/+$/, '');
  return base.endsWith('/embeddings') ? base : `${base}/embeddings`;
}

async function requestBatch(
  endpoint: string,
  options: HttpProviderOptions,
  texts: readonly string[],
  kind: EmbeddingKind,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const prefix = kind === 'query' ? options.queryPrefix : options.passagePrefix;
  const timeout = AbortSignal.timeout(options.timeoutMs);
  try {
    const response = await options.fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(options.apiToken === undefined ? {} : { authorization: `Bearer ${options.apiToken}` }),
      },
      body: JSON.stringify({
        model: options.model,
        input: texts.map((text) => prefix + text),
        encoding_format: 'float',
      }),
      // A redirect could carry the token elsewhere.
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw unavailable(`the embedding service answered with status ${response.status}`);
    }
    const bytesMax = texts.length * options.dimension * REPLY_BYTES_PER_NUMBER_MAX + REPLY_BYTES_OVERHEAD_MAX;
    return parseReply(await readBounded(response, bytesMax), texts.length, options.dimension);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    if (signal?.aborted === true) throw error;
    if (timeout.aborted) throw unavailable('the embedding service did not answer in time', error);
    throw unavailable('the embedding service cannot be reached', error);
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) throw unavailable('the embedding service sent an empty reply');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw unavailable('the embedding service sent more than the vectors asked for');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Vectors by the `index` that each row carries: the services may answer in any order. */
function parseReply(json: string, count: number, dimension: number): Float32Array[] {
  let rows: unknown;
  try {
    rows = (JSON.parse(json) as { data?: unknown } | null)?.data;
  } catch (error) {
    throw unavailable('the embedding service sent what is not JSON', error);
  }
  if (!Array.isArray(rows) || rows.length !== count) {
    throw unavailable(`the embedding service did not send ${count} vectors`);
  }
  const vectors = new Array<Float32Array | undefined>(count).fill(undefined);
  rows.forEach((row: { index?: unknown; embedding?: unknown } | null, position) => {
    const index = row?.index ?? position;
    if (typeof index !== 'number' || !(index in vectors) || vectors[index] !== undefined) {
      throw unavailable('the embedding service numbered its vectors wrongly');
    }
    vectors[index] = normalisedVector(row?.embedding, dimension);
  });
  return vectors as Float32Array[];
}

function normalisedVector(numbers: unknown, dimension: number): Float32Array {
  if (!Array.isArray(numbers)) throw unavailable('the embedding service sent a vector that is not a list of numbers');
  if (numbers.length !== dimension) {
    throw unavailable(
      `the embedding service sent vectors of ${numbers.length} numbers, embedding.dimension says ${dimension}`,
    );
  }
  const vector = Float32Array.from(numbers as number[]);
  const norm = Math.hypot(...vector);
  if (!Number.isFinite(norm) || norm === 0) throw unavailable('the embedding service sent a vector without direction');
  return vector.map((value) => value / norm);
}

function unavailable(message: string, cause?: unknown): CodedError {
  return new CodedError('EMBEDDING_UNAVAILABLE', message, cause === undefined ? {} : { cause });
}
