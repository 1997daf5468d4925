import { afterEach, describe, expect, it } from 'vitest';
import { LEVELS, type ContextRecord, type Level } from '../../../../src/base/context.ts';
import type { Metrics } from '../../../../src/base/metrics.ts';
import type { Settings } from '../../../../src/config/settings.ts';
import type { Memory, StoreInput } from '../../../../src/hirag/types.ts';
import { openMemory, type MemoryFixture } from '../../../support/memory-fixture.ts';

const OWNER = { namespace: 'n', agentId: 'a', sessionId: 's' };
const HOUR_MS = 3_600_000;

let current: MemoryFixture | undefined;

afterEach(async () => {
  await current?.close();
  current = undefined;
});

/** Counts, as `name{labels}`. */
class Counting implements Metrics {
  readonly counts: Record<string, number> = {};
  count: Metrics['count'] = (name, labels = {}, by = 1) => {
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts[key] = (this.counts[key] ?? 0) + by;
  };
  observe: Metrics['observe'] = () => undefined;
  gauge: Metrics['gauge'] = () => undefined;
}

async function start(settings: Partial<Settings['hirag']> = {}): Promise<MemoryFixture & { metrics: Counting }> {
  const metrics = new Counting();
  current = await openMemory({ settings, deps: { metrics } });
  return { ...current, metrics };
}

async function fill(memory: Memory, names: readonly string[], changes: Partial<StoreInput> = {}): Promise<void> {
  for (const name of names) await memory.store({ ...OWNER, text: `note ${name}`, ...changes });
}

async function byLevel(
  memory: Memory,
  scope: { namespace: string; agentId?: string; sessionId?: string } = OWNER,
): Promise<Record<Level, string[]>> {
  const { records } = await memory.list({ ...scope, limit: 1000 });
  const names = (level: Level): string[] =>
    records
      .filter((record) => record.level === level)
      .map((record) => record.text.slice(5))
      .sort();
  return { immediate: names('immediate'), short_term: names('short_term'), long_term: names('long_term') };
}

