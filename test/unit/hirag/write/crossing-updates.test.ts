import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GenericStore } from '../../../../src/store/generic/generic-store.ts';
import { MemoryDriver } from '../../../../src/store/memory/memory-driver.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { openMemory, type MemoryFixture } from '../../../support/memory-fixture.ts';
import { DEFAULTS } from '../../../support/settings.ts';

const OWNER = { namespace: 'n', agentId: 'a', sessionId: 's' };
const MINE = 'the walrus sleeps on the ice';
const OTHERS = 'a penguin swims under water';

function memoryDriver(): GenericStore {
  const dimension = DEFAULTS.vectorDb.vectorSize;
  return new GenericStore(new MemoryDriver(), { dimension, cursorKey: Buffer.alloc(16), clock: new FakeClock() });
}

describe.each([
  ['embedded', () => ({})],
  ['the defaults over the memory driver', () => ({ store: memoryDriver() })],
])('an update of which somebody else is ahead, in %s', (_name, options) => {
  let current: MemoryFixture;
  let id: string;

  beforeEach(async () => {
    current = await openMemory(options());
    ({ id } = await current.memory.store({ ...OWNER, text: MINE, level: 'long_term' }));
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await current.close();
  });

  /** The next write waits until the first of these is done, the one after it for the second, and so on. */
  function beforeWrites(...others: (() => Promise<unknown>)[]): void {
    const write = current.store.write.bind(current.store);
    let isOther = false;
    vi.spyOn(current.store, 'write').mockImplementation(async (...call) => {
      const other = isOther ? undefined : others.shift();
      isOther = true;
      await other?.();
      isOther = false;
      return write(...call);
    });
  }

  it('that keeps its text has it all the same, with its words and its vector, when the other rewords it', async () => {
    const { memory } = current;
    beforeWrites(() => memory.update({ namespace: 'n', id, text: OTHERS, tags: ['other'] }));
    const updated = await memory.update({ namespace: 'n', id, text: MINE, metadata: { mine: true } });
    expect(updated).toMatchObject({ text: MINE, metadata: { mine: true }, tags: ['other'], version: 3 });
    expect(await memory.get('n', id)).toEqual({ ...updated, accessCount: 1 });
    const { contexts } = await memory.query({ ...OWNER, query: 'walrus', relevanceThreshold: 0 });
    expect(contexts.map(({ record }) => record.text)).toEqual([MINE]);
    const [stored] = await current.store.load(OWNER, 'long_term', 0);
    const [vector] = await current.embedding.embed([{ namespace: 'n', text: MINE }], 'passage');
    expect(stored?.vector).toEqual(vector);
  });

  it('that names no text leaves what the other says', async () => {
    const { memory } = current;
    beforeWrites(() => memory.update({ namespace: 'n', id, text: OTHERS }));
    const updated = await memory.update({ namespace: 'n', id, tags: ['mine'] });
    expect(updated).toMatchObject({ text: OTHERS, tags: ['mine'], version: 3 });
    expect(await memory.get('n', id)).toEqual({ ...updated, accessCount: 1 });
  });

  it.each([
    ['keeps its text', { text: MINE }],
    ['rewords', { text: 'a seal' }],
    ['names no text', { tags: ['mine'] }],
  ])('that %s finds nothing when the other deletes it, and brings nothing back', async (_what, change) => {
    const { memory } = current;
    beforeWrites(() => memory.delete('n', { id }));
    await expect(memory.update({ namespace: 'n', id, ...change })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await memory.list({ namespace: 'n' })).records).toEqual([]);
  });

  it('that keeps its text finds nothing when one other rewords it and the next deletes it', async () => {
    const { memory } = current;
    beforeWrites(
      () => memory.update({ namespace: 'n', id, text: OTHERS }),
      () => memory.delete('n', { id }),
    );
    await expect(memory.update({ namespace: 'n', id, text: MINE })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await memory.list({ namespace: 'n' })).records).toEqual([]);
  });

  it.each([
    ['keeps its text', { text: MINE }],
    ['rewords', { text: 'a seal' }],
    ['names no text', { tags: ['mine'] }],
  ])('that %s and expects a version is told the one that there is', async (_what, change) => {
    const { memory } = current;
    beforeWrites(() => memory.update({ namespace: 'n', id, text: OTHERS }));
    await expect(memory.update({ namespace: 'n', id, ifVersion: 1, ...change })).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { version: 2 },
    });
    expect(await memory.get('n', id)).toMatchObject({ text: OTHERS, version: 2, tags: [] });
  });
});
