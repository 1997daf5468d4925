import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContextRecord, type Filter, type Level, LEVELS } from '../../src/base/context.ts';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { analyze } from '../../src/base/text/analyzer.ts';
import { textKey } from '../../src/base/text/normal.ts';
import { systemRandom } from '../../src/base/random.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import { openMemoryStore } from '../../src/store/memory/open-memory-store.ts';
import type {
  ContextStore,
  Lifetime,
  Move,
  Promotion,
  SearchRequest,
  TextVectors,
  WriteOp,
  WriteResult,
} from '../../src/store/store.ts';
import { type FoundCandidate, foundIn, idOf, vectorOf } from '../contract/store-samples.ts';
import { FakeClock } from '../support/fake-clock.ts';

const DIMENSION = 8;
const START_MS = 1_700_000_000_000;
const TOLERANCE = 1e-4;

const namespace = fc.constantFrom('one', 'two');
const id = fc.integer({ min: 0, max: 24 }).map((i) => idOf(`id-${i}`));
const agentId = fc.constantFrom('ann', 'bob');
const sessionId = fc.constantFrom('s1', 's2', null);
const level = fc.constantFrom<Level>(...LEVELS);
const words = fc.array(
  fc.constantFrom('walrus', 'penguin', 'adoption', 'agency', 'music', 'oslo', 'tea', 'lighthouse'),
  { minLength: 1, maxLength: 6 },
);
const speaker = fc.constantFrom('', 'Ann: ', 'Bob: ');
const text = fc.tuple(speaker, words).map(([who, chosen]) => who + chosen.join(' '));
const vector = fc.integer({ min: 0, max: 1000 }).map((i) => vectorOf(`v-${i}`, DIMENSION));
/** Of one text: few have several passages. */
const vectors: fc.Arbitrary<TextVectors> = fc.oneof(
  { arbitrary: fc.record({ vector }), weight: 3 },
  { arbitrary: fc.record({ vector, passages: fc.array(vector, { maxLength: 4 }) }), weight: 1 },
);
const timeMs = fc.integer({ min: 0, max: 40 }).map((offset) => START_MS + offset);
const lifetime: fc.Arbitrary<Lifetime> = fc.record({
  expiresAtMs: fc.option(timeMs),
  expiryAction: fc.constantFrom('delete' as const, 'promote' as const),
  expirySetBy: fc.constantFrom('client' as const, 'level' as const),
});
const promotion: fc.Arbitrary<Promotion> = fc
  .tuple(lifetime, fc.constantFrom(undefined, 0, 1, 3))
  .map(([ends, accessesMin]) => ({ ...ends, ...(accessesMin !== undefined && { accessesMin }) }));
const move: fc.Arbitrary<Move> = fc.record({ to: level, lifetime });
const tags = fc.array(fc.constantFrom('red', 'blue'), { maxLength: 2 });

const record: fc.Arbitrary<ContextRecord> = fc
  .record({
    id,
    namespace,
    agentId,
    sessionId,
    level,
    text,
    tags,
    createdAtMs: timeMs,
    lifetime,
    size: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ lifetime: ends, size, ...fields }) => ({
    ...fields,
    ...ends,
    tokenCount: 3,
    metadata: { size },
    version: 1,
    updatedAtMs: fields.createdAtMs,
    accessCount: 0,
  }));
const filter: fc.Arbitrary<Filter> = fc.oneof(
  tags.map((any) => ({ must: [{ key: 'tags', match: { any } }] })),
  fc.integer({ min: 0, max: 3 }).map((size) => ({ must_not: [{ key: 'metadata.size', match: { value: size } }] })),
);
const patch = fc.record(
  {
    text: fc
      .tuple(fc.record({ text, tokenCount: fc.integer({ min: 1, max: 9 }) }), vectors)
      .map(([fields, made]) => ({ ...fields, ...made })),
    metadata: fc.record({ size: fc.integer({ min: 0, max: 3 }) }),
    tags,
    move,
    lifetime,
  },
  { requiredKeys: [] },
);
/** Far enough apart that the numbers that stores give themselves lie between them, however each counts. */
const ENTERED_STEP = 1_000_000;
const ENTERED_STEPS = 6;
const transfer: fc.Arbitrary<WriteOp> = fc
  .tuple(
    record,
    vectors,
    fc.integer({ min: 1, max: 3 }),
    timeMs,
    fc.integer({ min: 0, max: 3 }),
    fc.nat(ENTERED_STEPS - 1),
  )
  .map(([stored, made, version, updatedAtMs, accessCount, step]) => ({
    op: 'transfer',
    context: { record: { ...stored, version, updatedAtMs, accessCount }, ...made },
    entered: step * ENTERED_STEP,
  }));
