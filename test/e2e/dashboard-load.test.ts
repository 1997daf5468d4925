import { request, type ClientRequest } from 'node:http';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ask, Browser } from './support/browser.ts';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterEach(() => closeEmbeddingServices());
afterAll(() => world.cleanUp());

const SECRET = 'secret of the one key that there is!!';

/** A server whose embedder is asked and does not answer. */
async function hanging(): Promise<{ server: ServerProcess; cookie: string }> {
  const { variables } = await embeddingService(() => null);
  const server = await world.serve(world.folder(), {
    ...variables,
    EMBEDDING__TIMEOUT_SECS: '600',
    KEYS__0__ID: 'mara',
    KEYS__0__SECRET: SECRET,
  });
  const [cookie = ''] = (await new Browser(server).login('mara', SECRET)).headers['set-cookie']![0]!.split(';');
  return { server, cookie };
}

/** A query under way. */
function query({ httpPort }: ServerProcess, cookie: string, text: string): ClientRequest {
  const asked = request({
    host: '127.0.0.1',
    port: httpPort,
    path: '/api/request/context.query',
    method: 'POST',
    headers: { cookie, 'content-type': 'application/json' },
    agent: false,
  });
  asked.on('error', () => undefined);
  asked.end(JSON.stringify({ query: text }));
  return asked;
}

async function inFlight({ httpPort }: ServerProcess, cookie: string): Promise<number> {
  const { body } = await ask(httpPort, '/api/overview', { headers: { cookie } });
  return (body as { requests: { in_flight: number } }).requests.in_flight;
}

describe('requests of browsers', () => {
  it('end when the browser goes, and are worked on no more than so many at a time', async () => {
    const { server, cookie } = await hanging();
    const queries = Array.from({ length: 16 }, (_, i) => query(server, cookie, `question ${i}`));
    await expect.poll(() => inFlight(server, cookie)).toBe(16);
    const list = () => ask(server.httpPort, '/api/request/context.list', { body: {}, headers: { cookie } });
    const tooMany = await list();
    expect(tooMany).toMatchObject({ status: 503, body: { error: { code: 'OVERLOADED', retry_after_ms: 250 } } });
    // Without a deadline of its own each would take until that of the page.
    const startedMs = performance.now();
    for (const each of queries) each.destroy();
    await expect.poll(() => inFlight(server, cookie)).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    await expect.poll(async () => (await list()).status).toBe(200);
    await server.end('SIGTERM');
  });

  it('do not hold up the end of the server', async () => {
    const { server, cookie } = await hanging();
    query(server, cookie, 'a question');
    await expect.poll(() => inFlight(server, cookie)).toBe(1);
    const startedMs = performance.now();
    expect((await server.end('SIGTERM')).code).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(25_000);
  });
});
