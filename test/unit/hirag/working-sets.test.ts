import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS, type ContextRecord, type Level } from '../../../src/base/context.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { LevelPolicy } from '../../../src/hirag/write/level-policy.ts';
import { DEFAULT_HIRAG_SETTINGS } from '../../../src/hirag/settings.ts';
import { Tiers } from '../../../src/hirag/write/tiers.ts';
import { WorkingSets, type WorkingSet } from '../../../src/hirag/working-sets.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { StoreDouble } from '../../support/store-double.ts';

const SETTINGS = { ...DEFAULT_HIRAG_SETTINGS, l1Size: 3, l2Size: 4 };
const TAIL_MAX = 2;

function bench(setsMax = 100) {
  const store = new StoreDouble();
  const clock = new FakeClock();
  const workingSets = new WorkingSets(store, clock, setsMax, TAIL_MAX);
  const policy = new LevelPolicy(SETTINGS);
  const tiers = new Tiers({ store, workingSets, policy, clock, metrics: noMetrics, log: silentLog });
  return { store, clock, workingSets, tiers };
}

type Bench = ReturnType<typeof bench>;

const SCOPE = { namespace: 'n', agentId: 'a', sessionId: 's' };

let created = 0;

function context(id: string, changes: Partial<ContextRecord> = {}): { record: ContextRecord; vector: Float32Array } {
  created++;
  const record: ContextRecord = {
    ...SCOPE,
    id,
    level: 'immediate',
    text: `text of ${id}`,
    tokenCount: 3,
    metadata: {},
    tags: [],
    version: 1,
    createdAtMs: created,
    updatedAtMs: created,
    expiresAtMs: null,
    expiryAction: 'delete',
    accessCount: 0,
    ...changes,
  };
  return { record, vector: Float32Array.of(created, 1) };
}

async function put({ tiers }: Bench, ...ids: string[]): Promise<void> {
  await tiers.put(ids.map((id) => context(id)));
}

function idsOf(set: WorkingSet | null, level: Level = 'immediate'): string[] {
  return [...(set?.contexts.values() ?? [])]
    .filter(({ record }) => record.level === level)
    .map(({ record }) => record.id);
}

