import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World } from './support/processes.ts';

const world = new World();
afterEach(closeEmbeddingServices);
afterAll(() => world.cleanUp());

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
    const found = await client.query({ query: 'unreadable banana', relevance_threshold: 0.001 });
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
