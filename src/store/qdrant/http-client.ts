// JSON over HTTP to one Qdrant server or to what stands before a cluster. Plain requests of Node's own client: replies are
// asked for uncompressed, as Qdrant sends compressed ones in small segments, each of which waits for an acknowledgement.

import {
  Agent as HttpAgent,
  type AgentOptions,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as httpRequest,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { abortError, SILENT_MS, throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { Wait } from '../../base/resilience/bulkhead.ts';
import type { GuardedBackend } from '../../base/resilience/guarded-backend.ts';
import { isPassingStatus, retryAfterMsOf } from '../../base/resilience/http-service.ts';
import { PassingFault } from '../../base/resilience/passing-fault.ts';

export interface HttpClientOptions {
  /** Base address; a path in it comes before every request's. */
  readonly url: URL;
  readonly apiKey: string | undefined;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
  /** PEM of the certificate authority to trust besides none other; absent: the system's. */
  readonly certificateAuthority?: string;
  readonly verifiesCertificate: boolean;
  readonly backend: GuardedBackend;
  /** A longer reply is broken off: `isTooLong`. Absent: 64 MiB. */
  readonly replyBytesMax?: number | undefined;
  readonly clock: Clock;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** How a request waits for its turn, and how long it may take then; absent: as all of the client. */
export type How = Pick<Wait, 'signal' | 'isUrgent'> & { readonly timeoutMs?: number };

/** A reply whose status is not 2xx. */
export interface Refusal {
  readonly status: number;
  /** What the server says is wrong. */
  readonly message: string;
}

/** Connections that are kept while nothing is asked. */
const IDLE_CONNECTIONS_MAX = 64;
/** Far more than a page of contexts usually takes; whoever asks for long ones asks again for fewer. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const MESSAGE_CHARS_MAX = 500;
const RETRY_MS = 1_000;
/** Of what is written to, or read from, a connection that the other side has closed. */
const CLOSED_CODES: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE']);
const CONTENT_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);
const NOT_IN_TIME = 'the vector database did not answer in time';
const CLOSED_BEFORE = new Error('the connection was closed before');
const TOO_LONG = new Error('a reply of the vector database is longer than can be held');

export class HttpClient {
  readonly #options: HttpClientOptions;
  /** Keeps connections. */
  readonly #agent: HttpAgent;
  /** Makes one for each request. */
  readonly #fresh: HttpAgent;
  readonly #path: string;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { url, certificateAuthority, verifiesCertificate } = options;
    const tls = {
      rejectUnauthorized: verifiesCertificate,
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    };
    const agentOf = (pool: AgentOptions): HttpAgent =>
      url.protocol === 'https:' ? new HttpsAgent({ ...pool, ...tls }) : new HttpAgent(pool);
    this.#agent = agentOf({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS_MAX });
    this.#fresh = agentOf({ keepAlive: false });
    this.#path = url.pathname.replace(/\/+$/, '');
  }

  /** `result` of the reply. Rejects with `STORE_UNAVAILABLE` where there is none, and with the signal's reason. */
  async call<T>(method: Method, path: string, body?: unknown, how?: How): Promise<T> {
    const reply = await this.ask<T>(method, path, body, how);
    if ('status' in reply) throw refused(reply);
    return reply.result;
  }

  /** The same for whoever expects to be refused; passing statuses (5xx, 429) and a refused key reject all the same. */
  ask<T>(method: Method, path: string, body?: unknown, how: How = {}): Promise<Refusal | { readonly result: T }> {
    const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const request = { method, path, json, timeoutMs: how.timeoutMs ?? this.#options.timeoutMs };
    const wait = { ...how, bytes: request.json?.length ?? 0 };
    return this.#options.backend.run(() => this.#ask(request, how.signal), wait);
  }

  async #ask<T>(request: Request, signal: AbortSignal | undefined): Promise<Refusal | { readonly result: T }> {
    const { status, text, retryAfter } = await this.#sendAgain(request, signal);
    if (isPassingStatus(status)) {
      const waitMs = retryAfterMsOf(retryAfter, this.#options.clock.nowMs()) ?? 0;
      throw new PassingFault('STORE_UNAVAILABLE', `the vector database answered with status ${status}`, {
        retryAfterMs: waitMs > 0 ? waitMs : RETRY_MS,
        cause: text.slice(0, MESSAGE_CHARS_MAX),
      });
    }
    if (status === 401 || status === 403) {
      throw new CodedError('STORE_UNAVAILABLE', 'the vector database refuses the key of vector_db.api_key', {
        permanent: true,
      });
    }
    const parsed = parse(text);
    if (status >= 300) return { status, message: messageOf(parsed, text) };
    if (parsed === null || !('result' in parsed)) throw garbage();
    return { result: parsed.result as T };
  }

  /** Any reply as text: of the addresses that answer without a `result`. */
  async text(path: string, signal?: AbortSignal): Promise<string> {
    const { timeoutMs } = this.#options;
    const { status, text } = await this.#send({ method: 'GET', path, json: undefined, timeoutMs }, signal, this.#agent);
    if (status !== 200) throw refused({ status, message: text.slice(0, MESSAGE_CHARS_MAX) });
    return text;
  }

  /** A request of any length on a connection of its own: whoever began it writes it, ends it and reads what comes. */
  begin(method: Method, path: string, headers: OutgoingHttpHeaders = {}): ClientRequest {
    return this.#begin(method, path, headers, this.#fresh);
  }

  close(): void {
    this.#agent.destroy();
    this.#fresh.destroy();
  }

  /**
   * A connection that was kept may have been closed by the other side just now, and others with it. Should something have
   * been done before, doing it twice is no harm: a write says what must be there for it, and is no longer so after it, or sets
   * what it may set again.
   */
  async #sendAgain(request: Request, signal: AbortSignal | undefined): Promise<RawReply> {
    try {
      return await this.#send(request, signal, this.#agent);
    } catch (error) {
      if (!(error instanceof PassingFault && error.cause === CLOSED_BEFORE)) throw error;
      return this.#send(request, signal, this.#fresh);
    }
  }

  #begin(method: Method, path: string, headers: OutgoingHttpHeaders, agent: HttpAgent): ClientRequest {
    const { url, apiKey } = this.#options;
    return (url.protocol === 'https:' ? httpsRequest : httpRequest)({
      agent,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port,
      method,
      path: `${this.#path}${path}`,
      headers: { 'accept-encoding': 'identity', ...headers, ...(apiKey === undefined ? {} : { 'api-key': apiKey }) },
    });
  }

  #send(
    { method, path, json, timeoutMs }: Request,
    signal: AbortSignal | undefined,
    agent: HttpAgent,
  ): Promise<RawReply> {
    throwIfAborted(signal);
    const { clock, replyBytesMax = REPLY_BYTES_MAX } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<RawReply>();
    const headers = json && { 'content-type': 'application/json', 'content-length': json.length };
    const request = this.#begin(method, path, headers ?? {}, agent);
    const giveUp = (error: CodedError): void => {
      reject(error);
      request.destroy();
    };
    const startedMs = clock.monotonicMs();
    const onAbort = (): void => giveUp(givenUp(signal as AbortSignal, clock.monotonicMs() - startedMs, timeoutMs));
    signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimer = clock.after(timeoutMs, () => giveUp(passing(NOT_IN_TIME)));
    request.on('error', (error) => {
      const isStale = request.reusedSocket && CLOSED_CODES.has((error as NodeJS.ErrnoException).code);
      reject(passing('the vector database cannot be reached', isStale ? CLOSED_BEFORE : error));
    });
    request.on('response', (response) => void readReply(response, replyBytesMax).then(resolve, reject));
    request.end(json);
    return promise.finally(() => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    });
  }
}

