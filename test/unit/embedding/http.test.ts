import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpProvider, prefixesOfModel, type HttpProviderOptions } from '../../../src/embedding/http.ts';

interface Asked {
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: { model: string; input: string[] };
}

type Answer = (asked: Asked, response: ServerResponse) => void;

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: Answer): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const call = {
        path: request.url,
        authorization: request.headers.authorization,
        body: JSON.parse(text) as Asked['body'],
      };
      asked.push(call);
      answer(call, response);
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

function provider(url: string, options: Partial<HttpProviderOptions> = {}) {
  return createHttpProvider({
    url,
    model: 'intfloat/e5-small',
    dimension: 2,
    batchSize: 2,
    timeoutMs: 2_000,
    queryPrefix: 'query: ',
    passagePrefix: 'passage: ',
    fetch,
    ...options,
  });
}

/** Vectors [length of the input, 1], last first, as a service may order them. */
const lengths: Answer = ({ body }, response) => {
  const data = body.input.map((text, index) => ({ index, embedding: [text.length, 1] })).reverse();
  response.end(JSON.stringify({ data }));
};

describe('http embedding provider', () => {
  it('sends batches with the prefix and the token, and returns unit vectors in order', async () => {
    const { url, asked } = await serve(lengths);
    const vectors = await provider(url, { apiToken: 'hush' }).embed(['a', 'bb', 'ccc'], 'passage');
    expect(asked.map((call) => call.body.input)).toEqual([['passage: a', 'passage: bb'], ['passage: ccc']]);
    expect(asked[0]).toMatchObject({ path: '/v1/embeddings', authorization: 'Bearer hush' });
    vectors.forEach((vector, index) => {
      const length = 'passage: '.length + index + 1;
      expect(vector[0]).toBeCloseTo(length / Math.hypot(length, 1), 6);
    });
  });

  it('prefixes a query as a query', async () => {
    const { url, asked } = await serve(lengths);
    await provider(url).embed(['who'], 'query');
    expect(asked[0]?.body.input).toEqual(['query: who']);
  });

  it.each<[string, Answer]>([
    ['an error status', (_, response) => response.writeHead(503).end('busy, secret inside')],
    ['what is not JSON', (_, response) => response.end('<html>')],
    ['null', (_, response) => response.end('null')],
    ['too few vectors', (_, response) => response.end('{"data":[]}')],
    ['another dimension', (_, response) => response.end('{"data":[{"index":0,"embedding":[1,2,3]}]}')],
    ['a zero vector', (_, response) => response.end('{"data":[{"index":0,"embedding":[0,0]}]}')],
    ['no numbers', (_, response) => response.end('{"data":[{"index":0,"embedding":["x","y"]}]}')],
    ['a wrong index', (_, response) => response.end('{"data":[{"index":7,"embedding":[1,2]}]}')],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['an endless reply', (_, response) => response.end(' '.repeat(200_000))],
    ['a cut connection', (_, response) => response.destroy()],
  ])('answers EMBEDDING_UNAVAILABLE to %s, without its text', async (_, answer) => {
    const { url } = await serve(answer);
    const failure = await provider(url)
      .embed(['a'], 'query')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: true });
    expect((failure as Error).message).not.toContain('secret');
  });

  it('gives up after its time', async () => {
    const { url } = await serve(() => undefined);
    await expect(provider(url, { timeoutMs: 50 }).embed(['a'], 'query')).rejects.toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
      message: 'the embedding service did not answer in time',
    });
  });

  it('is aborted by its caller with the caller’s reason', async () => {
    const { url } = await serve(() => undefined);
    const controller = new AbortController();
    const pending = provider(url).embed(['a'], 'query', controller.signal);
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });

  it('knows the prefixes of E5 models by their name only', () => {
    expect(prefixesOfModel('intfloat/multilingual-e5-large')).toEqual({ query: 'query: ', passage: 'passage: ' });
    expect(prefixesOfModel('all-MiniLM-L6-v2')).toEqual({ query: '', passage: '' });
  });
});
