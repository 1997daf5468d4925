import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { onlyVectors } from '../../../../src/embedding/provider.ts';
import type { QueryInput } from '../../../../src/hirag/types.ts';
import type { ToWorker } from '../../../../src/store/embedded/border/messages.ts';
import { idOf } from '../../../contract/store-samples.ts';
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

function tripsOf(query: string, changes: Partial<QueryInput> = {}): Promise<string[][]> {
  return tripsWhile(() => current.memory.query({ ...OWNER, query, ...changes }));
}

/** Messages with calls that are sent to the store's thread meanwhile, and the calls in them. */
async function tripsWhile(work: () => Promise<unknown>): Promise<string[][]> {
  const sent = vi.spyOn(Worker.prototype, 'postMessage');
  await work();
  const messages = sent.mock.calls.map(([message]) => message as ToWorker);
  sent.mockRestore();
  return messages.flatMap((message) => (message.type === 'calls' ? [message.calls.map(({ kind }) => kind)] : []));
}

describe("trips to the store's thread", () => {
  it('are one to search and one for the texts', async () => {
    for (const changes of [{}, { levels: ['immediate'] as const }, { explain: true }, { limit: 1 }])
      expect(await tripsOf('custard tarts', changes)).toEqual([['search'], ['fetch']]);
  });

  it('are one for a vector alone, with which the nearest texts come, and one more where others rank before them', async () => {
    const [embedding = new Float32Array()] = onlyVectors(
      await current.embedding.embed([{ namespace: 'n', text: 'Ben repairs his old violin' }], 'passage'),
    );
    current.clock.advance(3_600_000);
    await current.memory.store({ ...OWNER, text: 'somebody else entirely' });
    const nearest = { ...OWNER, embedding, relevanceThreshold: 0, limit: 2 };
    expect(await tripsWhile(() => current.memory.query(nearest))).toEqual([['search']]);
    const newest = { ...nearest, limit: 1, weights: { recency: 1 } };
    expect(await tripsWhile(() => current.memory.query(newest))).toEqual([['search'], ['fetch']]);
    const texts = async (changes: Partial<QueryInput>): Promise<string[]> =>
      (await current.memory.query({ ...nearest, ...changes })).contexts.map(({ record }) => record.text);
    expect((await texts({}))[0]).toBe('Ben repairs his old violin');
    expect(await texts(newest)).toEqual(['somebody else entirely']);
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

  it('of an append read the session and its last answers beside what is known of the messages and their writing', async () => {
    const { sessions } = current.memory;
    const say = (turn: number) =>
      sessions.append({
        ...OWNER,
        messages: [
          { id: idOf(`question ${turn}`), role: 'user', content: `Where does parcel ${turn} go?` },
          { id: idOf(`answer ${turn}`), role: 'assistant', content: `Parcel ${turn} goes to Porto.` },
        ],
      });
    await say(1);
    const trips = await tripsWhile(() => say(2));
    expect(trips.length).toBeLessThanOrEqual(4);
    expect(trips.flat().toSorted()).toEqual(['change_documents', 'fetch', 'fetch', 'read_documents', 'write']);
    expect(trips[0]?.toSorted()).toEqual(['fetch', 'read_documents']);
  });

  it('of a window are one for the session, one for its messages, and those of a query', async () => {
    const { sessions } = current.memory;
    await sessions.append({ ...OWNER, messages: [{ role: 'user', content: 'Where did Ann move?' }] });
    const trips = await tripsWhile(() => sessions.window({ ...OWNER, query: 'Ann Porto' }));
    expect(trips).toEqual([['read_documents'], ['fetch'], ['search'], ['fetch']]);
  });
});
