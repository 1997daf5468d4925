import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { HttpFault, type HttpFaultCode } from './http-fault.ts';

/** The model service behind the gateway. */
export interface UpstreamTarget {
  /** Stands for `/v1` of the gateway; a query in it stays. */
  readonly url: string;
  readonly token?: string;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Behind `/v1`, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: none. */
  readonly body: Buffer | null;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
}

export interface UpstreamReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Not compressed. Ends with an error where the upstream breaks off. */
  readonly body: Readable;
}

const FREE_SOCKETS_MAX = 256;
const FREE_SOCKET_MS = 4_000;

/** `none`: nobody has been asked yet. */
export type UpstreamOutcome = 'none' | 'ok' | HttpFaultCode;

/** Asks model services over connections that stay open. */
export class Upstream {
  #lastOutcome: UpstreamOutcome = 'none';
  readonly #beginMs: number;
  readonly #clock: Clock;
  readonly #http = new HttpAgent(AGENT);
  readonly #https = new HttpsAgent(AGENT);

  /** `beginMs`: how long an answer may take to begin. */
  constructor(beginMs: number, clock: Clock) {
    this.#beginMs = beginMs;
    this.#clock = clock;
  }

  /** Resolves with the head of the answer, whatever its status. Rejects with `HttpFault`: `UPSTREAM_UNREACHABLE` or `UPSTREAM_TIMEOUT`. */
  async send(target: UpstreamTarget, request: UpstreamRequest): Promise<UpstreamReply> {
    try {
      return await this.#send(target, request);
    } catch (error) {
      // The other side may close a connection that was idle in the moment in which it is used again.
      if (!(error instanceof StaleConnection)) throw error;
      return this.#send(target, request, true);
    }
  }

  /** Of the request that ended last, whichever service it went to. */
  get lastOutcome(): UpstreamOutcome {
    return this.#lastOutcome;
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #send(
    target: UpstreamTarget,
    { method, path, headers, body, signal }: UpstreamRequest,
    isAnew = false,
  ): Promise<UpstreamReply> {
    const url = addressOf(target.url, path);
    const isTls = url.protocol === 'https:';
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamReply>();
    const outgoing = (isTls ? httpsRequest : httpRequest)(url, {
      method,
      headers: { ...headers, 'accept-encoding': 'identity', ...(body !== null && { 'content-length': body.length }) },
      agent: isTls ? this.#https : this.#http,
      signal,
    });
    const cancel = this.#clock.after(this.#beginMs, () =>
      outgoing.destroy(new HttpFault('UPSTREAM_TIMEOUT', 'the upstream did not answer in time')),
    );
    outgoing.once('response', (incoming) => {
      cancel();
      this.#lastOutcome = 'ok';
      resolve({ status: incoming.statusCode ?? 502, headers: incoming.headers, body: bodyOf(incoming) });
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      cancel();
      const fault =
        error instanceof HttpFault
          ? error
          : new HttpFault('UPSTREAM_UNREACHABLE', 'the upstream cannot be reached', error);
      // Asked anew, the other connection that is used again may be no better: then the service itself closes them.
      if (!isAnew && outgoing.reusedSocket && !signal.aborted && error.code === 'ECONNRESET')
        return reject(new StaleConnection());
      if (!signal.aborted) this.#lastOutcome = fault.code;
      reject(fault);
    });
    outgoing.end(body);
    return promise;
  }
}

class StaleConnection extends Error {}

const AGENT = { keepAlive: true, maxFreeSockets: FREE_SOCKETS_MAX, timeout: FREE_SOCKET_MS, noDelay: true };

/** A step of one or two dots, written in any way, and what `URL` takes for a slash. */
const STEPS = /\\|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** `path` is what stands behind `/v1`. Throws `NOT_FOUND` where it leads elsewhere. */
function addressOf(base: string, path: string): URL {
  const url = new URL(base);
  const [name = '', query] = path.split('?');
  // `URL` resolves such steps, and what it then names is no page that the gateway passes on.
  if (STEPS.test(name)) throw new CodedError('NOT_FOUND', 'the gateway has no such page');
  url.pathname = url.pathname.replace(/\/+$/, '') + name;
  if (query !== undefined) url.search = url.search === '' ? query : `${url.search}&${query}`;
  url.hash = '';
  return url;
}

function bodyOf(incoming: IncomingMessage): Readable {
  const plain = decompressor(incoming.headers['content-encoding']);
  // What goes wrong is told by the stream that is read.
  return plain === null ? incoming : pipeline(incoming, plain, () => {});
}

/** Some services compress whatever they are asked for. Null: nothing to do. */
function decompressor(encoding: string | undefined): Transform | null {
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    default:
      return null;
  }
}
