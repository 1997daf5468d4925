// Many clients at once, and a backend that is slow: what it and its queue have no room for is told so at once, the others
// are answered, and nobody who needs no backend waits.

import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World, type ServerProcess, type Variables } from '../e2e/support/processes.ts';
import { ModelService } from '../support/model-service.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { Refused, WireClient } from '../support/wire-client.ts';

const SECRET = 'a-secret-of-a-test-that-nobody-else-knows-01';
const CLIENTS = 16;
const TTL_MS = 60_000;

const world = new World();
let server: ServerProcess;
/** Each with a connection of its own. */
let clients: WireClient[];
afterEach(() => world.cleanUp());

async function serve(variables: Variables): Promise<void> {
  server = await world.serve(world.folder(), { PROTOCOL_SECRET: SECRET, ...variables });
  clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => WireClient.connect(server.port, { keyId: 'default', secret: SECRET })),
  );
}

/** By index: what became of it, as a client without retries is told. */
type Outcome = { readonly id: string } | { readonly refused: Refused };

async function store(client: WireClient, id: string): Promise<Outcome> {
  try {
    await client.request('context.store', { id, text: `note ${id}`, ttl_ms: TTL_MS * 1000 });
    return { id };
  } catch (error) {
    if (error instanceof Refused) return { refused: error };
    throw error;
  }
}

function sortOut(outcomes: readonly Outcome[]) {
  return {
    ids: outcomes.flatMap((outcome) => ('id' in outcome ? [outcome.id] : [])),
    refusals: outcomes.flatMap((outcome) => ('refused' in outcome ? [outcome.refused.payload] : [])),
  };
}

const OVERLOADED = {
  code: 'OVERLOADED',
  retryable: true,
  retry_after_ms: expect.any(Number) as number,
};

async function listed(): Promise<string[]> {
  const { contexts } = await (clients[0] as WireClient).request('context.list', { limit: 100 });
  return contexts.map(({ id }) => id).toSorted();
}

/** Nothing was lost or doubled, and everybody gets in now, under the same ids. */
async function goesOn(ids: readonly string[], acknowledged: readonly string[]): Promise<void> {
  // What was held back may still be at work behind the last answer.
  await expect.poll(() => listed().catch(() => null)).toEqual([...acknowledged].toSorted());
  for (const [i, id] of ids.entries()) expect(await store(clients[i % CLIENTS] as WireClient, id)).toEqual({ id });
  expect(await listed()).toEqual(ids.toSorted());
  for (const client of clients) client.duplex.destroy();
  const { code, stderr } = await server.end('SIGTERM');
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/unhandled|uncaught/i);
}

describe('an embedding service that is slow', () => {
  let service: ModelService;
  let release: () => void;
  beforeEach(async () => {
    service = await ModelService.start();
    release = () => undefined;
    await serve({
      ...service.variables('letters-64'),
      EMBEDDING__BATCH_SIZE: '1',
      EMBEDDING__MAX_CONCURRENCY: '2',
      EMBEDDING__MAX_QUEUE: '3',
      EMBEDDING__TIMEOUT_SECS: '120',
    });
  });
  afterEach(() => {
    release();
    service.close();
  });

  it('serves as many as it and its queue take, refuses the others, and holds up nobody else', async () => {
    const known = randomUUID();
    const [first, second] = clients as [WireClient, WireClient];
    await store(first, known);
    const held = Promise.withResolvers<void>();
    release = held.resolve;
    service.answer = () => held.promise.then(() => 200);
    const ids = clients.map(() => randomUUID());
    const settled: Outcome[] = [];
    const storing = clients.map(async (client, i) => {
      const outcome = await store(client, ids[i] as string);
      settled.push(outcome);
      return outcome;
    });
    await expect.poll(() => settled.length, { timeout: 30_000 }).toBe(CLIENTS - 5);
    const { refusals } = sortOut(settled);
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining(OVERLOADED) as object));
    expect(Math.min(...refusals.map((payload) => payload.retry_after_ms ?? 0))).toBeGreaterThan(0);
    // Meanwhile, also on connections whose own request waits.
    for (const client of clients) await client.request('ping', {});
    const { context } = await first.request('context.get', { id: known });
    expect(context.text).toBe(`note ${known}`);
    const { contexts, metadata } = await second.request('context.query', { query: `note ${known}` });
    expect(contexts[0]?.id).toBe(known);
    expect(metadata.degraded.map(({ code }) => code)).toContain('OVERLOADED');
    expect(settled).toHaveLength(CLIENTS - 5);
    release();
    const { ids: acknowledged } = sortOut(await Promise.all(storing));
    expect(acknowledged).toHaveLength(5);
    await goesOn([...ids, known], [...acknowledged, known]);
  });
});

describe('a Qdrant that is slow', () => {
  let qdrant: QdrantDouble;
  beforeEach(async () => {
    qdrant = await startQdrantDouble();
    await serve({
      VECTOR_DB__URL: qdrant.url,
      VECTOR_DB__VECTOR_SIZE: '64',
      VECTOR_DB__MAX_CONCURRENCY: '3',
      VECTOR_DB__MAX_QUEUE: '4',
      VECTOR_DB__TIMEOUT_SECS: '120',
    });
  });
  afterEach(() => qdrant.close());

  it('writes what it and its queue take, refuses the others, and holds up nobody else', async () => {
    const ids = clients.map(() => randomUUID());
    qdrant.faults.add({ kind: 'delay', delayMs: 1_000, on: '/points' });
    const first = store(clients[0] as WireClient, ids[0] as string);
    qdrant.requests.reset();
    await expect.poll(() => qdrant.requests.count('/points'), { timeout: 30_000 }).toBeGreaterThan(0);
    const others = clients.slice(1).map((client, i) => store(client, ids[i + 1] as string));
    for (const client of clients) await client.request('ping', {});
    const { ids: acknowledged, refusals } = sortOut(await Promise.all([first, ...others]));
    qdrant.faults.clear();
    expect(acknowledged.length).toBeGreaterThanOrEqual(1 + 4);
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining(OVERLOADED) as object));
    await goesOn(ids, acknowledged);
  });

  it('answers the reads that it and its queue take, and refuses the others', async () => {
    const id = randomUUID();
    await store(clients[0] as WireClient, id);
    qdrant.faults.add({ kind: 'delay', delayMs: 1_000, on: '/points' });
    const reads = await Promise.allSettled(clients.map((client) => client.request('context.get', { id })));
    qdrant.faults.clear();
    const texts = reads.flatMap((read) => (read.status === 'fulfilled' ? [read.value.context.text] : []));
    const refusals = reads.flatMap((read) => (read.status === 'rejected' ? [(read.reason as Refused).payload] : []));
    // A read asks three collections.
    expect(texts.length).toBeGreaterThanOrEqual(1);
    expect(texts).toEqual(texts.map(() => `note ${id}`));
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining(OVERLOADED) as object));
    await goesOn([id], [id]);
  });
});