describe('L1', () => {
  it('passes its oldest on to L2, whose oldest go to L3, counted', async () => {
    const { memory, metrics } = await start({ l1Size: 2, l2Size: 3 });
    await fill(memory, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(await byLevel(memory)).toEqual({
      immediate: ['f', 'g'],
      short_term: ['c', 'd', 'e'],
      long_term: ['a', 'b'],
    });
    expect(metrics.counts).toMatchObject({
      'contexts_stored_total immediate': 7,
      'contexts_demoted_total immediate short_term': 5,
      'contexts_demoted_total short_term long_term': 2,
    });
  });

  it('is bounded per session, agent and namespace', async () => {
    const { memory } = await start({ l1Size: 1 });
    const owners: Partial<StoreInput>[] = [{}, { sessionId: 't' }, { agentId: 'b' }, { namespace: 'm' }];
    for (const owner of owners) await fill(memory, ['old', 'new'], owner);
    for (const owner of owners) {
      expect(await byLevel(memory, { ...OWNER, ...owner })).toEqual({
        immediate: ['new'],
        short_term: ['old'],
        long_term: [],
      });
    }
  });

  it('keeps those who entered it last, not the youngest', async () => {
    const { memory, clock } = await start({ l1Size: 2 });
    await fill(memory, ['today']);
    await fill(memory, ['years ago', 'decades ago'], { createdAtMs: clock.nowMs() - 1000 * 24 * HOUR_MS });
    expect((await byLevel(memory)).immediate).toEqual(['decades ago', 'years ago']);
  });
});

describe('L2', () => {
  it('is bounded per agent, over all sessions', async () => {
    const { memory } = await start({ l2Size: 2 });
    await fill(memory, ['a', 'b'], { level: 'short_term' });
    await fill(memory, ['c'], { level: 'short_term', sessionId: 't' });
    await fill(memory, ['d'], { level: 'short_term', agentId: 'b' });
    expect(await byLevel(memory, { namespace: 'n' })).toEqual({
      immediate: [],
      short_term: ['b', 'c', 'd'],
      long_term: ['a'],
    });
  });

  it('loses its oldest where L3 is off, counted', async () => {
    const { memory, metrics } = await start({ l1Size: 1, l2Size: 1, l3Enabled: false });
    await fill(memory, ['a', 'b', 'c', 'd']);
    expect(await byLevel(memory)).toEqual({ immediate: ['d'], short_term: ['c'], long_term: [] });
    expect(metrics.counts['contexts_evicted_total short_term']).toBe(2);
  });

  it('is left out where it is off', async () => {
    const { memory } = await start({ l1Size: 1, l2Enabled: false });
    await fill(memory, ['a', 'b']);
    expect(await byLevel(memory)).toEqual({ immediate: ['b'], short_term: [], long_term: ['a'] });
  });

  it('promotes to L3 what has been in it for its time', async () => {
    const { memory, clock, metrics } = await start({ l1Size: 1, l2TtlSecs: 3600, gcBatch: 2 });
    await fill(memory, ['a', 'b', 'c', 'd', 'e', 'f']);
    clock.advance(HOUR_MS - 1);
    expect(await memory.gc()).toEqual({ promoted: 0, deleted: 0 });
    clock.advance(1);
    await fill(memory, ['g']);
    expect(await memory.gc()).toEqual({ promoted: 5, deleted: 0 });
    expect(await byLevel(memory)).toEqual({
      immediate: ['g'],
      short_term: ['f'],
      long_term: ['a', 'b', 'c', 'd', 'e'],
    });
    expect(metrics.counts.contexts_promoted_total).toBe(5);
  });

  it.each([{ l2Expiry: 'delete' as const }, { l3Enabled: false }])(
    'deletes it by policy, or where there is no L3: %j',
    async (settings) => {
      const { memory, clock, metrics } = await start({ l1Size: 1, ...settings });
      await fill(memory, ['a', 'b', 'c']);
      clock.advance(HOUR_MS);
      expect(await memory.gc()).toEqual({ promoted: 0, deleted: 2 });
      expect(await byLevel(memory)).toEqual({ immediate: ['c'], short_term: [], long_term: [] });
      expect(metrics.counts['contexts_expired_total short_term']).toBe(2);
      expect(await memory.gc()).toEqual({ promoted: 0, deleted: 0 });
    },
  );
});

describe.each(['delete', 'promote'] as const)('promotion by accesses, whatever L2 does else (%s)', (l2Expiry) => {
  const settings = { l2Expiry, promoteAfterAccesses: 2 };

  it('moves what was returned so many times, and deletes the rest, counted', async () => {
    const { memory, clock, metrics } = await start({ ...settings, l3TtlSecs: 7200 });
    await fill(memory, ['a', 'b', 'c'], { level: 'short_term' });
    await fill(memory, ['mortal'], { level: 'short_term', ttlMs: HOUR_MS });
    const records = new Map((await memory.list(OWNER)).records.map((record) => [record.text.slice(5), record]));
    const read = (name: string) => memory.get('n', records.get(name)?.id ?? '');
    for (const name of ['a', 'b', 'a', 'mortal', 'mortal']) await read(name);
    clock.advance(HOUR_MS);
    // Counts that nobody has written yet are part of it.
    await read('c');
    await read('c');
    expect(await memory.gc()).toEqual({ promoted: 2, deleted: 2 });
    expect(await byLevel(memory)).toEqual({ immediate: [], short_term: [], long_term: ['a', 'c'] });
    expect(metrics.counts).toMatchObject({ gc_promoted_total: 2, gc_deleted_total: 2 });
    const [promoted] = (await memory.list(OWNER)).records.filter(({ text }) => text === 'note a');
    expect(promoted).toEqual({
      ...records.get('a'),
      level: 'long_term',
      accessCount: 2,
      expiresAtMs: clock.nowMs() + 7_200_000,
      expiryAction: 'delete',
    });
  });

  it('has nowhere to move it where L3 is off', async () => {
    const { memory, clock } = await start({ ...settings, l3Enabled: false });
    await fill(memory, ['a'], { level: 'short_term' });
    for (let i = 0; i < 3; i++) await memory.query({ ...OWNER, query: 'note a' });
    clock.advance(HOUR_MS);
    expect(await memory.gc()).toEqual({ promoted: 0, deleted: 1 });
  });
});

describe('lifetimes', () => {
  it('that a client gave end in any level', async () => {
    const { memory, clock, metrics } = await start({ l1Size: 1 });
    for (const level of LEVELS) await fill(memory, [level], { level, ttlMs: 1000 });
    await memory.query({ ...OWNER, query: 'note' });
    clock.advance(1000);
    expect((await memory.query({ ...OWNER, query: 'note' })).contexts).toEqual([]);
    expect(await memory.gc()).toEqual({ promoted: 0, deleted: 3 });
    for (const level of LEVELS) expect(metrics.counts[`contexts_expired_total ${level}`]).toBe(1);
    expect(await memory.stats('n')).toMatchObject({ store: { counts: { immediate: 0, short_term: 0, long_term: 0 } } });
  });

  it('of L3 are optional', async () => {
    const { memory, clock } = await start({ l3TtlSecs: 60, l1Size: 1, l2Size: 1 });
    await fill(memory, ['a', 'b', 'c']);
    await fill(memory, ['d'], { level: 'long_term' });
    clock.advance(60_000);
    expect(await memory.gc()).toEqual({ promoted: 0, deleted: 2 });
    expect(await byLevel(memory)).toMatchObject({ immediate: ['c'], short_term: ['b'], long_term: [] });
  });

  it('are ended by one sweep at a time', async () => {
    const { memory, clock } = await start();
    await fill(memory, ['a', 'b'], { ttlMs: 10 });
    clock.advance(10);
    expect(await Promise.all([memory.gc(), memory.gc()])).toEqual([
      { promoted: 0, deleted: 2 },
      { promoted: 0, deleted: 2 },
    ]);
  });
});

describe('a restart', () => {
  it('restores all three levels, their order, lifetimes and counts', async () => {
    const { memory, clock } = await start({ l1Size: 2, l2Size: 2 });
    await fill(memory, ['a', 'b', 'c', 'd', 'e']);
    const levels = await byLevel(memory);
    const query = { ...OWNER, query: 'note e' };
    const before = await memory.query(query);
    const records = (await memory.list(OWNER)).records;
    current = await (current as MemoryFixture).restart();
    expect(await byLevel(current.memory)).toEqual(levels);
    const restored = (await current.memory.list(OWNER)).records;
    expect(restored).toEqual(records.map((record): ContextRecord => ({ ...record, accessCount: 1 })));
    const after = await current.memory.query(query);
    expect(after.contexts.map(({ record }) => record.text)).toEqual(before.contexts.map(({ record }) => record.text));
    await fill(current.memory, ['f']);
    expect(await byLevel(current.memory)).toEqual({
      immediate: ['e', 'f'],
      short_term: ['c', 'd'],
      long_term: ['a', 'b'],
    });
    clock.advance(HOUR_MS);
    expect(await current.memory.gc()).toEqual({ promoted: 2, deleted: 0 });
  });

  it('with smaller bounds lets the next store bring them about', async () => {
    const { memory } = await start({ l1Size: 4 });
    await fill(memory, ['a', 'b', 'c', 'd']);
    current = await (current as MemoryFixture).restart({ l1Size: 2 });
    expect((await current.memory.query({ ...OWNER, query: 'note', levels: ['immediate'] })).contexts).toHaveLength(4);
    await fill(current.memory, ['e']);
    expect(await byLevel(current.memory)).toEqual({
      immediate: ['d', 'e'],
      short_term: ['a', 'b', 'c'],
      long_term: [],
    });
    expect((await current.memory.query({ ...OWNER, query: 'note', levels: ['immediate'] })).contexts).toHaveLength(2);
  });
});

describe('isolation', () => {
  it('of sessions, agents and namespaces holds in every level, in memory and in the store', async () => {
    const { memory } = await start();
    const owners: Record<string, Partial<StoreInput>> = {
      mine: {},
      otherSession: { sessionId: 't' },
      otherAgent: { agentId: 'b' },
      otherNamespace: { namespace: 'm' },
    };
    for (const level of LEVELS) {
      for (const [name, owner] of Object.entries(owners))
        await fill(memory, [`${name} in ${level}`], { ...owner, level });
      await memory.store({ namespace: 'n', agentId: 'a', text: `note sessionless in ${level}`, level });
    }
    const seen = async (scope: { namespace: string; agentId?: string; sessionId?: string }): Promise<string[]> => {
      const { contexts } = await memory.query({ ...scope, query: 'note', relevanceThreshold: 0, limit: 100 });
      return [...new Set(contexts.map(({ record }) => record.text.split(' ')[1] ?? ''))].sort();
    };
    for (let again = 0; again < 2; again++) {
      expect(await seen(OWNER)).toEqual(['mine', 'sessionless']);
      expect(await seen({ namespace: 'n', agentId: 'a' })).toEqual(['mine', 'otherSession', 'sessionless']);
      expect(await seen({ namespace: 'n' })).toEqual(['mine', 'otherAgent', 'otherSession', 'sessionless']);
      expect(await seen({ namespace: 'n', sessionId: 's' })).toEqual(['mine', 'otherAgent', 'sessionless']);
      expect(await seen({ ...OWNER, namespace: 'm' })).toEqual(['otherNamespace']);
      expect(await seen({ ...OWNER, agentId: 'nobody' })).toEqual([]);
    }
  });
});