const put: fc.Arbitrary<WriteOp> = fc
  .tuple(record, vectors)
  .map(([stored, made]) => ({ op: 'put', context: { record: stored, ...made } }));
const oneTransaction: fc.Arbitrary<WriteOp> = fc.oneof(
  { arbitrary: put, weight: 8 },
  { arbitrary: transfer, weight: 2 },
  {
    arbitrary: fc.record({ op: fc.constant('update' as const), namespace, id, patch, updatedAtMs: timeMs }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      op: fc.constant('update' as const),
      namespace,
      id,
      patch,
      updatedAtMs: timeMs,
      ifVersion: fc.constantFrom(1, 2),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({ op: fc.constant('delete' as const), namespace, ids: fc.array(id, { maxLength: 3 }) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      op: fc.constant('trim' as const),
      trim: fc.record(
        {
          namespace,
          agentId,
          level: fc.constantFrom<Level>('immediate', 'short_term'),
          keep: fc.integer({ min: 0, max: 4 }),
          sessionId,
          move: lifetime.map((ends) => ({ to: 'long_term' as const, lifetime: ends })),
        },
        { requiredKeys: ['namespace', 'agentId', 'level', 'keep'] },
      ),
    }),
    weight: 2,
  },
);
const op: fc.Arbitrary<WriteOp> = fc.oneof(
  { arbitrary: oneTransaction, weight: 16 },
  { arbitrary: fc.record({ op: fc.constant('delete_where' as const), namespace, level, filter }), weight: 1 },
);
const search: fc.Arbitrary<SearchRequest> = fc.record(
  {
    namespace,
    agentId,
    filter,
    vector,
    levels: fc.shuffledSubarray([...LEVELS], { minLength: 1 }),
    sessionId: fc.constantFrom('s1', 's2'),
    includeSessionless: fc.boolean(),
    createdWithin: fc.array(
      fc.tuple(timeMs, timeMs).map((ends) => ({ fromMs: Math.min(...ends), untilMs: Math.max(...ends) })),
      { minLength: 1, maxLength: 3 },
    ),
    terms: words.map((chosen) =>
      [...new Set(analyze(chosen.join(' ')))].map((term, i) => ({ term, weight: 1 + i / 4 })),
    ),
    names: fc.constantFrom([], ['ann']),
    denseSamples: fc.constant(0),
    candidates: fc.integer({ min: 1, max: 8 }),
    distinct: fc.boolean(),
    neighbours: fc.integer({ min: 0, max: 2 }),
    namesNeighbours: fc.boolean(),
    nowMs: timeMs,
  },
  {
    requiredKeys: [
      'namespace',
      'levels',
      'includeSessionless',
      'terms',
      'names',
      'denseSamples',
      'candidates',
      'neighbours',
      'nowMs',
    ],
  },
);

type Action =
  | { readonly kind: 'write'; readonly ops: WriteOp[] }
  /** Calls that share a commit, so that they are done in their order. */
  | { readonly kind: 'burst'; readonly calls: WriteOp[][] }
  | { readonly kind: 'search'; readonly request: SearchRequest }
  | {
      readonly kind: 'read';
      readonly namespace: string;
      readonly agentId: string;
      readonly sessionId: string | null;
      readonly filter: Filter | null;
      readonly nowMs: number;
    }
  | { readonly kind: 'touch'; readonly namespace: string; readonly id: string }
  | { readonly kind: 'expire'; readonly nowMs: number; readonly promoted: Promotion | null }
  | { readonly kind: 'clock'; readonly nowMs: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'reopen' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant('write' as const), ops: fc.array(op, { minLength: 1, maxLength: 12 }) }),
    weight: 12,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('burst' as const),
      calls: fc.array(fc.array(oneTransaction, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 12 }),
    }),
    weight: 6,
  },
  { arbitrary: fc.record({ kind: fc.constant('search' as const), request: search }), weight: 14 },
  {
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      namespace,
      agentId,
      sessionId,
      filter: fc.option(filter),
      nowMs: timeMs,
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ kind: fc.constant('touch' as const), namespace, id }), weight: 2 },
  {
    arbitrary: fc.record({
      kind: fc.constant('expire' as const),
      nowMs: timeMs,
      promoted: fc.option(promotion),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constant('clock' as const), nowMs: timeMs }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('settle' as const) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('reopen' as const) }), weight: 1 },
);

