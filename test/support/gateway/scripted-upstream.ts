import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the model service got it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined: the body is no JSON. */
  readonly body: Record<string, unknown> | undefined;
  /** Resolves when the connection of the request is closed before it was answered. */
  readonly hungUp: Promise<void>;
}

/** How one request is answered. */
export type Answerer = (asked: Asked, response: ServerResponse) => unknown;

/** A model service that says what a test tells it to, over real HTTP. */
export class ScriptedUpstream {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  #answerer: Answerer = (_asked, response) => response.writeHead(500).end();

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  /** As it stands in the settings. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** From now on. */
  answer(answerer: Answerer): void {
    this.#answerer = answerer;
  }

  get last(): Asked {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error('the upstream was not asked');
    return last;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const { promise: hungUp, resolve } = Promise.withResolvers<void>();
    response.once('close', () => response.writableFinished || resolve());
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, text, body: parsed(text), hungUp };
    this.asked.push(asked);
    await this.#answerer(asked, response);
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

export function sendJson(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
