import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContextTimes } from '../../src/base/context.ts';
import type { NewContext } from '../../src/store/store.ts';
import type { TimeView } from '../../src/store/times.ts';
import type { ContractSubject } from './store-contract.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, untilOf, vectorOf } from './store-samples.ts';

/** What a context says of itself, in hours from the start. */
interface Entry {
  readonly created: number;
  readonly recorded: number;
  from: number | null;
  until: number | null;
  readonly lives: number | null;
  /** Names of those it ended when it was stored, that are there since. */
  readonly ended: Set<string>;
}

type Step =
  | {
      readonly kind: 'store';
      readonly name: string;
      readonly created: number;
      readonly from: number | null;
      readonly until: number | null;
      readonly lives: number | null;
      readonly supersedes: readonly string[];
    }
  | { readonly kind: 'update'; readonly name: string; readonly from: number | null; readonly until: number | null }
  | { readonly kind: 'delete'; readonly names: readonly string[] };

interface View {
  readonly asOf: number | null;
  readonly knownAt: number | null;
  readonly includePast: boolean;
}

const HOUR_MS = 3_600_000;
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
/** The store's clock stands here. */
const NOW = 100;

function msOf(hours: number): number {
  return NOW_MS + (hours - NOW) * HOUR_MS;
}

/** Everything by its definition, read from one end to the other. */
class Model {
  readonly entries = new Map<string, Entry>();

  /** False: something to be superseded is not there. */
  store(step: Extract<Step, { readonly kind: 'store' }>, recorded: number): boolean {
    if (this.entries.has(step.name)) return true;
    if (step.supersedes.some((name) => !this.entries.has(name))) return false;
    const { created, from, until, lives } = step;
    this.entries.set(step.name, { created, recorded, from, until, lives, ended: new Set(step.supersedes) });
    return true;
  }

  update({ name, from, until }: Extract<Step, { readonly kind: 'update' }>): void {
    const entry = this.entries.get(name);
    if (entry === undefined) return;
    entry.from = from ?? entry.from;
    entry.until = until ?? entry.until;
  }

  delete(names: readonly string[]): void {
    for (const name of names) {
      this.entries.delete(name);
      for (const { ended } of this.entries.values()) ended.delete(name);
    }
  }

  /** Ends lifetimes. */
  sweep(): void {
    this.delete([...this.entries].flatMap(([name, { lives }]) => (lives !== null && lives <= NOW ? [name] : [])));
  }

  holding({ asOf, knownAt, includePast }: View): string[] {
    const at = asOf ?? NOW;
    const known = knownAt ?? Infinity;
    const isHeld = (name: string, entry: Entry): boolean => {
      if (entry.recorded > known) return false;
      if ((entry.from ?? (asOf === null ? -Infinity : entry.created)) > at) return false;
      if (includePast) return true;
      if (entry.until !== null && entry.until <= at) return false;
      return ![...this.entries.values()].some(
        (other) => other.ended.has(name) && other.recorded <= known && (other.from ?? other.created) <= at,
      );
    };
    return [...this.entries].flatMap(([name, entry]) => (isHeld(name, entry) ? [name] : [])).sort();
  }
}

const names = fc.constantFrom(...NAMES);
const hours = fc.integer({ min: 80, max: 120 });
const maybe = fc.option(hours, { nil: null, freq: 1 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      name: names,
      created: fc.integer({ min: 80, max: 100 }),
      from: maybe,
      until: fc.option(hours, { nil: null, freq: 2 }),
      lives: fc.option(fc.integer({ min: 99, max: 101 }), { nil: null, freq: 4 }),
      supersedes: fc.uniqueArray(names, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('update' as const), name: names, from: maybe, until: maybe }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      names: fc.uniqueArray(names, { minLength: 1, maxLength: 2 }),
    }),
  },
);
const views: fc.Arbitrary<View> = fc.record({ asOf: maybe, knownAt: maybe, includePast: fc.boolean() });

/** Of many that supersede the same ones, each keeps some: what goes or moves must bring up those that it did not keep. */
const MANY = Array.from({ length: 44 }, (_, i) => `many ${i}`);
const manyNames = fc.constantFrom(...MANY);
const manyStored = fc.array(
  fc.record({
    created: fc.integer({ min: 82, max: 100 }),
    recorded: fc.integer({ min: 82, max: 100 }),
    from: maybe,
    supersedes: fc.subarray(['a', 'b'], { minLength: 1 }),
  }),
  { minLength: 24, maxLength: MANY.length },
);
const manySteps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('update' as const), name: manyNames, from: maybe, until: fc.constant(null) }),
  fc.record({
    kind: fc.constant('delete' as const),
    names: fc.uniqueArray(manyNames, { minLength: 1, maxLength: 12 }),
  }),
);

