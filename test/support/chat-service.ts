import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatAsked {
  readonly system: string;
  /** What it is to be done with, as it was sent. */
  readonly user: string;
  readonly token: string | undefined;
  /** Behind the host. */
  readonly path: string;
}

/** What it does with a request: the text of the answer, a status, bytes as they are; null: nothing ever. */
export type ChatAnswer =
  | string
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly raw: string }
  | null;

/** An OpenAI-compatible chat service that follows a script. */
export class ChatService {
  readonly asked: ChatAsked[] = [];
  answer: (asked: ChatAsked) => ChatAnswer | Promise<ChatAnswer> = () => ({ status: 500 });
  /** Told of each answer; null: it says nothing of what it took. */
  tokens: number | null = 100;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response));
  }

  static async start(): Promise<ChatService> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ChatService(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    if (!/^\/v1\/chat\/completions(\?|$)/.test(path)) return void response.writeHead(404).end();
    const { messages } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { messages: { content: string }[] };
    const [system, user] = messages.map(({ content }) => content) as [string, string];
    const asked = { system, user, token: request.headers.authorization, path };
    this.asked.push(asked);
    const answer = await this.answer(asked);
    if (answer === null) return;
    if (typeof answer !== 'string' && 'status' in answer)
      return void response.writeHead(answer.status, answer.headers).end();
    const usage = this.tokens === null ? {} : { usage: { total_tokens: this.tokens } };
    const body =
      typeof answer === 'string'
        ? JSON.stringify({ choices: [{ message: { role: 'assistant', content: answer } }], ...usage })
        : answer.raw;
    response.setHeader('content-type', 'application/json').end(body);
  }
}
