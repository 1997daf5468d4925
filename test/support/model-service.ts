import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskedTexts {
  readonly model: string;
  readonly texts: readonly string[];
}

/** The status of its answer, or when there will be one. */
type Answer = (asked: AskedTexts) => number | Promise<number>;

/**
 * What a model of this service makes of a text: letters counted, in an order of the model's own. The number at the end of
 * a model's name is the length of its vectors.
 */
export function modelVector(model: string, text: string): number[] {
  const dimension = Number(/\d+$/.exec(model)?.[0]);
  const shift = model.length;
  const vector = new Array<number>(dimension).fill(0.01);
  for (const letter of text.toLowerCase()) {
    const place = (letter.charCodeAt(0) * shift + shift) % dimension;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  return vector;
}

/** An OpenAI-compatible embedding service with any number of models. */
export class ModelService {
  readonly asked: AskedTexts[] = [];
  answer: Answer = () => 200;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response));
  }

  static async start(): Promise<ModelService> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ModelService(server);
  }

  /** Settings of a process that embeds with one of its models. */
  variables(model: string): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return {
      EMBEDDING__API_URL: `http://127.0.0.1:${port}/v1`,
      EMBEDDING__MODEL: model,
      EMBEDDING__MAX_RETRIES: '0',
      VECTOR_DB__VECTOR_SIZE: String(modelVector(model, '').length),
    };
  }

  /** All texts that a model was asked for. */
  textsOf(model: string): string[] {
    return this.asked.filter((asked) => asked.model === model).flatMap(({ texts }) => texts);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { model, input: texts } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
      model: string;
      input: string[];
    };
    const asked = { model, texts };
    this.asked.push(asked);
    const status = await this.answer(asked);
    if (status !== 200) return void response.writeHead(status).end();
    const data = texts.map((text, index) => ({ index, embedding: modelVector(model, text) }));
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
  }
}
