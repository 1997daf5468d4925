import type { Clock } from '../base/clock.ts';
import { CodedError, StartupError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { GuardedBackend } from '../base/resilience/guarded-backend.ts';
import { endpointOf, postJson, readBounded, retryAfterMsOf } from '../base/resilience/http-service.ts';
import { withRetries } from '../base/resilience/retries.ts';
import { estimatedTokens } from '../base/text/passages.ts';
import { faultOfStatus, passing, refusal, type ServiceFault, unavailable } from './http-faults.ts';
import { parseReply } from './http-reply.ts';
import { MergedCalls, type SendRequest } from './merged-calls.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider } from './provider.ts';

/** Bytes of JSON that one number of a vector may take in a reply, with room to spare. */
const REPLY_BYTES_PER_NUMBER_MAX = 40;
const REPLY_BYTES_OVERHEAD_MAX = 64 * 1024;
/** Characters of one request's texts, unless one alone has more: services bound the bytes of a request, too. */
export const BATCH_CHARS_MAX = 1_000_000;

export interface HttpProviderOptions {
  /**
   * Base address of an OpenAI-compatible service, such as `https://host/v1`; `/embeddings` is added to its path where it is
   * missing, and a query string (`?api-version=`) stays.
   */
  readonly url: string;
  readonly model: string;
  /** Sent as `Authorization: Bearer`. */
  readonly apiToken?: string | undefined;
  /** What the model returns; every reply is checked against it. */
  readonly dimension: number;
  /** A vector of another length than 1 is an error: bringing it there would change what the model's distance means. */
  readonly needsUnitLength: boolean;
  /** Texts per request. */
  readonly batchSize: number;
  /** One request's time, headers to last byte. */
  readonly timeoutMs: number;
  /** Of a request that failed for a reason that may pass. */
  readonly maxRetries: number;
  /** Put before each text; models such as E5 are trained with `query: ` and `passage: `. */
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  /** Tokens that the model reads of a text, prefix and all; absent: texts go as they are. */
  readonly maxInputTokens?: number | undefined;
  readonly backend: GuardedBackend;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
}

/** Embeddings from any service that speaks `POST /embeddings` as OpenAI's does (TEI, vLLM, Ollama, Chutes). */
export function createHttpProvider(options: HttpProviderOptions): EmbeddingProvider {
  const service: Service = { ...options, endpoint: endpointOf(options.url, '/embeddings', 'embedding.api_url') };
  const send: SendRequest = (texts, kind, signal) => embedApart(service, { texts, kind, signal });
  const merged = new MergedCalls(send, { texts: options.batchSize, chars: BATCH_CHARS_MAX }, options.clock);
  return {
    id: `http-${options.model}-${options.dimension}`,
    dimension: options.dimension,
    kind: 'semantic',
    textTokensMax: textTokensMax(options),
    async embed(texts, kind, signal) {
      const embedded: Embedded[] = [];
      for (const batch of batchesOf(texts, options.batchSize)) {
        embedded.push(...(await merged.embed(batch, kind, signal)));
      }
      return embedded;
    },
  };
}

/** Around each text: where it begins and where it ends. */
const SPECIAL_TOKENS = 2;
const TEXT_TOKENS_MIN = 16;

/** What the prefix and the model's own signs leave for a text. Throws `StartupError` where that is next to nothing. */
export function textTokensMax({
  maxInputTokens,
  queryPrefix,
  passagePrefix,
}: Pick<HttpProviderOptions, 'maxInputTokens' | 'queryPrefix' | 'passagePrefix'>): EmbeddingProvider['textTokensMax'] {
  if (maxInputTokens === undefined) return undefined;
  const left = (prefix: string): number => maxInputTokens - SPECIAL_TOKENS - estimatedTokens(prefix);
  const room = { query: left(queryPrefix), passage: left(passagePrefix) };
  if (Math.min(room.query, room.passage) >= TEXT_TOKENS_MIN) return room;
  throw new StartupError(
    '`embedding.max_input_tokens` leaves no room for a text behind the prefix',
    'Set it to what the model reads of a text, or shorten embedding.query_prefix and embedding.passage_prefix.',
  );
}

/** The prefixes that a model was trained with, as far as its name tells: E5 (Wang et al. 2022) needs both. */
export function prefixesOfModel(model: string): { query: string; passage: string } {
  return /(^|[^a-z0-9])(multilingual-)?e5([^a-z0-9]|$)/i.test(model)
    ? { query: 'query: ', passage: 'passage: ' }
    : { query: '', passage: '' };
}

interface Service extends HttpProviderOptions {
  readonly endpoint: string;
}

interface Batch {
  readonly texts: readonly string[];
  readonly kind: EmbeddingKind;
  readonly signal: AbortSignal;
}

/** At most so many texts each, and `BATCH_CHARS_MAX` characters. */
export function* batchesOf(texts: readonly string[], textsMax: number): Generator<readonly string[]> {
  let from = 0;
  let chars = 0;
  for (const [at, text] of texts.entries()) {
    chars += text.length;
    if (at > from && (at - from === textsMax || chars > BATCH_CHARS_MAX)) {
      yield texts.slice(from, at);
      from = at;
      chars = text.length;
    }
  }
  if (from < texts.length) yield texts.slice(from);
}

/**
 * A service refuses a request for one of its texts, without saying which: halved until the texts that it refuses stand
 * alone, which takes at most two requests a text.
 */
async function embedApart(service: Service, batch: Batch): Promise<Embedded[]> {
  const { texts, signal } = batch;
  const wait = { bytes: texts.reduce((chars, text) => chars + text.length, 0), signal };
  // Each attempt by itself: with all attempts of a call in one, a probe would be several requests, those that wait to try
  // again would go on while the circuit is open, and calls that time out four times would hardly fall into its window.
  const attempt = () => service.backend.run(() => request(service, batch), wait);
  const answer = await withRetries(attempt, service, signal);
  if (Array.isArray(answer)) return answer;
  if (texts.length === 1) return [refusal(answer.status, batch.kind)];
  const half = Math.ceil(texts.length / 2);
  const first = await embedApart(service, { ...batch, texts: texts.slice(0, half) });
  return [...first, ...(await embedApart(service, { ...batch, texts: texts.slice(half) }))];
}

/** One per text, or that the service refused the texts. Throws what is no text's fault. */
async function request(service: Service, { texts, kind, signal }: Batch): Promise<Embedded[] | ServiceFault> {
  const timeout = AbortSignal.timeout(service.timeoutMs);
  const startedMs = service.clock.monotonicMs();
  const prefix = kind === 'query' ? service.queryPrefix : service.passagePrefix;
  try {
    const input = texts.map((text) => prefix + text);
    const body = { model: service.model, input, encoding_format: 'float' };
    const response = await postJson(service, body, AbortSignal.any([signal, timeout]));
    if (!response.ok) {
      await response.body?.cancel();
      const waitMs = retryAfterMsOf(response.headers.get('retry-after'), service.clock.nowMs());
      const fault = faultOfStatus(response.status, waitMs);
      if (fault instanceof Error) throw fault;
      return fault;
    }
    const bytesMax = texts.length * service.dimension * REPLY_BYTES_PER_NUMBER_MAX + REPLY_BYTES_OVERHEAD_MAX;
    if (response.body === null) throw unavailable('the embedding service sent an empty reply');
    const reply = await readBounded(response, bytesMax);
    if (reply === null) throw unavailable('the embedding service sent more than the vectors asked for');
    return parseReply(reply, texts.length, service);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    // What is given up after a third of its time at least was not asked by somebody in a hurry: it counts as a timeout.
    if (signal.aborted && service.clock.monotonicMs() - startedMs >= service.timeoutMs / 3)
      throw passing('the embedding service did not answer in time', { cause: error });
    if (signal.aborted) throw error;
    if (timeout.aborted) throw passing('the embedding service did not answer in time', { cause: error });
    throw passing('the embedding service cannot be reached', { cause: error });
  }
}