const WAYS: Readonly<Record<string, Partial<EmbeddedStoreOptions>>> = {
  exact: {},
  'through graphs': { indexingThreshold: 3 },
  'column by column': { indexingThreshold: 3, columns: { levelCountMin: 1, nonZeroShareMax: 1 } },
  'through graphs of 16 bits, nothing kept in memory': {
    indexingThreshold: 3,
    quantization: 'bf16',
    memoryBytesMax: 1,
  },
};

describe.each(Object.entries(WAYS))('the embedded store, %s', (_, options) => {
  let dataDir: string;
  let store: ContextStore;
  let clock: FakeClock;
  const modelClock = new FakeClock(START_MS);
  const open = async () => {
    clock = new FakeClock(START_MS);
    store = await openEmbeddedStore({
      dataDir,
      dimension: DIMENSION,
      embeddingId: 'fuzz',
      clock,
      log: silentLog,
      metrics: noMetrics,
      ...options,
    });
  };
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'store-fuzz-'));
    await open();
  });
  afterAll(async () => {
    await store.close();
    await rm(dataDir, { recursive: true });
  });

  /** The store has seen the runs before this one, the model has not: what was named then is below what is named now. */
  let enteredBase = 0;
  const raised = (op: WriteOp): WriteOp => (op.op === 'transfer' ? { ...op, entered: op.entered + enteredBase } : op);

  async function run(step: Action, model: ContextStore): Promise<void> {
    switch (step.kind) {
      case 'write': {
        const ops = step.ops.map(raised);
        expect((await store.write(ops)).map(inAnyOrder)).toEqual((await model.write(ops)).map(inAnyOrder));
        break;
      }
      case 'burst': {
        const calls = step.calls.map((ops) => ops.map(raised));
        const results = await Promise.all(calls.map((ops) => store.write(ops)));
        for (const [i, ops] of calls.entries())
          expect(results[i]?.map(inAnyOrder)).toEqual((await model.write(ops)).map(inAnyOrder));
        break;
      }
      case 'search':
        await compareSearch(store, model, step.request);
        break;
      case 'read':
        await compareReads(store, model, step);
        break;
      case 'touch': {
        const access = [{ namespace: step.namespace, id: step.id, count: 2 }];
        await store.touch(access);
        await model.touch(access);
        // Counts are due with the next commit.
        await store.write([{ op: 'delete', namespace: step.namespace, ids: [] }]);
        break;
      }
      case 'expire': {
        const sweep = [step.nowMs, 1000, step.promoted] as const;
        expect(await store.expire(...sweep)).toEqual(await model.expire(...sweep));
        break;
      }
      case 'clock':
        clock.setWallClock(step.nowMs);
        modelClock.setWallClock(step.nowMs);
        break;
      case 'settle':
        await settle(store);
        break;
      case 'reopen':
        await store.close();
        await open();
        modelClock.setWallClock(START_MS);
    }
  }

  it('does what the store in memory does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
        for (const one of [clock, modelClock]) one.setWallClock(START_MS);
        enteredBase += ENTERED_STEPS * ENTERED_STEP;
        const model = openMemoryStore({
          dimension: DIMENSION,
          clock: modelClock,
          random: systemRandom,
          log: silentLog,
        });
        for (const space of ['one', 'two']) await store.write([{ op: 'delete_where', namespace: space }]);
        for (const step of actions) await run(step, model);
        for (const space of ['one', 'two'])
          expect((await store.stats(space)).counts).toEqual((await model.stats(space)).counts);
      }),
      // `FUZZ_RUNS=500` tries longer.
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 8) },
    );
  });
});

