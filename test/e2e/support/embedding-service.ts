import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '../../support/free-port.ts';
import type { Variables } from './processes.ts';

export interface Asked {
  readonly authorization: string | undefined;
  readonly path: string | undefined;
  readonly model: string;
  readonly input: readonly string[];
}

const DIMENSION = 64;

/** As unlike a model as can be, but the same for the same letters. */
function letters(text: string): number[] {
  const vector = new Array<number>(DIMENSION).fill(0.01);
  for (const letter of text.toLowerCase())
    vector[letter.charCodeAt(0) % DIMENSION] = (vector[letter.charCodeAt(0) % DIMENSION] ?? 0) + 1;
  return vector;
}

/** The status of its answer; null: none comes. */
export type Status = (asked: Asked) => number | null;

export interface EmbeddingService {
  readonly asked: Asked[];
  /** Of a server that embeds with it. */
  readonly variables: Variables;
  /** Cuts every connection and refuses new ones. */
  readonly down: () => void;
  /** Listens again where it listened. */
  readonly up: () => Promise<void>;
}

const services = new Set<Server>();

/** Those of a test, to be called after it. */
export function closeEmbeddingServices(): void {
  for (const service of services) {
    service.closeAllConnections();
    service.close();
  }
  services.clear();
}

/** An OpenAI-compatible service under an address with a query string. */
export async function embeddingService(status: Status): Promise<EmbeddingService> {
  const asked: Asked[] = [];
  const service = createServer((request, response) => {
    void body(request).then((text) => {
      const { model, input } = JSON.parse(text) as Omit<Asked, 'authorization'>;
      const call = { authorization: request.headers.authorization, path: request.url, model, input };
      asked.push(call);
      const code = status(call);
      if (code === null) return;
      if (code !== 200) return void response.writeHead(code).end('what the service says of it');
      const data = input.map((each, index) => ({ index, embedding: letters(each) }));
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
    });
  });
  services.add(service);
  // It comes back to the same port: nobody else may be given it meanwhile.
  service.listen(await freePort(), '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;
  const variables = {
    EMBEDDING__PROVIDER: 'http',
    EMBEDDING__URL: `http://127.0.0.1:${port}/v1/?api-version=7`,
    EMBEDDING__MODEL: 'e5-letters',
    EMBEDDING__API_TOKEN: 'token-hunter2',
    EMBEDDING__DIMENSION: String(DIMENSION),
    SERVER__SHUTDOWN_DEADLINE_MS: '60000',
    LOGGING__LEVEL: 'debug',
  };
  return {
    asked,
    variables,
    down() {
      service.close();
      service.closeAllConnections();
    },
    async up() {
      service.listen(port, '127.0.0.1');
      await once(service, 'listening');
    },
  };
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
