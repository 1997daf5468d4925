import type { Clock } from '../base/clock.ts';
import { badRequest, CodedError } from '../base/errors.ts';
import type { GuardedBackend } from '../base/resilience/guarded-backend.ts';
import {
  endpointOf,
  isPassingStatus,
  misconfigured,
  postJson,
  readBounded,
  retryAfterMsOf,
  settingsBlamed,
} from '../base/resilience/http-service.ts';
import { PassingFault } from '../base/resilience/passing-fault.ts';
import { type ChatModel, type ChatReply, type ChatRequest, Unanswered } from './chat-model.ts';

export interface HttpChatModelOptions {
  /** Base address of an OpenAI-compatible service; `/chat/completions` is added to its path where it is missing, and a query string stays. */
  readonly url: string;
  readonly model: string;
  /** Sent as `Authorization: Bearer`. */
  readonly apiToken?: string | undefined;
  /** Of one request, headers to last byte. */
  readonly timeoutMs: number;
  readonly backend: GuardedBackend;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

const UNSENT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const REPLY_BYTES_MAX = 1024 * 1024;
/** What services answer to a request that is too long for the model, or that they cannot read. */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);

/** Any service that speaks `POST /chat/completions` as OpenAI's does (vLLM, Ollama, Chutes). */
export function createHttpChatModel(options: HttpChatModelOptions): ChatModel {
  const service: Service = { ...options, endpoint: endpointOf(options.url, '/chat/completions', 'summary.api_url') };
  return {
    id: options.model,
    complete: (request, signal) =>
      options.backend.run(() => ask(service, request, signal), { bytes: request.user.length, signal }),
  };
}

interface Service extends HttpChatModelOptions {
  readonly endpoint: string;
}

async function ask(service: Service, request: ChatRequest, signal: AbortSignal): Promise<ChatReply> {
  const { model, timeoutMs, clock } = service;
  const { system, user, maxTokens } = request;
  const timeout = new AbortController();
  const cancel = clock.after(timeoutMs, () => timeout.abort());
  try {
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ];
    const body = { model, messages, temperature: 0, max_tokens: maxTokens };
    const response = await postJson(service, body, AbortSignal.any([signal, timeout.signal]));
    if (!response.ok) {
      await response.body?.cancel();
      throw faultOf(response, clock.nowMs());
    }
    const reply = await readBounded(response, REPLY_BYTES_MAX);
    if (reply === null) throw unanswered('sent more than was asked for');
    return replyOf(reply);
  } catch (error) {
    if (error instanceof CodedError || signal.aborted) throw error;
    if (timeout.signal.aborted) throw unanswered('did not answer in time', error);
    throw isUnsent(error) ? passing('cannot be reached', { cause: error }) : unanswered('cannot be reached', error);
  } finally {
    cancel();
  }
}

function faultOf({ status, headers }: Response, nowMs: number): CodedError {
  if (REFUSING_STATUSES.has(status))
    return badRequest('/', `is refused by the service for summaries with status ${status}`);
  const what = `answered with status ${status}`;
  if (!isPassingStatus(status))
    return misconfigured('OVERLOADED', `the service for summaries ${what}`, settingsBlamed(status, 'summary'));
  const retryAfterMs = retryAfterMsOf(headers.get('retry-after'), nowMs);
  return passing(what, retryAfterMs === undefined ? {} : { retryAfterMs });
}

/** None taken on trust: whatever has no text of an answer in its place is none. */
function replyOf(json: string): ChatReply {
  let reply: {
    choices?: { message?: { content?: unknown } | null }[];
    usage?: { total_tokens?: unknown } | null;
  } | null;
  try {
    reply = JSON.parse(json) as typeof reply;
  } catch (error) {
    throw unanswered('sent what is not JSON', error);
  }
  const text = Array.isArray(reply?.choices) ? reply.choices[0]?.message?.content : undefined;
  if (typeof text !== 'string') throw unanswered('sent no answer');
  const tokens = reply?.usage?.total_tokens;
  return { text, ...(Number.isSafeInteger(tokens) && (tokens as number) >= 0 && { tokens: tokens as number }) };
}

/** Whether the service has had nothing of the request: there was no connection. */
function isUnsent(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { readonly code?: unknown };
  return UNSENT_CODES.has(String(code));
}

function unanswered(what: string, cause?: unknown): Unanswered {
  return new Unanswered('OVERLOADED', `the service for summaries ${what}`, { cause });
}

function passing(what: string, options: ConstructorParameters<typeof PassingFault>[2] = {}): PassingFault {
  return new PassingFault('OVERLOADED', `the service for summaries ${what}`, options);
}
