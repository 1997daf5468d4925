import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HealthReport } from '../../src/fronts/http/health.ts';
import { startQdrantDouble, type QdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
const doubles: QdrantDouble[] = [];
afterEach(async () => {
  closeEmbeddingServices();
  for (const double of doubles.splice(0)) await double.close();
});
afterAll(() => world.cleanUp());

/** Tried again at once, and never left alone for long. */
const QUICK = {
  EMBEDDING__MAX_RETRIES: '0',
  EMBEDDING__CIRCUIT__TIMEOUT_SECS: '0.1',
  EMBEDDING__DEFER: 'true',
};

async function backlog(server: ServerProcess): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/health`);
  const { pending, refused, status } = ((await response.json()) as HealthReport).components[
    'embedding_backlog'
  ] as Record<string, unknown>;
  return { status, pending, refused };
}

async function metric(server: ServerProcess, name: string): Promise<string | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith(`context_manager_${name}`));
}

const DONE = { status: 'healthy', pending: 0, refused: 0 };

describe('contexts stored while the embedding service is away', () => {
  it('survive a kill, and get their vectors when it is back, but for those that it refuses', async () => {
    const { asked, variables, down, up } = await embeddingService(({ input }) =>
      input.some((text) => text.includes('unreadable')) ? 422 : 200,
    );
    const settings = { ...variables, ...QUICK };
    const folder = world.folder();
    const server = await world.serve(folder, settings);
    const client = await server.connect();
    down();
    const contexts = [...Array.from({ length: 50 }, (_, i) => ({ text: `banana ${i}` })), { text: 'unreadable' }];
    const { results } = await client.storeBatch({ contexts });
    expect(results.filter((result) => 'created' in result && result.created)).toHaveLength(51);
    const found = await client.query({ query: 'banana 7' });
    expect(found.contexts[0]?.text).toBe('banana 7');
    expect(new Set(found.metadata.degraded.map(({ code }) => code))).toEqual(new Set(['EMBEDDING_UNAVAILABLE']));
    await expect.poll(() => backlog(server)).toEqual({ status: 'degraded', pending: 51, refused: 0 });
    expect(await metric(server, 'embedding_backlog{state="pending"}')).toMatch(/ 51$/);
    await client.close();
    await server.end('SIGKILL');

    await up();
    const again = await world.serve(folder, settings);
    await expect.poll(() => backlog(again)).toEqual({ status: 'healthy', pending: 0, refused: 1 });
    const later = await again.connect();
    const { contexts: all } = await later.query({ query: 'banana 7' });
    expect(all[0]?.text).toBe('banana 7');
    const passages = asked.flatMap(({ input }) => input).filter((text) => text.startsWith('passage: banana'));
    expect(new Set(passages).size).toBe(50);
    await later.close();
    expect((await again.end('SIGTERM')).code).toBe(0);
  });

  it('of two servers over one Qdrant are each stored once and embedded, whoever does it', async () => {
    const { variables, down, up } = await embeddingService(() => 200);
    const double = await startQdrantDouble();
    doubles.push(double);
    const settings = { ...variables, ...QUICK, VECTOR_DB__URL: double.url };
    const servers = [await world.serve(world.folder(), settings), await world.serve(world.folder(), settings)];
    const [one, other] = await Promise.all(servers.map((server) => server.connect()));
    down();
    const contexts = Array.from({ length: 40 }, (_, i) => ({ text: `banana ${i}` }));
    await one?.storeBatch({ contexts });
    expect((await other?.query({ query: 'banana 7' }))?.contexts[0]?.text).toBe('banana 7');
    await up();
    for (const server of servers) await expect.poll(() => backlog(server)).toEqual(DONE);
    const { contexts: listed } = (await other?.list({ limit: 100 }).page()) ?? { contexts: [] };
    expect(listed.map(({ version }) => version)).toEqual(new Array(40).fill(1));
    await Promise.all([one?.close(), other?.close()]);
  });
});
