import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterEach(closeEmbeddingServices);
afterAll(() => world.cleanUp());

function ask(server: ServerProcess, folder: string, question: string) {
  const variables = { SERVER__PORT: String(server.port), SERVER__HTTP_PORT: String(server.httpPort) };
  return world.run(['query', question], folder, variables);
}

describe('queries without the embedding service', () => {
  it('go by words; the command line warns once, and not at all where words found the answer', async () => {
    const { variables, down } = await embeddingService(() => 200);
    const folder = world.folder();
    const server = await world.serve(folder, { ...variables, EMBEDDING__MAX_RETRIES: '0' });
    const client = await server.connect();
    await client.storeBatch({ contexts: [{ text: 'the harbour of Porto' }, { text: 'the mountains of Nepal' }] });
    down();
    const { contexts, metadata } = await client.query({ query: 'harbour' });
    expect(contexts[0]?.text).toBe('the harbour of Porto');
    expect(metadata.degraded.map(({ code }) => code)).toEqual(new Array(3).fill('EMBEDDING_UNAVAILABLE'));
    await client.close();

    const answered = await ask(server, folder, 'harbour');
    expect(answered.stdout).toContain('the harbour of Porto');
    expect(answered.stderr).toBe('');
    const unanswered = await ask(server, folder, 'zebra');
    expect(unanswered.stderr).toBe(
      'warning: the embedding service is away, so only words were looked for (EMBEDDING_UNAVAILABLE)\n',
    );
  });

  it('are answered before their deadline where it hangs', async () => {
    const { asked, variables } = await embeddingService(({ input }) =>
      input.some((text) => text.startsWith('query: harbour')) ? null : 200,
    );
    const server = await world.serve(world.folder(), variables);
    const client = await server.connect();
    await client.store({ text: 'the harbour of Porto' });
    const { contexts, metadata } = await client.query({ query: 'harbour' }, { timeoutMs: 8_000 });
    expect(contexts[0]?.text).toBe('the harbour of Porto');
    expect(metadata.degraded[0]?.code).toBe('EMBEDDING_UNAVAILABLE');
    expect(asked.some(({ input }) => input[0] === 'query: harbour')).toBe(true);
    await client.close({ timeoutMs: 0 });
  });
});