/** Nothing says in which order contexts that match are deleted. */
function inAnyOrder(result: WriteResult): WriteResult {
  return result.op === 'delete_where' ? { ...result, deletedIds: [...result.deletedIds].sort() } : result;
}

/** Waits until no index is being built, so that searches go through those that were. */
async function settle(store: ContextStore): Promise<void> {
  while ((await store.stats()).driver['index_building'] === true) await sleep(5);
}

async function compareReads(
  store: ContextStore,
  model: ContextStore,
  read: Extract<Action, { kind: 'read' }>,
): Promise<void> {
  const { namespace: space, nowMs } = read;
  const ids = Array.from({ length: 25 }, (_, i) => idOf(`id-${i}`));
  expect(await store.fetch(space, ids, nowMs)).toEqual(await model.fetch(space, ids, nowMs));
  const scope = { namespace: space, agentId: read.agentId, sessionId: read.sessionId };
  for (const one of LEVELS) expect(await store.load(scope, one, nowMs)).toEqual(await model.load(scope, one, nowMs));
  const request = {
    namespace: space,
    nowMs,
    ...(read.sessionId === null ? {} : { agentId: read.agentId, sessionId: read.sessionId }),
    ...(read.filter === null ? {} : { filter: read.filter }),
  };
  const listed: ContextRecord[] = [];
  let page = await store.list({ ...request, limit: 3 });
  listed.push(...page.records);
  while (page.cursor !== undefined) {
    page = await store.list({ ...request, limit: 3, cursor: page.cursor });
    listed.push(...page.records);
  }
  expect(listed).toEqual((await model.list({ ...request, limit: 1000 })).records);
}

/** Everything that the search may see, of whatever level, with its scores. */
async function allOf(model: ContextStore, request: SearchRequest): Promise<Map<string, FoundCandidate>> {
  const vector = request.vector ?? vectorOf('anything', DIMENSION);
  const { candidates } = await model.search({
    ...request,
    vector,
    levels: LEVELS,
    candidates: 1000,
    distinct: false,
    neighbours: 0,
  });
  return new Map(foundIn(candidates).map((one) => [one.id, one]));
}

/** The same over everybody's contexts. */
function unrestricted({ namespace: space, terms, names, denseSamples, nowMs }: SearchRequest): SearchRequest {
  const bounds = { levels: LEVELS, candidates: 1000, neighbours: 0 };
  return { namespace: space, includeSessionless: true, terms, names, denseSamples, nowMs, ...bounds };
}

/** The contexts that belong together with this one, in the order of their creation. */
function sessionOf(all: ReadonlyMap<string, FoundCandidate>, start: string): string[] {
  const session = [start];
  for (let id = all.get(start)?.previousId ?? null; id !== null; id = all.get(id)?.previousId ?? null)
    session.unshift(id);
  for (let id = all.get(start)?.nextId ?? null; id !== null; id = all.get(id)?.nextId ?? null) session.push(id);
  return session;
}