export function describeTimeHistories(subject: ContractSubject): void {
  describe('histories of contexts that end', () => {
    it('are told as a plain reading of them tells', async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(steps, { maxLength: 12 }),
          fc.array(views, { minLength: 3, maxLength: 6 }),
          async (taken, asked) => {
            const namespace = `${subject.namespace}-${run++}`;
            const model = new Model();
            for (const [i, step] of taken.entries()) await take(subject, namespace, model, step, NOW - 20 + i);
            for (const view of asked) await compare(subject, namespace, model, view);
          },
        ),
        // `FUZZ_RUNS=500` tries longer.
        { numRuns: Number(process.env['FUZZ_RUNS'] ?? 4) },
      );
    });

    it('are told of any number that supersede the same', async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          manyStored,
          fc.array(manySteps, { minLength: 3, maxLength: 5 }),
          fc.array(views, { minLength: 3, maxLength: 3 }),
          async (stored, taken, asked) => {
            const namespace = `${subject.namespace}-many-${run++}`;
            const model = new Model();
            const fields = { kind: 'store', until: null, lives: null, created: 80, from: null } as const;
            for (const name of ['a', 'b'])
              await take(subject, namespace, model, { ...fields, name, supersedes: [] }, 81);
            const successors = stored.map((one, i) => ({ ...fields, ...one, name: MANY[i] as string }));
            await subject.store.write(
              successors.map((step) => put(contextOf(subject, namespace, step, step.recorded))),
            );
            for (const step of successors) model.store(step, step.recorded);
            for (const view of asked) await compare(subject, namespace, model, view);
            for (const step of taken) {
              await take(subject, namespace, model, step, 100);
              for (const view of asked.slice(0, 1)) await compare(subject, namespace, model, view);
            }
            for (const view of asked) await compare(subject, namespace, model, view);
          },
        ),
        { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1) },
      );
    });
  });
}

function contextOf(
  { dimension }: ContractSubject,
  namespace: string,
  step: Extract<Step, { readonly kind: 'store' }>,
  recorded: number,
): NewContext {
  const supersedes = step.supersedes.filter((name) => name !== step.name);
  const times: ContextTimes = {
    recordedAtMs: msOf(recorded),
    ...(step.from === null ? {} : { validFromMs: msOf(step.from) }),
    ...(step.until === null ? {} : { validUntilMs: msOf(step.until) }),
    ...(supersedes.length === 0 ? {} : { supersedes: supersedes.map(idOf) }),
  };
  const lifetime = step.lives === null ? {} : untilOf(msOf(step.lives));
  const fields = { namespace, createdAtMs: msOf(step.created), times, text: `text of ${step.name}`, ...lifetime };
  return sample(step.name, dimension, fields);
}

/** To the store and to the model. */
async function take(
  subject: ContractSubject,
  namespace: string,
  model: Model,
  step: Step,
  recorded: number,
): Promise<void> {
  const { store } = subject;
  if (step.kind === 'store') {
    const supersedes = step.supersedes.filter((name) => name !== step.name);
    const [result] = await store.write([put(contextOf(subject, namespace, step, recorded))]);
    expect(result !== undefined && !('missing' in result)).toBe(model.store({ ...step, supersedes }, recorded));
  } else if (step.kind === 'update') {
    const times = {
      ...(step.from === null ? {} : { validFromMs: msOf(step.from) }),
      ...(step.until === null ? {} : { validUntilMs: msOf(step.until) }),
    };
    await store.write([{ op: 'update', namespace, id: idOf(step.name), patch: { times }, updatedAtMs: NOW_MS }]);
    model.update(step);
  } else {
    await store.write([{ op: 'delete', namespace, ids: step.names.map(idOf) }]);
    model.delete(step.names);
  }
  // What is over goes at once: until it does, others are told of it what they were told.
  for (let more = true; more; ) ({ more } = await store.expire(NOW_MS, 100, null));
  model.sweep();
}

async function compare(
  { store, dimension }: ContractSubject,
  namespace: string,
  model: Model,
  view: View,
): Promise<void> {
  const { asOf, knownAt, includePast } = view;
  const time: TimeView = {
    asOfMs: msOf(asOf ?? NOW),
    isNow: asOf === null,
    ...(knownAt === null ? {} : { knownAtMs: msOf(knownAt) }),
    includePast,
  };
  const expected = model.holding(view).map(idOf).sort();
  const { records } = await store.list({ namespace, limit: 100, nowMs: NOW_MS, time });
  expect(records.map(({ id }) => id).sort()).toEqual(expected);
  const search = searchOf({ namespace, time, candidates: 100, vector: vectorOf('question', dimension) });
  const { candidates } = await searchIn(store, search);
  expect(candidates.map(({ id }) => id).sort()).toEqual(expected);
}
