// What Qdrant can do to a server: each row is a bad day, and after it all is well without a restart.

import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { type ServerProcess, World } from '../e2e/support/processes.ts';
import { FaultProxy, httpAnswer, PASS, type Mood } from '../support/fault-proxy.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';

/** Of a call. Qdrant is given one second. */
const DEADLINE_MS = 4_000;
/** What a call may take beyond its deadline on a machine that is five times slower. */
const GRACE_MS = 5_000;
/** The last of the attempts that the client makes may have had less than a second. */
const UNAVAILABLE = /^(STORE_UNAVAILABLE|DEADLINE_EXCEEDED|TIMEOUT)$/;

const ROWS: readonly (readonly [name: string, mood: Mood])[] = [
  ['refuses connections', { kind: 'refuse' }],
  ['hangs', { kind: 'hang' }],
  ['cuts its replies', { kind: 'cut', afterBytes: 150 }],
  ['cuts connections before it replies', { kind: 'cut', afterBytes: 0 }],
  ['answers 500', httpAnswer(500)],
  ['answers 429', httpAnswer(429, '', ['retry-after: 1'])],
  ['sends some bytes at a time', { kind: 'slow', pieceBytes: 2, pauseMs: 50 }],
  ['answers garbage', { kind: 'answer', bytes: '\u0000\u0001garbage\r\n\r\n' }],
  ['answers what is no JSON', httpAnswer(200, '<html>')],
];

describe('a Qdrant that', () => {
  const world = new World();
  const stored: string[] = [];
  let qdrant: QdrantDouble;
  let proxy: FaultProxy;
  let server: ServerProcess;
  let client: Client;
  beforeAll(async () => {
    qdrant = await startQdrantDouble();
    const target = Number(new URL(qdrant.url).port);
    proxy = await FaultProxy.start(() => target);
    server = await world.serve(world.folder(), {
      VECTOR_DB__URL: `http://127.0.0.1:${proxy.port}`,
      VECTOR_DB__VECTOR_SIZE: '64',
      VECTOR_DB__TIMEOUT_SECS: '1',
      VECTOR_DB__CIRCUIT__TIMEOUT_SECS: '0.5',
    });
    client = await server.connect();
  });
  afterAll(async () => {
    await client.close({ timeoutMs: 0 });
    await world.cleanUp();
    await proxy.close();
    await qdrant.close();
  });
  afterEach(() => proxy.set(PASS));

  it.each(ROWS)('%s: calls end in time and say so, and afterwards nothing is lost or doubled', async (name, mood) => {
    const { id } = await client.store({ text: `before it ${name}` });
    const again = { id: randomUUID(), text: `while it ${name}` };
    await proxy.set(mood);
    const startedMs = performance.now();
    const outcomes = await Promise.allSettled([
      client.store(again, { timeoutMs: DEADLINE_MS }),
      client.query({ query: `before it ${name}` }, { timeoutMs: DEADLINE_MS }),
      client.get({ id }, { timeoutMs: DEADLINE_MS }),
      client.update({ id, tags: ['changed'] }, { timeoutMs: DEADLINE_MS }),
    ]);
    expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS + GRACE_MS);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ reason: { code: expect.stringMatching(UNAVAILABLE) as string } });
    await proxy.set(PASS);
    await client.store(again);
    stored.push(id, again.id);
    const { context } = await client.get({ id });
    // Made once, or not at all.
    expect(context.version).toBe(1 + context.tags.length);
    expect((await client.query({ query: `while it ${name}` })).contexts.map((found) => found.id)).toContain(again.id);
    const listed: string[] = [];
    for await (const found of client.list({})) listed.push(found.id);
    expect(listed.toSorted()).toEqual(stored.toSorted());
  });

  it('did all that left no rejection that nobody handled', async () => {
    await client.close();
    const { code, stderr } = await server.end('SIGTERM');
    expect(stderr).not.toMatch(/unhandled|uncaught/i);
    expect(code).toBe(0);
  });
});
