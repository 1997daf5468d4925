import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  originValidationResponse,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, CallerDoor } from '../../api/caller.ts';
import { CodedError } from '../../base/errors.ts';
import { LoopTurns } from '../../base/loop-turns.ts';
import { readLongJson, textInTurns } from '../../protocol/json-body.ts';
import type { ReplyPayloads, RequestPayloads, RequestType } from '../../protocol/messages.generated.ts';
import { MemoryMcp } from './memory-mcp.ts';
import type { MemoryPort } from './memory-port.ts';
import { ReplyBudget, type CountTokens } from './reply-budget.ts';
import type { Explanation } from './tool-errors.ts';

/** The listener that it stands on. */
export interface MountHost {
  readonly callerOf: (request: FastifyRequest) => Caller;
  readonly door: CallerDoor;
  /** Rejects where the body is longer, or the listener holds as many bytes as it may. */
  readonly readBody: (request: FastifyRequest, reply: FastifyReply, bytesMax: number) => Promise<Buffer>;
}

export interface MemoryOptions {
  readonly version: string;
  /** Of a reply. */
  readonly maxTokens: number;
  readonly countTokens: CountTokens;
}

export interface HttpMountOptions {
  /** Makes the server of one request. */
  readonly servers: Pick<MemoryMcp, 'server'>;
  /** Names, beside localhost, under which it may be asked. */
  readonly allowedHosts: readonly string[];
}

const PATH = '/mcp';
/** The longest text that can be remembered, with every character escaped, and what stands around it. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;
const QUICK_BYTES_MAX = 64 * 1024;
/** Of a longer one: more than any call of a tool has. */
const LONG_BODY = { valuesMax: 10_000, depthMax: 64 };
/** Requests, each with its body, at a time. */
const RUNNING_MAX = 64;
const OVERLOAD_RETRY_MS = 500;
const TIMEOUT_MS = 30_000;
/** Streams of changes, of which there are none: the tools are always the same. */
const SUBSCRIPTIONS_MAX = 16;

/** The memory as it is served here: of errors it says no more than the gate does. */
export function memoryOverHttp({ version, maxTokens, countTokens }: MemoryOptions): MemoryMcp {
  return new MemoryMcp({ version, budget: new ReplyBudget(maxTokens, countTokens), explain });
}

/** Streamable HTTP: each request is by itself, and asks as whoever has its token. */
export class HttpMount {
  readonly #servers: HttpMountOptions['servers'];
  readonly #hosts: string[];
  readonly #turns = new LoopTurns();
  #running = 0;

  constructor({ servers, allowedHosts }: HttpMountOptions) {
    this.#servers = servers;
    this.#hosts = [...localhostAllowedHostnames(), ...allowedHosts];
  }

  /** Adds its routes to a listener that lets in nobody without a token. */
  mount(app: FastifyInstance, host: MountHost): void {
    // Bodies are read as bytes, by the listener's measure.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.route({
      method: ['GET', 'POST', 'DELETE'],
      url: PATH,
      onRequest: async (request, { raw }) => this.#enter(request, raw),
      handler: (request, reply) => this.#answer(request, reply, host),
    });
  }

  async #enter(_request: FastifyRequest, raw: FastifyReply['raw']): Promise<void> {
    if (this.#running >= RUNNING_MAX) {
      throw new CodedError('OVERLOADED', `${PATH} works on as many requests as it may`, {
        retryAfterMs: OVERLOAD_RETRY_MS,
      });
    }
    this.#running += 1;
    raw.once('close', () => (this.#running -= 1));
    return Promise.resolve();
  }

  async #answer(request: FastifyRequest, reply: FastifyReply, { callerOf, door, readBody }: MountHost): Promise<void> {
    const caller = callerOf(request);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const head = webRequest(request, null, gone.signal);
    const refusal = hostHeaderValidationResponse(head, this.#hosts) ?? originValidationResponse(head, this.#hosts);
    if (refusal !== undefined) return send(refusal, reply);
    const address = request.socket.remoteAddress;
    door.enter(caller, { door: 'mcp', address });
    const body = request.method === 'GET' ? null : await readBody(request, reply, BODY_BYTES_MAX);
    // The library reads and checks it at once: what is short is quick, and so are a few long texts.
    if (body !== null && body.length > QUICK_BYTES_MAX)
      await readLongJson(await textInTurns(body, this.#turns), this.#turns, LONG_BODY);
    const asked = webRequest(request, body, gone.signal);
    const handler = this.#handlerFor(portOf(caller, door, address), caller);
    try {
      await send(await handler.fetch(asked), reply);
    } finally {
      await handler.close();
    }
  }

  #handlerFor(memory: MemoryPort, caller: Caller): McpHttpHandler {
    return createMcpHandler(() => this.#servers.server(memory, { agentId: caller.agent }), {
      maxRequestBodySize: BODY_BYTES_MAX,
      maxSubscriptions: SUBSCRIPTIONS_MAX,
    });
  }
}

/** What it asks was counted with the request that it belongs to. */
function portOf(caller: Caller, door: CallerDoor, address: string | undefined): MemoryPort {
  return {
    ask: <T extends RequestType>(type: T, payload: RequestPayloads[T], signal?: AbortSignal) =>
      door.ask(
        caller,
        type,
        { ...payload },
        {
          door: 'mcp',
          address,
          timeoutMs: TIMEOUT_MS,
          isCounted: true,
          ...(signal === undefined ? {} : { signal }),
        },
      ) as Promise<ReplyPayloads[T]>,
  };
}

function explain(error: unknown): Explanation {
  if (error instanceof CodedError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: 'internal error' };
}

function webRequest(request: FastifyRequest, body: Buffer | null, signal: AbortSignal): Request {
  const { method, headers, url } = request;
  const given = new Headers();
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) given.set(name, Array.isArray(value) ? value.join(', ') : value);
  return new Request(new URL(url, 'http://localhost'), {
    method,
    headers: given,
    signal,
    ...(body !== null && body.length > 0 && { body: new Uint8Array(body) }),
  });
}

/** As it comes, no faster than the client reads. */
async function send(response: Response, reply: FastifyReply): Promise<void> {
  reply.hijack();
  reply.raw.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void reply.raw.end();
  try {
    await pipeline(Readable.fromWeb(response.body), reply.raw);
  } catch {
    reply.raw.destroy();
  }
}
