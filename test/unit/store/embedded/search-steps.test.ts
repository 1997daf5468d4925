// The store's heart without its thread: between the steps of a search, anything may be written.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../../src/base/random.ts';
import { NO_KEYS } from '../../../../src/store/embedded/border/opening-settings.ts';
import type { ContextRecord, Filter } from '../../../../src/base/context.ts';
import { defaultSettings } from '../../../../src/config/settings.ts';
import type {
  WireCall,
  WireFindings,
  WireLevelHits,
  WireSearch,
} from '../../../../src/store/embedded/border/messages.ts';
import { packRows, type RecordRow } from '../../../../src/store/embedded/border/rows.ts';
import { openDatabase } from '../../../../src/store/embedded/database/database.ts';
import { encodeOp, type TransactionOp } from '../../../../src/store/embedded/encode.ts';
import { type QueuedCall, StoreEngine } from '../../../../src/store/embedded/store-engine.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FOR_GOOD, idOf, NOW_MS, sample, vectorOf } from '../../../contract/store-samples.ts';

const DIMENSION = 8;
const COUNT = 1_200;
const STEPS_MAX = 20_000;
const SEARCH: WireSearch = {
  namespace: 'space',
  agentId: null,
  sessionId: null,
  filter: null,
  levels: [1, 2, 3],
  includeSessionless: true,
  createdWithin: [],
  vector: 0,
  terms: [],
  weights: [],
  termsMax: 0,
  names: [],
  dates: [],
  denseSamples: 0,
  surely: 10,
  candidates: 10_000,
  distinct: false,
  neighbours: 0,
  neighbourHosts: Infinity,
  namesNeighbours: false,
  texts: null,
  denseNeighbours: false,
  nowMs: NOW_MS,
  time: null,
};
const LEVEL_NAMES = ['immediate', 'short_term', 'long_term'] as const;

/** Every look at it finds a step's time over. */
class HurriedClock extends FakeClock {
  #ticks = 0;

  override monotonicMs(): number {
    return (this.#ticks += 1_000);
  }
}

class Heart {
  readonly #folder = mkdtempSync(join(tmpdir(), 'store-steps-'));
  readonly #engine: StoreEngine;
  #nextId = 1;

  constructor(memoryBytesMax = Infinity) {
    const settings = {
      ...defaultSettings().vectorDb,
      quantization: 'i8',
      dataDir: this.#folder,
      embeddingId: 'steps',
      dimension: DIMENSION,
      memoryBytesMax,
      databasePagesMax: null,
      mayReembed: false,
      seal: NO_KEYS,
      touchFlushMs: 1_000,
      columns: { levelCountMin: 1e9, levelCountMax: 0, nonZeroShareMax: 0 },
    } as const;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const build = () => ({ stop: () => Promise.resolve() });
    this.#engine = new StoreEngine(
      openDatabase(settings, { random: systemRandom }),
      settings,
      log,
      new HurriedClock(),
      { build, searchAhead: null, processors: 1 },
    );
  }