interface Request {
  readonly method: Method;
  readonly path: string;
  readonly json: Buffer | undefined;
  readonly timeoutMs: number;
}

interface RawReply {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

export async function readReply(response: IncomingMessage, bytesMax: number): Promise<RawReply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw TOO_LONG;
      chunks.push(chunk);
    }
  } catch (error) {
    response.destroy();
    // Nothing is wrong with the database.
    if (error === TOO_LONG)
      throw new CodedError('STORE_UNAVAILABLE', TOO_LONG.message, { permanent: true, cause: error });
    throw passing('the vector database broke off its reply', error);
  }
  const retryAfter = response.headers['retry-after'];
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), retryAfter };
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What Qdrant says is wrong in a reply. */
export function refusalIn(text: string): string {
  return messageOf(parse(text), text);
}

/** Qdrant says `{status: {error}}`, and plain text to a wrong key. */
function messageOf(parsed: Record<string, unknown> | null, text: string): string {
  const status = parsed?.['status'] as { readonly error?: unknown } | undefined;
  const message = typeof status?.error === 'string' ? status.error : text;
  return message.slice(0, MESSAGE_CHARS_MAX);
}

/** More was asked for than one reply may hold. */
export function isTooLong(error: unknown): boolean {
  return error instanceof CodedError && error.cause === TOO_LONG;
}

/** What Qdrant refuses was asked wrongly; it is no fault of a client's, and no later attempt mends it. */
export function refused(refusal: Refusal): RequestRefused {
  return new RequestRefused(refusal);
}

export class RequestRefused extends CodedError {
  /** What was sent is at fault, not where it was sent or by whom. */
  readonly isOfContent: boolean;

  constructor({ status, message }: Refusal) {
    super('STORE_UNAVAILABLE', `the vector database refused a request with status ${status}`, {
      permanent: true,
      cause: message,
    });
    this.name = 'RequestRefused';
    this.isOfContent = CONTENT_STATUSES.has(status);
  }
}

function garbage(): CodedError {
  return passing('the vector database answered with something else than JSON of its own');
}

/**
 * Of a request whose caller does not wait any longer. After a third of its time at least that counts as a timeout; what was
 * silent for less is no fault of the database's, but where it is not asked by somebody in a hurry, it is told as one.
 */
function givenUp(signal: AbortSignal, silentMs: number, timeoutMs: number): CodedError {
  if (silentMs >= timeoutMs / 3) return passing(NOT_IN_TIME);
  if (silentMs < SILENT_MS) return abortError(signal);
  return new CodedError('STORE_UNAVAILABLE', NOT_IN_TIME, { retryAfterMs: RETRY_MS });
}

export function passing(message: string, cause?: unknown): PassingFault {
  return new PassingFault('STORE_UNAVAILABLE', message, { retryAfterMs: RETRY_MS, cause });
}