describe('a working set', () => {
  it('is loaded with its first use and follows every write after', async () => {
    const { store, tiers, workingSets, ...rest } = bench();
    await put({ store, tiers, workingSets, ...rest }, 'a', 'b');
    expect(idsOf(await workingSets.read(SCOPE))).toEqual(['a', 'b']);
    await put({ store, tiers, workingSets, ...rest }, 'c');
    await tiers.delete('n', ['a']);
    expect(idsOf(await workingSets.read(SCOPE))).toEqual(['b', 'c']);
    expect(store.calls.filter((method) => method === 'load')).toHaveLength(1);
  });

  it('holds one session of one agent in one namespace', async () => {
    const { tiers, workingSets } = bench();
    const scopes = [
      SCOPE,
      { ...SCOPE, sessionId: 't' },
      { ...SCOPE, sessionId: null },
      { ...SCOPE, agentId: 'b' },
      { ...SCOPE, namespace: 'm' },
      { namespace: 'n', agentId: 'a1:', sessionId: 's' },
    ];
    for (const scope of scopes) expect(idsOf(await workingSets.read(scope))).toEqual([]);
    for (const [i, scope] of scopes.entries()) await tiers.put([context(`c${i}`, scope)]);
    for (const [i, scope] of scopes.entries()) expect(idsOf(await workingSets.read(scope))).toEqual([`c${i}`]);
  });

  it('passes on what overflows, and keeps the last of it as neighbours', async () => {
    const all = bench();
    await all.workingSets.read(SCOPE);
    await put(all, 'a', 'b', 'c', 'd', 'e', 'f');
    const set = await all.workingSets.read(SCOPE);
    expect(idsOf(set)).toEqual(['d', 'e', 'f']);
    expect(idsOf(set, 'short_term').sort()).toEqual(['b', 'c']);
    await all.tiers.delete('n', ['c']);
    expect(idsOf(await all.workingSets.read(SCOPE), 'short_term')).toEqual(['b']);
  });

  it('takes new texts, and contexts that come back from another level', async () => {
    const all = bench();
    await put(all, 'a', 'b', 'c', 'd');
    await all.workingSets.read(SCOPE);
    const [a] = await all.store.fetch('n', ['a'], 0);
    await all.tiers.update(a as ContextRecord, { level: 'immediate' }, undefined);
    const [d] = await all.store.fetch('n', ['d'], 0);
    const vector = Float32Array.of(9, 9);
    await all.tiers.update(d as ContextRecord, { text: { text: 'new', tokenCount: 1, vector } }, undefined);
    const set = await all.workingSets.read(SCOPE);
    expect(idsOf(set)).toEqual(['c', 'd', 'a']);
    expect(set?.contexts.get('d')).toMatchObject({ record: { text: 'new', version: 2 }, vector });
  });

  it('is loaded again, not trusted, after a write that failed', async () => {
    const all = bench();
    await put(all, 'a');
    await all.workingSets.read(SCOPE);
    all.store.failures.set('write', new CodedError('STORE_UNAVAILABLE', 'down'));
    await expect(put(all, 'b')).rejects.toThrow('down');
    all.store.failures.clear();
    expect(idsOf(await all.workingSets.read(SCOPE))).toEqual(['a']);
    expect(all.store.calls.filter((method) => method === 'load')).toHaveLength(2);
  });

  it('still answers while the store is down, once it was loaded', async () => {
    const all = bench();
    await put(all, 'a');
    await all.workingSets.read(SCOPE);
    for (const method of ['write', 'load'] as const)
      all.store.failures.set(method, new CodedError('STORE_UNAVAILABLE', 'down'));
    await expect(put(all, 'b')).rejects.toThrow('down');
    expect(idsOf(await all.workingSets.read(SCOPE))).toEqual(['a']);
    await expect(all.workingSets.read({ ...SCOPE, sessionId: 'never seen' })).rejects.toThrow('down');
    all.store.failures.clear();
    await put(all, 'c');
    expect(idsOf(await all.workingSets.read(SCOPE))).toEqual(['a', 'c']);
  });

  it('makes room for others, the one unused for longest first', async () => {
    const all = bench(2);
    const scopes = ['s', 't', 'u'].map((sessionId) => ({ ...SCOPE, sessionId }));
    for (const scope of scopes.slice(0, 2)) await all.workingSets.read(scope);
    await all.workingSets.read(SCOPE);
    await all.workingSets.read(scopes[2] ?? SCOPE);
    expect(all.workingSets.count()).toBe(2);
    await all.workingSets.read(SCOPE);
    expect(all.store.calls).toEqual(['load', 'load', 'load']);
    expect(all.workingSets.clear()).toBe(2);
    expect(all.workingSets.count()).toBe(0);
  });

  it('is loaded once for readers who come together', async () => {
    const all = bench();
    await put(all, 'a');
    const sets = await Promise.all([all.workingSets.read(SCOPE), all.workingSets.read(SCOPE)]);
    expect(sets.map((set) => idsOf(set))).toEqual([['a'], ['a']]);
    expect(all.store.calls.filter((method) => method === 'load')).toHaveLength(1);
  });

  it('is dropped by a deletion of very many', async () => {
    const all = bench();
    await all.tiers.put(Array.from({ length: 1500 }, (_, i) => context(`x${i}`, { level: 'long_term' })));
    await put(all, 'a');
    await all.workingSets.read(SCOPE);
    expect(await all.tiers.deleteWhere('n', undefined, undefined)).toBe(1501);
    expect(idsOf(await all.workingSets.read(SCOPE))).toEqual([]);
  });
});

