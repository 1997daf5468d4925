// Queries whose filters take long, on a real server: nobody else waits for them, and they end with whoever asked.

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Filter } from '../../src/base/context.ts';
import { WireClient } from '../support/wire-client.ts';
import { type ServerProcess, World } from './support/processes.ts';

const CONTEXTS = 1_000;
/** Of one filter. */
const CONDITIONS_MAX = 256;
const PATHS = 32;
/** In no order, so that making them ready for many questions is work. */
const NUMBERS = Array.from({ length: 5_000 }, (_, i) => (i * 7_919) % 5_003);
const BATCH = 50;

const world = new World();
let server: ServerProcess;
let owner: WireClient;
let other: WireClient;
let id: string;

const connect = (sender: string): Promise<WireClient> => {
  const secret = readFileSync(join(server.dataDir, 'secret'), 'utf8').trim();
  return WireClient.connect(server.port, { keyId: 'default', secret, sender });
};

beforeAll(async () => {
  server = await world.serve(world.folder());
  [owner, other] = [await connect('owner'), await connect('other')];
  ({ id } = await other.request('context.store', { namespace: 'small', text: 'the harbour office opens at nine' }));
  for (let first = 0; first < CONTEXTS; first += BATCH) {
    const contexts = Array.from({ length: BATCH }, (_, i) => ({
      namespace: 'large',
      text: `harbour ${first + i}`,
      level: 'long_term' as const,
      metadata: { kept: (first + i) % 4, numbers: NUMBERS },
    }));
    await owner.request('context.store_batch', { contexts });
  }
});
afterAll(() => world.cleanUp());

/** On paths that nobody has asked about before, and on long lists: a second of work. It lets through what has `kept` 1. */
function longFilter(name: string): Filter {
  const ofPaths = Array.from({ length: PATHS }, (_, i) => ({ key: `metadata.${name}${i}`, match: { value: 1 } }));
  const ofLists = Array.from({ length: CONDITIONS_MAX - PATHS - 1 }, (_, i) => ({
    key: 'metadata.numbers',
    ...(i % 2 === 0 ? { match: { value: -1 - i } } : { range: { gt: 6_000 + i } }),
  }));
  return { should: [...ofPaths, ...ofLists, { key: 'metadata.kept', match: { value: 1 } }] };
}

function query(client: WireClient, name: string, envelope: { readonly deadline_ms?: number } = {}) {
  return client.request('context.query', { namespace: 'large', query: 'harbour', filter: longFilter(name) }, envelope);
}

/** Ticks of a processor that the server has taken so far. */
function processorTicks(): number {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** What the server takes until it has nothing more to do, from the moment at which `work` is called. */
async function ticksOf(work: () => Promise<unknown>): Promise<number> {
  const before = processorTicks();
  await work();
  for (let last = processorTicks(); ; ) {
    await sleep(300);
    const now = processorTicks();
    if (now - last <= 2) return now - before;
    last = now;
  }
}

describe('a query that takes long', () => {
  it('lets gets of another namespace through while it is worked on, and finds what it should', async () => {
    let isDone = false;
    const long = query(owner, 'a').finally(() => (isDone = true));
    let gets = 0;
    for (; !isDone; gets++) await other.request('context.get', { namespace: 'small', id });
    // Some get in before it is at the store, and one may wait there until it is done.
    expect(gets).toBeGreaterThan(10);
    const { contexts, metadata } = await long;
    expect(metadata.degraded).toEqual([]);
    expect(contexts.length).toBeGreaterThan(0);
    for (const context of contexts) expect(context.metadata).toMatchObject({ kept: 1 });
  });

  it.skipIf(process.platform !== 'linux')(
    'is worked on no more once its deadline is over or its asker is gone',
    async () => {
      const whole = await ticksOf(() => query(owner, 'b'));
      const late = await ticksOf(() =>
        expect(query(owner, 'c', { deadline_ms: 50 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' }),
      );
      expect(late).toBeLessThan(whole / 2);
      const gone = await ticksOf(async () => {
        const leaver = await connect('owner');
        const lost = expect(query(leaver, 'd')).rejects.toThrow();
        await sleep(50);
        // Cut, rather than ended: who ends its side may still read.
        (leaver.duplex as Socket).resetAndDestroy();
        await lost;
      });
      expect(gone).toBeLessThan(whole / 2);
    },
  );
});
