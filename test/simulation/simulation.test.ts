import { describe, expect, it } from 'vitest';
import type { DocumentChange } from '../../src/store/documents.ts';
import type { ContextStore, NewContext, WriteOp, WriteResult } from '../../src/store/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { PROMISES } from './promises.ts';
import { shrink } from './shrink.ts';
import type { Sabotage } from './sim-store.ts';
import { simulate, type Failure, type SimulationReport } from './simulation.ts';
import { withStore } from './stores.ts';

/** `npm run simulate` tries longer, with any seed. */
const SEEDS = [1, 2, 3];
const STEPS = 100;
/** Of runs that are made again. */
const FEW_STEPS = 50;
const SHRINKING_RUNS = 12;
/** One of them is to find what is broken. */
const SEEDS_TRIED = 8;

function run(seed: number, steps = STEPS, only?: ReadonlySet<number>): Promise<SimulationReport> {
  return withStore('memory', (openStore) => simulate({ seed, steps, openStore, only }));
}

describe('server and SDK over a network that a seed decides', () => {
  it.each(SEEDS)('keep their promises with seed %d', async (seed) => {
    const { failure, outcomes } = await run(seed);
    expect(failure === null ? null : { seed, ...failure }).toBeNull();
    const count = (pattern: RegExp): number =>
      [...outcomes].reduce((sum, [name, times]) => (pattern.test(name) ? sum + times : sum), 0);
    // Neither is everything refused, nor is there no trouble.
    expect(count(/ ok$/)).toBeGreaterThan(30);
    expect(count(/ (TIMEOUT|CONNECTION_LOST|STORE_UNAVAILABLE|TIMESTAMP_OUT_OF_RANGE)$/)).toBeGreaterThan(0);
  });

  it('keep them with the store that writes to the disk', async () => {
    const { failure } = await withStore('embedded', (openStore) => simulate({ seed: 5, steps: FEW_STEPS, openStore }));
    expect(failure).toBeNull();
  });

  it('do the same with the same seed, byte for byte, and something else with another', async () => {
    const [first, again, other] = [await run(9, FEW_STEPS), await run(9, FEW_STEPS), await run(10, FEW_STEPS)];
    expect(again.digest).toBe(first.digest);
    expect(other.digest).not.toBe(first.digest);
  });
});

/** What a store does that is broken in one way. */
interface Broken {
  readonly name: string;
  readonly promises: readonly string[];
  readonly sabotage: (store: ContextStore, clock: FakeClock) => Sabotage;
}

/** Of the calls that one is about. */
function onWrites(
  change: (ops: readonly WriteOp[], call: () => Promise<WriteResult[]>) => Promise<WriteResult[]>,
): Sabotage {
  return (method, args, call) =>
    method === 'write' ? change(args[0] as WriteOp[], call as () => Promise<WriteResult[]>) : call();
}

function putsOf(ops: readonly WriteOp[]): NewContext[] {
  return ops.flatMap((op) => (op.op === 'put' ? [op.context] : []));
}

