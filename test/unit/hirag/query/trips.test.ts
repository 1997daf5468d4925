import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { QueryInput } from '../../../../src/hirag/types.ts';
import type { ToWorker } from '../../../../src/store/embedded/border/messages.ts';
import { openMemory, type MemoryFixture } from '../../../support/memory-fixture.ts';

const OWNER = { namespace: 'n', agentId: 'a', sessionId: 's' };

let current: MemoryFixture;

beforeEach(async () => {
  current = await openMemory();
  const texts = ['Ann bakes custard tarts', 'Ben repairs his old violin', 'the concert is in two weeks'];
  await current.memory.storeBatch(texts.map((text) => ({ ...OWNER, text })));
  await current.memory.store({ ...OWNER, text: 'Ann moved to Porto', level: 'long_term' });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await current.close();
});

/** Messages with calls that the query sends to the store's thread, and the calls in them. */
async function tripsOf(query: string, changes: Partial<QueryInput> = {}): Promise<string[][]> {
  const sent = vi.spyOn(Worker.prototype, 'postMessage');
  await current.memory.query({ ...OWNER, query, ...changes });
  const messages = sent.mock.calls.map(([message]) => message as ToWorker);
  sent.mockRestore();
  return messages.flatMap((message) => (message.type === 'calls' ? [message.calls.map(({ kind }) => kind)] : []));
}

describe("trips to the store's thread", () => {
  it('are one to search and one for the texts', async () => {
    for (const changes of [{}, { levels: ['immediate'] as const }, { explain: true }, { limit: 1 }])
      expect(await tripsOf('custard tarts', changes)).toEqual([['search'], ['fetch']]);
  });

  it('are no more for a question of any length', async () => {
    const page = Array.from({ length: 5_000 }, (_, i) => `filler${i}`).join(' ');
    expect(await tripsOf(`${page} custard tarts`)).toEqual([['search'], ['fetch']]);
  });

  it('are no more where a level is switched off that may hold contexts', async () => {
    current = await current.restart({ l2Enabled: false });
    expect(await tripsOf('custard tarts')).toEqual([['stats', 'search'], ['fetch']]);
    expect(await tripsOf('custard tarts')).toEqual([['search'], ['fetch']]);
  });

  it('are one where no text is fetched', async () => {
    expect(await tripsOf('zebra', { relevanceThreshold: 0.9 })).toEqual([['search']]);
    expect(await tripsOf('tarts', { namespace: 'empty' })).toEqual([['search']]);
  });
});
