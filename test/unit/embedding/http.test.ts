import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { createHttpProvider, prefixesOfModel, type HttpProviderOptions } from '../../../src/embedding/http.ts';
import { onlyVectors, type EmbeddingKind } from '../../../src/embedding/provider.ts';

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

async function failureOf(url: string, texts = ['a'], kind: EmbeddingKind = 'query'): Promise<unknown> {
  try {
    return onlyVectors(await provider(url).embed(texts, kind));
  } catch (error) {
    return error;
  }
}

/** Vectors [length of the input, 1], last first, as a service may order them. */
const lengths: Answer = ({ body }, response) => {
  const data = body.input.map((text, index) => ({ index, embedding: [text.length, 1] })).reverse();
  response.end(JSON.stringify({ data }));
};

describe('http embedding provider', () => {
  it('sends batches with the prefix and the token, and returns unit vectors in order', async () => {
    const { url, asked } = await serve(lengths);
    const vectors = onlyVectors(await provider(url, { apiToken: 'hush' }).embed(['a', 'bb', 'ccc'], 'passage'));
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

  it('bounds the characters of a request', async () => {
    const { url, asked } = await serve(lengths);
    const long = 'x'.repeat(600_000);
    await provider(url, { batchSize: 10, passagePrefix: '' }).embed(['a', long, 'b', long, long, 'c'], 'passage');
    expect(asked.map(({ body: { input } }) => input.map((text) => text.length))).toEqual([
      [1, 600_000, 1],
      [600_000],
      [600_000, 1],
    ]);
  });

  it.each([
    ['', '/v1/embeddings'],
    ['/', '/v1/embeddings'],
    ['/embeddings', '/v1/embeddings'],
    ['/embeddings/', '/v1/embeddings'],
    ['?api-version=2024-02-01', '/v1/embeddings?api-version=2024-02-01'],
    ['/?api-version=2024-02-01&x=a%2Fb', '/v1/embeddings?api-version=2024-02-01&x=a%2Fb'],
    ['/embeddings?api-version=2024-02-01', '/v1/embeddings?api-version=2024-02-01'],
    ['/deployments/my%20model/#top', '/v1/deployments/my%20model/embeddings'],
  ])('asks under the base address .../v1%s', async (ending, path) => {
    const { url, asked } = await serve(lengths);
    await provider(url + ending).embed(['a'], 'query');
    expect(asked.map((call) => call.path)).toEqual([path]);
  });

  it('takes no address that is none', () => {
    expect(() => provider('not an address')).toThrow('`embedding.api_url` is not a URL');
  });

  it.each<[string, Answer]>([
    ['an error status', (_, response) => response.writeHead(503).end('busy, secret inside')],
    ['too many requests', (_, response) => response.writeHead(429).end()],
    ['a request timeout', (_, response) => response.writeHead(408).end()],
    ['what is not JSON', (_, response) => response.end('<html>')],
    ['null', (_, response) => response.end('null')],
    ['no list', (_, response) => response.end('{"data":{"0":{"embedding":[1,2]}}}')],
    ['too few vectors', (_, response) => response.end('{"data":[]}')],
    ['too many vectors', (_, response) => response.end('{"data":[{"embedding":[1,2]},{"embedding":[1,2]}]}')],
    ['another dimension', (_, response) => response.end('{"data":[{"index":0,"embedding":[1,2,3]}]}')],
    ['a zero vector', (_, response) => response.end('{"data":[{"index":0,"embedding":[0,0]}]}')],
    ['a row that is none', (_, response) => response.end('{"data":[null]}')],
    ['base64', (_, response) => response.end('{"data":[{"index":0,"embedding":"AACAPwAAAEA="}]}')],
    ['text for numbers', (_, response) => response.end('{"data":[{"index":0,"embedding":["1","2"]}]}')],
    ['null for a number', (_, response) => response.end('{"data":[{"index":0,"embedding":[null,0.1]}]}')],
    ['true for a number', (_, response) => response.end('{"data":[{"index":0,"embedding":[true,0.1]}]}')],
    ['a list for a number', (_, response) => response.end('{"data":[{"index":0,"embedding":[[1],0.1]}]}')],
    ['a number past all bounds', (_, response) => response.end('{"data":[{"index":0,"embedding":[1e999,1]}]}')],
    ['a number past those of float32', (_, response) => response.end('{"data":[{"index":0,"embedding":[1e300,1]}]}')],
    ['a wrong index', (_, response) => response.end('{"data":[{"index":7,"embedding":[1,2]}]}')],
    ['an index that is no whole number', (_, response) => response.end('{"data":[{"index":"0","embedding":[1,2]}]}')],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['an endless reply', (_, response) => response.end(' '.repeat(200_000))],
    ['a cut connection', (_, response) => response.destroy()],
  ])('answers EMBEDDING_UNAVAILABLE to %s, without its text', async (_, answer) => {
    const { url } = await serve(answer);
    const failure = await failureOf(url);
    expect(failure).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: true });
    expect((failure as Error).message).not.toContain('secret');
  });

  it.each<[string, string]>([
    ['one index twice', '[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]'],
    ['an index for one of two', '[{"index":0,"embedding":[1,2]},{"embedding":[1,2]}]'],
    ['indexes from 1 on', '[{"index":1,"embedding":[1,2]},{"index":2,"embedding":[1,2]}]'],
  ])('trusts no vector of a reply with %s', async (_, data) => {
    const { url } = await serve((_call, response) => response.end(`{"data":${data}}`));
    await expect(provider(url).embed(['a', 'b'], 'passage')).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
  });

  it('takes vectors without an index in their order', async () => {
    const { url } = await serve((_call, response) =>
      response.end('{"data":[{"embedding":[1,0]},{"index":null,"embedding":[0,1]}]}'),
    );
    expect(await provider(url).embed(['a', 'b'], 'passage')).toEqual([Float32Array.of(1, 0), Float32Array.of(0, 1)]);
  });

  it.each([401, 403, 404, 405, 410, 415])('does not claim that status %i passes', async (status) => {
    const { url, asked } = await serve((_call, response) => response.writeHead(status).end('secret inside'));
    const failure = await failureOf(`${url}?key=hush`, ['a', 'b']);
    expect(failure).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: false });
    expect((failure as Error).message).toMatch(new RegExp(`status ${status}; .*embedding\\.`));
    expect((failure as Error).message).not.toMatch(/secret|hush/);
    expect(asked).toHaveLength(1);
  });

  it.each([
    [400, 'BAD_REQUEST'],
    [413, 'PAYLOAD_TOO_LARGE'],
    [422, 'BAD_REQUEST'],
  ])('blames the text for status %i', async (status, code) => {
    const { url } = await serve((_call, response) => response.writeHead(status).end('secret inside'));
    for (const [kind, field] of [
      ['passage', '/text'],
      ['query', '/query'],
    ] as const) {
      const failure = await failureOf(url, ['a'], kind);
      expect(failure).toMatchObject({ code, retryable: false, details: { fields: [{ field }] } });
      expect((failure as Error).message).toMatch(/^(?!.*secret).*status/);
    }
  });

  it.each([
    ['one of ten', [3]],
    ['the first', [0]],
    ['the last', [9]],
    ['two neighbours', [4, 5]],
    ['all but one', [0, 1, 2, 3, 4, 6, 7, 8, 9]],
    ['all', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])('sets the refused texts apart: %s', async (_, bad) => {
    const { url, asked } = await serve((call, response) => {
      if (call.body.input.some((text) => text.includes('bad'))) response.writeHead(422).end();
      else lengths(call, response);
    });
    const texts = Array.from({ length: 10 }, (_each, i) => (bad.includes(i) ? `bad ${i}` : `good ${i}`));
    const embedded = await provider(url, { batchSize: 10 }).embed(texts, 'passage');
    expect(embedded.flatMap((each, i) => (each instanceof CodedError ? [i] : []))).toEqual(bad);
    expect(asked.length).toBeLessThan(2 * texts.length);
  });

  it('sets a vector that is none apart', async () => {
    const { url, asked } = await serve((call, response) => {
      const data = call.body.input.map((text, index) => ({ index, embedding: [text.endsWith('bad') ? null : 1, 1] }));
      response.end(JSON.stringify({ data }));
    });
    const [first, bad, last] = await provider(url, { batchSize: 3 }).embed(['a', 'bad', 'c'], 'passage');
    expect([first, last]).toEqual([expect.any(Float32Array), expect.any(Float32Array)]);
    expect(bad).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
    expect(asked).toHaveLength(1);
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