  write(ops: readonly TransactionOp[]): void {
    const rows: RecordRow[] = [];
    const vectors: Float32Array[] = [];
    const parcel = {
      row: (row: RecordRow) => rows.push(row) - 1,
      vector: (vector: Float32Array) => vectors.push(vector) - 1,
    };
    const body = ops.map((op) => encodeOp(op, parcel));
    const call: WireCall = { id: this.#nextId++, kind: 'write', body };
    const packed = new Float32Array(vectors.length * DIMENSION);
    vectors.forEach((vector, i) => packed.set(vector, i * DIMENSION));
    const { replies } = this.#engine.commit([{ call, nowMs: NOW_MS, rows: packRows(rows), vectors: packed }]);
    expect(replies).toMatchObject([{ ok: true }]);
  }

  /** Gives the steps that it took, too; `between` is called after each of them. */
  read(call: Pick<WireCall, 'kind' | 'body'>, between: (step: number) => void = () => {}) {
    const queued = { call: { ...call, id: this.#nextId++ } as WireCall, nowMs: NOW_MS, rows: [], vectors: QUESTION };
    const steps = this.#engine.read(queued satisfies QueuedCall);
    for (let count = 1; ; count++) {
      this.#engine.pace.startStep(1);
      const { done, value } = steps.next();
      if (done === true) {
        if (!value.ok) throw new Error(value.error.message);
        return { value: value.value, steps: count };
      }
      if (count === STEPS_MAX) throw new Error('it does not end');
      between(count);
    }
  }

  search(fields: Partial<WireSearch>, between?: (step: number) => void) {
    const { value, steps } = this.read({ kind: 'search', body: { ...SEARCH, ...fields } }, between);
    const { ids, idEnds, count, levels } = value as WireFindings;
    for (const level of levels) expect(level.error).toBeUndefined();
    const found = Array.from({ length: count }, (_, i) => ids.slice(i === 0 ? 0 : idEnds[i - 1], idEnds[i]));
    return { ids: found.sort(), steps };
  }

  async close(): Promise<void> {
    await this.#engine.close();
    rmSync(this.#folder, { recursive: true });
  }
}

const QUESTION = vectorOf('question', DIMENSION);

/** On so many paths that none is kept in memory, or on one; lets through what has `kept`. */
function filterOf(isWide: boolean, kept: number): Filter {
  const wanted = { key: 'metadata.kept', match: { value: kept } };
  return isWide ? { should: [...othersOf(200), wanted] } : { must: [wanted] };
}

function othersOf(count: number) {
  return Array.from({ length: count }, (_, i) => ({ key: `metadata.f${i}`, match: { value: 1 } }));
}

type Fields = Pick<ContextRecord, 'agentId' | 'level'> & { readonly kept: number };

/** What should be stored. */
class Model {
  readonly contexts = new Map<string, Fields>();
  #created = 0;

  put(count: number, fields: (i: number) => Fields, heart: Heart): void {
    const names = Array.from({ length: count }, () => `c-${this.#created++}`);
    heart.write(
      names.map((name, i) => {
        const { agentId, level, kept } = fields(i);
        this.contexts.set(name, { agentId, level, kept });
        const metadata = { kept, note: 'n'.repeat(300) };
        return { op: 'put', context: sample(name, DIMENSION, { agentId, level, metadata, createdAtMs: NOW_MS }) };
      }),
    );
  }

  delete(names: readonly string[], heart: Heart): void {
    for (const name of names) this.contexts.delete(name);
    heart.write([{ op: 'delete', namespace: 'space', ids: names.map(idOf) }]);
  }

  update(name: string, change: Partial<Fields> & { readonly text?: string }, heart: Heart): void {
    const before = this.contexts.get(name) as Fields;
    this.contexts.set(name, {
      agentId: before.agentId,
      level: change.level ?? before.level,
      kept: change.kept ?? before.kept,
    });
    const patch = {
      ...(change.kept === undefined ? {} : { metadata: { kept: change.kept } }),
      ...(change.level === undefined ? {} : { move: { to: change.level, lifetime: FOR_GOOD } }),
      ...(change.text === undefined
        ? {}
        : { text: { text: change.text, tokenCount: 3, vector: vectorOf(change.text, DIMENSION) } }),
    };
    heart.write([{ op: 'update', namespace: 'space', id: idOf(name), patch }]);
  }

  change({ kind, which, kept, level }: Change, heart: Heart): void {
    const names = [...this.contexts.keys()];
    const name = names[which % names.length] as string;
    if (kind === 'kept') this.update(name, { kept }, heart);
    else if (kind === 'level') this.update(name, { level }, heart);
    else if (kind === 'text') this.update(name, { text: `again ${which}` }, heart);
    else if (kind === 'delete') this.delete([name], heart);
    else this.put(1, () => ({ agentId: 'new', level, kept }), heart);
  }

  ids(wanted: (fields: Fields) => boolean): string[] {
    return [...this.contexts].flatMap(([name, fields]) => (wanted(fields) ? [idOf(name)] : [])).sort();
  }
}

interface Change {
  readonly step: number;
  readonly kind: 'kept' | 'level' | 'text' | 'delete' | 'put';
  readonly which: number;
  readonly kept: number;
  readonly level: ContextRecord['level'];
}

function changeUpTo(stepMax: number): fc.Arbitrary<Change> {
  return fc.record({
    step: fc.integer({ min: 1, max: stepMax }),
    kind: fc.constantFrom('kept', 'level', 'text', 'delete', 'put'),
    which: fc.nat(),
    kept: fc.integer({ min: 0, max: 3 }),
    level: fc.constantFrom(...LEVEL_NAMES),
  });
}

const hearts: Heart[] = [];
function heartOf(count: number, memoryBytesMax?: number): { readonly heart: Heart; readonly model: Model } {
  const heart = new Heart(memoryBytesMax);
  const model = new Model();
  hearts.push(heart);
  model.put(count, fieldsOf, heart);
  return { heart, model };
}
const fieldsOf = (i: number): Fields => ({
  agentId: i % 10 === 0 ? 'ann' : 'bob',
  level: LEVEL_NAMES[i % 3] as (typeof LEVEL_NAMES)[number],
  kept: i % 4,
});
afterAll(async () => {
  for (const heart of hearts) await heart.close();
});

describe('a search whose filter takes long', () => {
  it.each([true, false])('finds in steps what it should, many paths: %s', (isWide) => {
    const { heart, model } = heartOf(COUNT);
    const filter = filterOf(isWide, 1);
    const all = heart.search({ filter });
    expect(all.ids).toEqual(model.ids(({ kept }) => kept === 1));
    expect(all.steps).toBeGreaterThan(10);
    const ofAnn = heart.search({ filter: filterOf(isWide, 2), agentId: 'ann', levels: [2] });
    expect(ofAnn.ids).toEqual(
      model.ids((one) => one.kept === 2 && one.agentId === 'ann' && one.level === 'short_term'),
    );
  });

  it('is one step again once the values are in memory, and where few are asked about', () => {
    const { heart, model } = heartOf(COUNT);
    heart.search({ filter: filterOf(false, 1) });
    expect(heart.search({ filter: filterOf(false, 2) })).toEqual({
      ids: model.ids(({ kept }) => kept === 2),
      steps: 1,
    });
    const few = heart.search({ filter: filterOf(true, 0), agentId: 'ann', levels: [3] });
    expect(few).toEqual({
      ids: model.ids((one) => one.kept === 0 && one.agentId === 'ann' && one.level === 'long_term'),
      steps: 1,
    });
  });

  it('goes in steps for each side of the core, too', () => {
    const { heart, model } = heartOf(COUNT);
    for (const side of ['nearest', 'matching'] as const) {
      const { vector, nowMs } = SEARCH;
      const question = { vector, terms: ['text'], weights: [1] };
      const rest = {
        filter: filterOf(true, 1),
        levels: [1, 3],
        count: COUNT,
        samples: 0,
        side,
        question,
        nowMs,
        time: null,
      };
      const scope = { namespace: 'space', agentId: null, sessionId: null, includeSessionless: true };
      const { value, steps } = heart.read({ kind: 'hits', body: { ...scope, ...rest } } as Pick<
        WireCall,
        'kind' | 'body'
      >);
      const found = (value as WireLevelHits[]).flatMap(({ hits }) => hits.map(({ record }) => record.id));
      expect(found.sort()).toEqual(model.ids(({ kept, level }) => kept === 1 && level !== 'short_term'));
      expect(steps).toBeGreaterThan(10);
    }
  });

  it('brings its neighbours, of whatever level', () => {
    const { heart, model } = heartOf(COUNT);
    const { ids, steps } = heart.search({ filter: filterOf(true, 1), levels: [1], neighbours: COUNT });
    expect(ids).toEqual(model.ids(({ kept }) => kept === 1));
    expect(steps).toBeGreaterThan(10);
  });

  it('finds what is stored when it is done, though contexts change, move, come and go between its steps', () => {
    const { heart, model } = heartOf(700);
    fc.assert(
      fc.property(fc.boolean(), fc.array(changeUpTo(60), { maxLength: 60 }), (isWide, changes) => {
        const { ids } = heart.search({ filter: filterOf(isWide, 1) }, (step) => {
          for (const one of changes.filter((change) => change.step === step)) model.change(one, heart);
        });
        expect(ids).toEqual(model.ids(({ kept }) => kept === 1));
      }),
      { numRuns: 25 },
    );
  });

  it.each([true, false])('keeps what it has learned when contexts get other numbers, many paths: %s', (isWide) => {
    const { heart, model } = heartOf(2_400);
    const { ids, steps } = heart.search({ filter: filterOf(isWide, 1) }, (step) => {
      // As many as are kept: what this search has read of its own is let go.
      if (step === 3) heart.search({ filter: { should: othersOf(16) }, levels: [2] });
      if (step !== 6) return;
      const names = [...model.contexts.keys()];
      model.delete(
        names.filter((_, i) => i % 3 > 0),
        heart,
      );
      model.update(names[3] as string, { kept: 1 }, heart);
      model.put(10, fieldsOf, heart);
    });
    expect(ids).toEqual(model.ids(({ kept }) => kept === 1));
    expect(steps).toBeGreaterThan(10);
  });

  it('keeps its namespace in memory until it is done', () => {
    const { heart, model } = heartOf(COUNT, 1);
    heart.write([{ op: 'put', context: sample('other', DIMENSION, { namespace: 'other' }) }]);
    const residents = () => {
      heart.search({ namespace: 'other' });
      const { value } = heart.read({ kind: 'stats', body: null });
      return (value as { driver: Record<string, unknown> }).driver['resident_namespaces'];
    };
    const seen = new Set<unknown>();
    const { ids } = heart.search({ filter: filterOf(true, 1) }, (step) => step % 50 === 0 && seen.add(residents()));
    expect(ids).toEqual(model.ids(({ kept }) => kept === 1));
    expect([...seen]).toEqual([2]);
    expect(residents()).toBe(1);
  });
});

describe('a namespace that is read in steps', () => {
  const EVERYTHING = { filter: null, terms: ['text'], weights: [1], termsMax: 1 };

  it('has what is stored when it is read, though contexts change, move, come and go meanwhile', () => {
    const { heart, model } = heartOf(500, 1);
    heart.write([{ op: 'put', context: sample('other', DIMENSION, { namespace: 'other' }) }]);
    fc.assert(
      fc.property(fc.array(changeUpTo(15), { maxLength: 60 }), (changes) => {
        // There is room for one of them.
        heart.search({ namespace: 'other' });
        const { ids, steps } = heart.search(EVERYTHING, (step) => {
          for (const one of changes.filter((change) => change.step === step)) model.change(one, heart);
        });
        expect(steps).toBeGreaterThan(10);
        expect(ids).toEqual(model.ids(() => true));
        for (const kept of [0, 1]) {
          const passing = heart.search({ ...EVERYTHING, filter: filterOf(false, kept) });
          expect(passing.ids).toEqual(model.ids((one) => one.kept === kept));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('keeps no other waiting, and is read once for all who wait for it', () => {
    const { heart, model } = heartOf(COUNT);
    heart.write([{ op: 'put', context: sample('other', DIMENSION, { namespace: 'other' }) }]);
    let inner = 0;
    const { ids, steps } = heart.search(EVERYTHING, (step) => {
      expect(heart.search({ namespace: 'other' })).toEqual({ ids: [idOf('other')], steps: 1 });
      if (step === 20) inner = heart.search(EVERYTHING).steps;
    });
    expect(ids).toEqual(model.ids(() => true));
    expect(inner).toBeLessThan(COUNT / 32 - 10);
    expect(steps).toBeLessThan(25);
  });
});