describe('working sets under concurrent writes', () => {
  const id = fc.constantFrom('1', '2', '3', '4', '5', '6', '7');
  const level = fc.constantFrom(...LEVELS);
  const sessionId = fc.constantFrom('s', 't', null);
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('put'),
        id,
        sessionId,
        level: fc.constantFrom<Level>('immediate', 'immediate', 'short_term'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), id }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('move'), id, level }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('edit'), id }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear'), level }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail') }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('read'), sessionId }) },
  );
  type Step = { kind: string; id?: string; level?: Level; sessionId?: string | null };

  /** What the set shows, against what the store holds at this very moment. */
  function check({ store }: Bench, set: WorkingSet, session: string | null): void {
    const shown = [...set.contexts.values()];
    const stored = [...store.rows.values()].filter(
      ({ record }) => record.sessionId === session && record.level === 'immediate',
    );
    expect(idsOf(set).sort()).toEqual(stored.map(({ record }) => record.id).sort());
    for (const { record, vector } of shown) {
      const row = store.rows.get(`n/${record.id}`);
      expect(record).toEqual(row?.record);
      expect(vector).toEqual(row?.vector);
    }
  }

  async function run(all: Bench, step: Step, busy: { writes: number }): Promise<void> {
    const { store, tiers, workingSets } = all;
    if (step.kind === 'read') {
      const session = step.sessionId ?? null;
      const set = await workingSets.read({ ...SCOPE, sessionId: session });
      if (set !== null && busy.writes === 0) check(all, set, session);
      return;
    }
    busy.writes++;
    try {
      const row = store.rows.get(`n/${step.id}`);
      if (step.kind === 'put')
        await tiers.put([
          context(step.id ?? '', { sessionId: step.sessionId ?? null, level: step.level ?? 'immediate' }),
        ]);
      else if (step.kind === 'delete') await tiers.delete('n', [step.id ?? '']);
      else if (step.kind === 'clear') await tiers.deleteWhere('n', step.level, undefined);
      else if (step.kind === 'fail') {
        const ticket = workingSets.begin();
        await store.ping();
        ticket.fail();
      } else if (row !== undefined) {
        const text = { text: `${row.record.text}!`, tokenCount: 3, vector: Float32Array.of(++created, 2) };
        await tiers.update(
          row.record,
          step.kind === 'edit' ? { text } : { level: step.level ?? 'immediate' },
          undefined,
        );
      }
    } catch (error) {
      // Somebody else deleted it first.
      expect((error as CodedError).code).toBe('NOT_FOUND');
    } finally {
      busy.writes--;
    }
  }

  it('show exactly what the store holds whenever no write is in flight, in whatever order calls and replies go', async () => {
    const lanes = fc.array(fc.array(step, { maxLength: 8 }), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), lanes, async (scheduler, plans) => {
        const all = bench(2);
        all.store.beforeCall = () => scheduler.schedule(Promise.resolve());
        all.store.beforeReply = () => scheduler.schedule(Promise.resolve());
        const busy = { writes: 0 };
        const lane = async (plan: readonly Step[]): Promise<void> => {
          for (const next of plan) await run(all, next, busy);
        };
        await scheduler.waitFor(Promise.all(plans.map(lane)));
        all.store.beforeCall = all.store.beforeReply = () => Promise.resolve();
        for (const session of ['s', 't', null]) {
          const set = await all.workingSets.read({ ...SCOPE, sessionId: session });
          expect(set).not.toBeNull();
          if (set !== null) check(all, set, session);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('never hide an acknowledged store from the next query', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 6 }), async (scheduler, writers) => {
        const all = bench();
        all.store.beforeCall = () => scheduler.schedule(Promise.resolve());
        all.store.beforeReply = () => scheduler.schedule(Promise.resolve());
        const lane = async (_: unknown, i: number): Promise<void> => {
          await put(all, `w${i}`);
          const set = await all.workingSets.read(SCOPE);
          if (set === null) return;
          // Only the overflow of others can have moved it since.
          const row = all.store.rows.get(`n/w${i}`);
          if (row?.record.level === 'immediate') expect(idsOf(set)).toContain(`w${i}`);
        };
        await scheduler.waitFor(Promise.all(Array.from({ length: writers }, lane)));
      }),
      { numRuns: 100 },
    );
  });
});
