import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { createHttpProvider, prefixesOfModel, type HttpProviderOptions } from '../../../src/embedding/http.ts';
import { onlyVectors, type EmbeddingKind } from '../../../src/embedding/provider.ts';
import { testBackend } from '../../support/test-backend.ts';

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
    needsUnitLength: false,
    batchSize: 2,
    timeoutMs: 2_000,
    maxRetries: 0,
    queryPrefix: 'query: ',
    passagePrefix: 'passage: ',
    backend: testBackend(),
    fetch,
    clock: systemClock,
    random: systemRandom,
    ...options,
  });
}

async function failureOf(
  url: string,
  texts = ['a'],
  kind: EmbeddingKind = 'query',
  options: Partial<HttpProviderOptions> = {},
): Promise<unknown> {
  try {
    return onlyVectors(await provider(url, options).embed(texts, kind));
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

  it('refuses vectors of another length than 1 where the distance would change with it', async () => {
    const { url } = await serve(({ body }, response) => {
      const data = body.input.map((text) => ({ embedding: text.endsWith('long') ? [3, 4] : [0.6, 0.799] }));
      response.end(JSON.stringify({ data }));
    });
    const [unit, long] = await provider(url, { needsUnitLength: true }).embed(['unit', 'long'], 'passage');
    expect(unit).toBeInstanceOf(Float32Array);
    expect(long).toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
      permanent: true,
      message: expect.stringMatching(/of length 5\.00, .* until vector_db\.distance is set right/) as string,
    });
    expect(onlyVectors(await provider(url).embed(['long'], 'passage'))[0]).toEqual(Float32Array.of(0.6, 0.8));
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

  it.each([302, 401, 403, 404, 405, 410, 415])('does not claim that status %i passes', async (status) => {
    const { url, asked } = await serve((_call, response) => response.writeHead(status).end('secret inside'));
    const failure = await failureOf(`${url}?key=hush`, ['a', 'b']);
    expect(failure).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: false });
    expect((failure as Error).message).toMatch(new RegExp(`status ${status}; .*embedding\\.`));
    expect((failure as Error).message).not.toMatch(/secret|hush/);
    expect(asked).toHaveLength(1);
  });

  it('does not claim that vectors of another length pass', async () => {
    const { url, asked } = await serve((_call, response) => response.end('{"data":[{"index":0,"embedding":[1,2,3]}]}'));
    expect(await failureOf(url)).toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
      message: expect.stringMatching(/of 3 numbers in place of 2; .*vector_db\.vector_size/) as string,
      retryable: false,
    });
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
    controller.abort(new CodedError('SHUTTING_DOWN', 'enough'));
    await expect(pending).rejects.toMatchObject({ code: 'SHUTTING_DOWN', message: 'enough' });
  });

  it('knows the prefixes of E5 models by their name only', () => {
    expect(prefixesOfModel('intfloat/multilingual-e5-large')).toEqual({ query: 'query: ', passage: 'passage: ' });
    expect(prefixesOfModel('all-MiniLM-L6-v2')).toEqual({ query: '', passage: '' });
  });
});

/** Waits take no time, and are written down. */
function impatientClock(): { clock: Clock; waitsMs: number[] } {
  const waitsMs: number[] = [];
  const after: Clock['after'] = (delayMs, task) => {
    // The window in which calls find each other is none.
    if (delayMs !== 2) waitsMs.push(delayMs);
    return systemClock.after(0, task);
  };
  return { clock: { ...systemClock, nowMs: () => Date.UTC(2026, 0, 1), after }, waitsMs };
}

/** Random bytes that are all the same. */
function always(byte: number): { bytes(count: number): Uint8Array } {
  return { bytes: (count) => new Uint8Array(count).fill(byte) };
}

/** The first `answers`, and vectors from then on. */
function first(...answers: readonly Answer[]): Answer {
  let asked = 0;
  return (call, response) => (answers[asked++] ?? lengths)(call, response);
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_call, response) =>
    void response.writeHead(code, headers).end();