/** Ties may fall either way, so what is compared is scores and who must be there, not the exact set. */
async function compareSearch(store: ContextStore, model: ContextStore, request: SearchRequest): Promise<void> {
  const { candidates: columns, levels, statistics } = await store.search(request);
  const candidates = foundIn(columns);
  const found = new Set(candidates.map(({ id }) => id));
  const expected = await allOf(model, request);
  const everything = await allOf(model, unrestricted(request));
  const answer = await model.search(request);
  // No context of these histories ends; a store without any need not say so.
  expect(levels).toEqual(answer.levels.map((level) => expect.objectContaining(level) as object));
  expect(statistics.documentFrequencies).toEqual(answer.statistics.documentFrequencies);
  expect(statistics.documentCount).toBe(answer.statistics.documentCount);
  expect(statistics.averageTermCount).toBeCloseTo(answer.statistics.averageTermCount, 6);
  expect(statistics.lengthShare).toBeCloseTo(answer.statistics.lengthShare, 6);
  const direct = new Set<string>();
  for (const candidate of candidates) {
    const one = expected.get(candidate.id) as FoundCandidate;
    expect(candidate).toMatchObject({
      level: one.level,
      createdAtMs: one.createdAtMs,
      accessCount: one.accessCount,
      tokenCount: one.tokenCount,
      traitFlags: one.traitFlags,
    });
    for (const side of ['previousId', 'nextId'] as const) {
      const neighbour = one[side];
      const mayBeLeftOut = request.namesNeighbours !== true && !found.has(neighbour ?? '');
      expect(mayBeLeftOut ? [null, neighbour] : [neighbour]).toContain(candidate[side]);
    }
    expect(candidate.lexical).toBeCloseTo(one.lexical, 4);
    Array.from(candidate.termScores).forEach((score, i) => expect(score).toBeCloseTo(one.termScores[i] as number, 4));
    if (request.vector === undefined) expect(candidate.dense).toBeNull();
    else expect(candidate.dense).toBeCloseTo(one.dense as number, 4);
    if (candidate.direct) direct.add(candidate.id);
  }
  for (const level of request.levels) {
    const all = [...expected.values()].filter((one) => one.level === level);
    const inLevel = request.distinct === true ? await youngestOf(model, request, all) : all;
    if (request.distinct === true) {
      const texts = await textKeysOf(
        model,
        request,
        [...direct].filter((one) => expected.get(one)?.level === level),
      );
      expect(texts).toHaveLength(new Set(texts).size);
    }
    // Which of copies of one age is meant the order of their arrival says, and with it whose scores count.
    if (inLevel === null) continue;
    const others = all.filter((one) => !inLevel.includes(one));
    expect(others.filter((one) => direct.has(one.id))).toEqual([]);
    const denseOf = ({ dense }: FoundCandidate): number =>
      request.vector === undefined ? -Infinity : (dense as number);
    const denseFloor = floorOf(inLevel.map(denseOf), request.candidates);
    const lexicalFloor = floorOf(
      inLevel.map(({ lexical }) => lexical).filter((score) => score > 0),
      request.candidates,
    );
    for (const one of inLevel) {
      const dense = denseOf(one);
      const { lexical } = one;
      if (dense > denseFloor + TOLERANCE || (lexical > 0 && lexical > lexicalFloor + TOLERANCE))
        expect(direct).toContain(one.id);
      if (direct.has(one.id))
        expect(dense >= denseFloor - TOLERANCE || (lexical > 0 && lexical >= lexicalFloor - TOLERANCE)).toBe(true);
    }
  }
  const near = new Set<string>();
  for (const one of direct) {
    const session = sessionOf(everything, one);
    const at = session.indexOf(one);
    for (const other of session.slice(Math.max(0, at - request.neighbours), at + request.neighbours + 1))
      near.add(other);
  }
  const wanted = new Set([...direct, ...[...near].filter((one) => expected.has(one))]);
  expect(candidates.map((candidate) => candidate.id).sort()).toEqual([...wanted].sort());
}

async function textKeysOf(
  model: ContextStore,
  { namespace: space, nowMs }: SearchRequest,
  ids: readonly string[],
): Promise<number[]> {
  return (await model.fetch(space, ids, nowMs)).map((one) => textKey((one as ContextRecord).text));
}

/** Of those whose texts say the same the youngest; null where two are of one age. */
async function youngestOf(
  model: ContextStore,
  request: SearchRequest,
  all: readonly FoundCandidate[],
): Promise<FoundCandidate[] | null> {
  const keys = await textKeysOf(
    model,
    request,
    all.map(({ id }) => id),
  );
  const byText = Map.groupBy(all, (one) => keys[all.indexOf(one)] as number);
  const youngest: FoundCandidate[] = [];
  for (const copies of byText.values()) {
    const createdAtMs = Math.max(...copies.map((one) => one.createdAtMs));
    const last = copies.filter((one) => one.createdAtMs === createdAtMs);
    if (last.length > 1) return null;
    youngest.push(last[0] as FoundCandidate);
  }
  return youngest;
}

/** The lowest of the `count` best scores; -Infinity where there are fewer. */
function floorOf(scores: readonly number[], count: number): number {
  return scores.length < count ? -Infinity : ([...scores].sort((a, b) => b - a)[count - 1] as number);
}
