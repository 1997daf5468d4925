import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { ServerProcess } from './processes.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: unknown;
}

export interface HttpQuestion {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer;
}

/** One request as it is written, path included: `fetch` would tidy it up, and sends no `Host` but its own. */
export function ask(port: number, path: string, question: HttpQuestion = {}): Promise<HttpAnswer> {
  const { body, headers = {} } = question;
  const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
  const bytes = isJson ? JSON.stringify(body) : body;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const outgoing = request(
    {
      host: '127.0.0.1',
      port,
      path,
      method: question.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      agent: false,
    },
    (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parsed(text) });
      });
    },
  );
  outgoing.once('error', reject);
  outgoing.end(bytes);
  return promise;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A browser with its cookie. */
export class Browser {
  readonly #port: number;
  #cookie: string | null = null;

  constructor({ httpPort }: Pick<ServerProcess, 'httpPort'>) {
    this.#port = httpPort;
  }

  async login(keyId: string, secret: string): Promise<HttpAnswer> {
    const answer = await this.ask('/api/login', { body: { key_id: keyId, secret } });
    const [cookie] = answer.headers['set-cookie']?.[0]?.split(';') ?? [];
    if (cookie !== undefined) this.#cookie = cookie;
    return answer;
  }

  ask(path: string, question: HttpQuestion = {}): Promise<HttpAnswer> {
    const cookie = this.#cookie === null ? {} : { cookie: this.#cookie };
    return ask(this.#port, path, { ...question, headers: { ...cookie, ...question.headers } });
  }

  request(type: string, payload: object = {}): Promise<HttpAnswer> {
    return this.ask(`/api/request/${type}`, { body: payload });
  }
}