const BROKEN: readonly Broken[] = [
  {
    name: 'loses one write that it has acknowledged',
    promises: [PROMISES.kept],
    sabotage: (store) => {
      let writes = 0;
      return onWrites(async (ops, call) => {
        const results = await call();
        const [put] = putsOf(ops);
        if (put !== undefined && ++writes === 20)
          await store.write([{ op: 'delete', namespace: put.record.namespace, ids: [put.record.id] }]);
        return results;
      });
    },
  },
  {
    name: 'loses a change',
    promises: [PROMISES.kept, PROMISES.versions],
    sabotage: () => {
      let changes = 0;
      return onWrites((ops, call) => {
        const isNow = ops.some(({ op }) => op === 'update') && ++changes === 3;
        return isNow ? Promise.resolve(ops.map(() => ({ op: 'update', failed: 'not_found' }))) : call();
      });
    },
  },
  {
    name: 'gives a context of another namespace',
    promises: [PROMISES.apart],
    sabotage: (store) => async (method, args, call) => {
      const found = (await call()) as unknown[];
      const [, ids, nowMs] = args as [string, string[], number];
      if (method !== 'fetch' || found[0] !== null) return found;
      const elsewhere = await Promise.all(['red', 'blue', 'slow'].map((name) => store.fetch(name, ids, nowMs)));
      return elsewhere.find(([record]) => record !== null) ?? found;
    },
  },
  {
    name: 'stores anew what is stored again',
    promises: [PROMISES.once],
    sabotage: (store) =>
      onWrites(async (ops, call) => {
        const results = await call();
        const [put] = putsOf(ops);
        const isRepeated = results.some((result) => result.op === 'put' && 'created' in result && !result.created);
        if (put === undefined || !isRepeated) return results;
        const id = put.record.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
        await store.write([{ op: 'put', context: { ...put, record: { ...put.record, id } } }]);
        return results;
      }),
  },
  {
    name: 'forgets lifetimes',
    promises: [PROMISES.ends],
    sabotage: () =>
      onWrites((ops, call) => {
        for (const { record } of putsOf(ops)) Object.assign(record, { expiresAtMs: null });
        return call();
      }),
  },
  {
    name: 'makes a change of any version',
    promises: [PROMISES.one, PROMISES.versions],
    sabotage: () =>
      onWrites((ops, call) => {
        for (const op of ops) if (op.op === 'update') Object.assign(op, { ifVersion: undefined });
        return call();
      }),
  },
  {
    name: 'shows in lists what holds no more',
    promises: [PROMISES.ends, PROMISES.holds],
    sabotage: () => (method, args, call) => {
      const [request] = args as [{ time?: object }];
      if (method === 'list' && request.time !== undefined) Object.assign(request.time, { includePast: true });
      return call();
    },
  },
  {
    name: 'loses a fact',
    promises: [PROMISES.holds, PROMISES.kept],
    sabotage: () => {
      let facts = 0;
      return (method, args, call) => {
        const [changes] = args as [readonly DocumentChange[]];
        const isNow =
          method === 'writeDocuments' &&
          changes.some((change) => change.op === 'put' && change.document.kind === 'fact') &&
          ++facts === 3;
        return isNow ? Promise.resolve(changes.map(() => ({ op: 'put', written: true }))) : call();
      };
    },
  },
];

describe('what is broken on purpose is found', () => {
  it.each(BROKEN)('a store that $name', async ({ sabotage, promises }) => {
    let found: Failure | null = null;
    for (let seed = 1; seed <= SEEDS_TRIED && found === null; seed++) {
      const { failure } = await withStore('memory', (openStore) => simulate(broken(seed, openStore)));
      found = failure;
    }
    expect(promises).toContain(found?.promise);

    function broken(seed: number, openStore: Parameters<typeof simulate>[0]['openStore']) {
      let broken: Sabotage | undefined;
      return {
        seed,
        steps: STEPS,
        openStore: async (clock: FakeClock) => {
          const store = await openStore(clock);
          broken = sabotage(store, clock);
          return store;
        },
        sabotage: ((...call) => broken!(...call)) satisfies Sabotage,
      };
    }
  });

  it('in few of its steps', async () => {
    const { sabotage } = BROKEN.find(({ name }) => name === 'forgets lifetimes')!;
    await withStore('memory', async (openStore) => {
      const options = { seed: 1, steps: STEPS, openStore, sabotage: sabotage(null!, null!) };
      const { failure } = await simulate(options);
      const { only, failure: smaller } = await shrink(options, failure!, SHRINKING_RUNS);
      expect(smaller.promise).toBe(failure!.promise);
      expect(only.length).toBeLessThan(failure!.step);
      const { failure: again } = await simulate({ ...options, only: new Set(only) });
      expect(again).toEqual(smaller);
    });
  });
});
