import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { World, type Variables } from './support/processes.ts';

const world = new World();
const services: Server[] = [];
afterEach(() => {
  for (const service of services.splice(0)) {
    service.closeAllConnections();
    service.close();
  }
});
afterAll(() => world.cleanUp());

interface Asked {
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
type Status = (asked: Asked) => number | null;

/** An OpenAI-compatible service under an address with a query string. */
async function embeddingService(status: Status): Promise<{ asked: Asked[]; variables: Variables }> {
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
  services.push(service);
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const variables = {
    EMBEDDING__PROVIDER: 'http',
    EMBEDDING__URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}/v1/?api-version=7`,
    EMBEDDING__MODEL: 'e5-letters',
    EMBEDDING__API_TOKEN: 'token-hunter2',
    EMBEDDING__DIMENSION: String(DIMENSION),
    SERVER__SHUTDOWN_DEADLINE_MS: '60000',
    LOGGING__LEVEL: 'debug',
  };
  return { asked, variables };
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

describe('an embedding service', () => {
  it("is asked for passages and queries with the model's prefixes, and its token stays out of the log", async () => {
    const { asked, variables } = await embeddingService(() => 200);
    const server = await world.serve(world.folder(), variables);
    const client = await server.connect();
    await client.store({ text: 'bananas' });
    const { contexts } = await client.query({ query: 'banana' });
    expect(contexts[0]?.text).toBe('bananas');
    expect(asked).toContainEqual({
      authorization: 'Bearer token-hunter2',
      path: '/v1/embeddings?api-version=7',
      model: 'e5-letters',
      input: ['passage: bananas'],
    });
    expect(asked.map(({ input }) => input)).toContainEqual(['query: banana']);
    await client.close();
    const { code, stderr } = await server.end('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/hunter2|banana/);
  });

  it('that refuses a text costs only that text', async () => {
    const { asked, variables } = await embeddingService(({ input }) =>
      input.some((text) => text.includes('unreadable')) ? 422 : 200,
    );
    const client = await (await world.serve(world.folder(), variables)).connect();
    const contexts = Array.from({ length: 10 }, (_, i) => ({ text: i === 6 ? 'unreadable' : `banana ${i}` }));
    const { results } = await client.storeBatch({ contexts });
    expect(results.map((result) => ('error' in result ? result.error.code : 'stored'))).toEqual(
      contexts.map((_, i) => (i === 6 ? 'BAD_REQUEST' : 'stored')),
    );
    expect((await client.list({}).page()).contexts).toHaveLength(9);
    const alone = await client.store({ text: 'unreadable' }).catch((error: unknown) => error);
    expect(alone).toMatchObject({
      code: 'BAD_REQUEST',
      retryable: false,
      details: { fields: [{ field: '/text', reason: 'is refused by the embedding service with status 422' }] },
    });
    const { id } = await client.store({ text: 'banana' });
    await expect(client.update({ id, text: 'unreadable' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect((await client.get({ id })).context).toMatchObject({ text: 'banana', version: 1 });
    // Words find it still, and the answer says that the vectors are missing.
    const found = await client.query({ query: 'unreadable banana' });
    expect(found.contexts.length).toBeGreaterThan(0);
    expect(found.metadata.degraded.map(({ code }) => code)).toContain('BAD_REQUEST');
    expect(asked.filter(({ input }) => input.length === 1 && input[0] === 'passage: unreadable')).toHaveLength(3);
    await client.close();
  });

  it('that will not serve before its settings are mended is asked once for each store', async () => {
    const { asked, variables } = await embeddingService(({ input }) => (input[0] === 'query: ready?' ? 200 : 401));
    const server = await world.serve(world.folder(), variables);
    const client = await server.connect();
    const failure = await client.store({ text: 'bananas' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: false });
    expect((failure as Error).message).toBe(
      'the embedding service answered with status 401; it will until embedding.api_token is set right',
    );
    expect(asked.filter(({ input }) => input[0] === 'passage: bananas')).toHaveLength(1);
    await client.close();
  });

  it('that does not answer holds a stop up, and a second signal does not wait for it', async () => {
    const { asked, variables } = await embeddingService(() => null);
    const server = await world.serve(world.folder(), variables);
    const client = await server.connect();
    const storing = client.store({ text: 'never embedded' }).catch((error: unknown) => error);
    await expect.poll(() => asked.length).toBe(1);
    server.kill('SIGTERM');
    const readiness = `http://127.0.0.1:${server.httpPort}/health/readiness`;
    await expect.poll(async () => (await fetch(readiness)).status).toBe(503);
    expect(await (await fetch(readiness)).json()).toEqual({ ready: false, reason: 'the server is shutting down' });
    expect(await server.end('SIGTERM')).toMatchObject({ code: 143 });
    await client.close({ timeoutMs: 0 });
    expect(await storing).toBeInstanceOf(Error);
  });
});