describe('a service that fails for a while', () => {
  it.each<[string, Answer]>([
    ['500', status(500)],
    ['503', status(503)],
    ['429', status(429)],
    ['408', status(408)],
    ['a cut connection', (_, response) => void response.destroy()],
    ['a reply that is cut', (_, response) => void (response.writeHead(200).write('{"data"'), response.destroy())],
    ['silence', () => undefined],
  ])('with %s is asked again', async (_, answer) => {
    const { url, asked } = await serve(first(answer, answer));
    const { clock, waitsMs } = impatientClock();
    const asking = provider(url, { maxRetries: 2, timeoutMs: 1_000, clock });
    expect(onlyVectors(await asking.embed(['a'], 'query'))).toHaveLength(1);
    expect(asked).toHaveLength(3);
    expect(waitsMs).toHaveLength(2);
  });

  it.each<[string, Answer]>([
    ['400', status(400)],
    ['401', status(401)],
    ['404', status(404)],
    ['302', status(302, { location: '/elsewhere' })],
    ['what is not JSON', (_, response) => void response.end('<html>')],
    ['a vector of another length', (_, response) => void response.end('{"data":[{"embedding":[1]}]}')],
  ])('with %s is not asked again, as that does not pass', async (_, answer) => {
    const { url, asked } = await serve(answer);
    await failureOf(url, ['a'], 'query', { maxRetries: 3, clock: impatientClock().clock });
    expect(asked).toHaveLength(1);
  });

  it('is asked so many times, and then its fault is told', async () => {
    const { url, asked } = await serve(status(503, { 'retry-after': '7' }));
    const failure = await failureOf(url, ['a'], 'query', { maxRetries: 3, clock: impatientClock().clock });
    expect(failure).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: true, retryAfterMs: 7000 });
    expect(asked).toHaveLength(4);
  });

  it('is left alone for longer each time, by a quarter more or less, and never for more than half a minute', async () => {
    const { url } = await serve(status(500));
    for (const [byte, factor] of [
      [0, 0.75],
      [255, 1.25],
    ] as const) {
      const { clock, waitsMs } = impatientClock();
      await failureOf(url, ['a'], 'query', { maxRetries: 10, clock, random: always(byte) });
      const expected = Array.from({ length: 10 }, (_, i) => Math.min(30_000, 200 * 2 ** i * factor));
      waitsMs.forEach((waitMs, i) => expect(waitMs).toBeCloseTo(expected[i] ?? NaN, 3));
    }
  });

  it.each([
    ['0', [200]],
    ['3', [3000]],
    ['Thu, 01 Jan 2026 00:00:05 GMT', [5000]],
    ['Wed, 31 Dec 2025 00:00:00 GMT', [200]],
    ['soon', [200]],
    ['-1', [200]],
    ['30', [30_000]],
    // Longer than anybody waits here.
    ['31', []],
    ['99999999999999999999', []],
  ])('is left alone as long as it asks: Retry-After: %s', async (header, expected) => {
    for (const code of [429, 503]) {
      const { url } = await serve(first(status(code, { 'retry-after': header })));
      const { clock, waitsMs } = impatientClock();
      await failureOf(url, ['a'], 'query', { maxRetries: 1, clock, random: always(128) });
      expect(waitsMs.map((waitMs) => Math.round(waitMs))).toEqual(expected);
    }
  });

  it('is not waited for past the deadline', async () => {
    const { url, asked } = await serve(status(503, { 'retry-after': '20' }));
    const controller = new AbortController();
    const pending = provider(url, { maxRetries: 5 }).embed(['a'], 'query', controller.signal);
    await expect.poll(() => asked.length).toBe(1);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(asked).toHaveLength(1);
  });
});

describe('calls that come together', () => {
  it('go in one request, each with its own vectors, queries apart from passages', async () => {
    const { url, asked } = await serve(lengths);
    const one = provider(url, { batchSize: 8, queryPrefix: '', passagePrefix: '' });
    const texts = ['a', 'bb', 'ccc', 'dddd'];
    const answers = await Promise.all([
      one.embed([texts[0] ?? ''], 'passage'),
      one.embed(texts.slice(1, 3), 'passage'),
      one.embed(['q'], 'query'),
      one.embed([texts[3] ?? ''], 'passage'),
    ]);
    expect(asked.map(({ body }) => body.input).sort((a, b) => b.length - a.length)).toEqual([texts, ['q']]);
    const ratios = answers.flat().map((vector) => (vector instanceof Float32Array ? vector[0] : NaN));
    expect(ratios).toEqual([1, 2, 3, 1, 4].map((length) => Math.fround(length / Math.hypot(length, 1))));
  });

  it('fill requests up to the size of a batch', async () => {
    const { url, asked } = await serve(lengths);
    const one = provider(url, { batchSize: 3 });
    await Promise.all(Array.from({ length: 7 }, (_, i) => one.embed([`text ${i}`], 'passage')));
    expect(asked.map(({ body }) => body.input.length).sort()).toEqual([1, 3, 3]);
  });

  it('do not suffer from a text that is refused, nor from one who gives up', async () => {
    const { url } = await serve((call, response) => {
      if (call.body.input.some((text) => text.includes('bad'))) response.writeHead(422).end();
      else lengths(call, response);
    });
    const one = provider(url, { batchSize: 8 });
    const controller = new AbortController();
    const [good, bad, gone, last] = [
      one.embed(['a'], 'passage'),
      one.embed(['bad'], 'passage'),
      one.embed(['c'], 'passage', controller.signal),
      one.embed(['d'], 'passage'),
    ];
    controller.abort();
    await expect(gone).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(onlyVectors([...(await good), ...(await last)])).toHaveLength(2);
    expect((await bad)[0]).toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('end their request when nobody waits for it any more', async () => {
    let closed = 0;
    const { url, asked } = await serve((_, response) => void response.on('close', () => closed++));
    const controller = new AbortController();
    const one = provider(url, { batchSize: 8 });
    const pending = [0, 1].map((i) => one.embed([`text ${i}`], 'passage', controller.signal));
    await expect.poll(() => asked.length).toBe(1);
    controller.abort();
    for (const each of pending) await expect(each).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await expect.poll(() => closed).toBe(1);
  });
});
