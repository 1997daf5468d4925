import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Filter } from '../../../../../src/base/context.ts';
import type { WireScan } from '../../../../../src/store/embedded/border/messages.ts';
import { Pace, type Steps } from '../../../../../src/store/embedded/border/steps.ts';
import { migrate } from '../../../../../src/store/embedded/database/migrations.ts';
import { Reader, type ScannedRows } from '../../../../../src/store/embedded/database/reader.ts';
import { StoredPassages } from '../../../../../src/store/embedded/database/stored-passages.ts';

const SPACE = 1;
const SCAN: WireScan = {
  namespace: 'space',
  levels: null,
  agentId: null,
  sessionId: undefined,
  includeSessionless: false,
  filter: null,
  nowMs: null,
  order: 'creation',
  descending: false,
  after: null,
  limit: 1_000,
  bytesMax: Infinity,
  vectors: false,
  question: null,
  unembedded: null,
  time: null,
  linked: false,
};
const EVEN: Filter = { must: [{ key: 'metadata.even', match: { value: true } }] };

/** Every look at the clock finds a step's time over, so that reads stop wherever they can. */
const hurried = { monotonicMs: () => (ticks += 1_000) };
let ticks = 0;

interface Row {
  readonly seq: number;
  readonly createdAtMs: number;
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly level: 1 | 2 | 3;
}

describe('a scan in steps', () => {
  const database = new DatabaseSync(':memory:');
  migrate(database);
  const insert =
    database.prepare(`INSERT INTO contexts (seq, namespace_id, level, entry, entered, id, agent_id, session_id,
    created_at, updated_at, expiry_action, version, access_count, token_count, tags, metadata, analyzer, terms, traits, text)
    VALUES (?1, 1, ?2, ?1, ?1, 'id-' || CAST(?1 AS INTEGER), ?3, ?4, ?5, 0, 0, 1, 0, 1, '[]', ?6, 1, '', '', 'text')`);
  const pace = new Pace(hurried);
  const reader = new Reader(database, new StoredPassages(database, null), pace, null);
  afterAll(() => database.close());
  beforeEach(() => database.exec('DELETE FROM contexts'));

  const add = ({ seq, level, agentId, sessionId, createdAtMs }: Row) =>
    insert.run(seq, level, agentId, sessionId, createdAtMs, JSON.stringify({ even: seq % 2 === 0 }));

  /** Runs to the end; `between` after each step. */
  function finish<T>(steps: Steps<T>, between: (step: number) => void = () => {}): { result: T; steps: number } {
    for (let count = 1; ; count++) {
      pace.startStep(1);
      const { done, value } = steps.next();
      if (done === true) return { result: value, steps: count };
      between(count);
    }
  }

  const seqsOf = (request: Partial<WireScan>, between?: (step: number) => void): { seqs: number[]; steps: number } => {
    const { result, steps } = finish(reader.scan(SPACE, { ...SCAN, ...request }), between);
    return { seqs: result.rows.map(({ seq }) => seq), steps };
  };

  const row = fc.record({
    createdAtMs: fc.integer({ min: 0, max: 4 }),
    agentId: fc.constantFrom('ann', 'bob'),
    sessionId: fc.constantFrom('s', 't', null),
    level: fc.constantFrom<1 | 2 | 3>(1, 2, 3),
  });
  const reach = fc.record({
    levels: fc.option(fc.subarray([1, 2, 3] as const)),
    agentId: fc.option(fc.constantFrom('ann', 'bob')),
    sessionId: fc.constantFrom(undefined, 's', null),
    descending: fc.boolean(),
    filter: fc.constantFrom(null, EVEN),
    limit: fc.integer({ min: 1, max: 40 }),
  });

  it('gives the pages that it would give in one', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), reach, (rows, request) => {
        database.exec('DELETE FROM contexts');
        const stored = rows.map((one, i): Row => ({ ...one, seq: i + 1 }));
        stored.forEach(add);
        const wanted = stored
          .filter(({ level }) => request.levels === null || request.levels.includes(level))
          .filter(({ agentId }) => request.agentId === null || agentId === request.agentId)
          .filter(({ sessionId }) => request.sessionId === undefined || sessionId === request.sessionId)
          .filter(({ seq }) => request.filter === null || seq % 2 === 0)
          .sort((a, b) => (a.createdAtMs - b.createdAtMs || a.seq - b.seq) * (request.descending ? -1 : 1))
          .map(({ seq }) => seq);
        const found: number[] = [];
        for (let after: WireScan['after'] = null; ; ) {
          const { result }: { result: ScannedRows } = finish(reader.scan(SPACE, { ...SCAN, ...request, after }));
          found.push(...result.rows.map(({ seq }) => seq));
          const last = result.rows.at(-1);
          if (!result.more || last === undefined) break;
          expect(result.rows).toHaveLength(request.limit);
          after = [last.at, last.seq];
        }
        expect(found).toEqual(wanted);
        const counted = finish(reader.count(SPACE, { ...SCAN, ...request }));
        expect(counted.result).toBe(wanted.length);
      }),
      { numRuns: 300 },
    );
  });

  it('stops after each row where its time is over, also among thousands created at once', () => {
    for (let seq = 1; seq <= 5_000; seq++) add({ seq, createdAtMs: 7, agentId: 'a', sessionId: null, level: 1 });
    const { seqs, steps } = seqsOf({
      filter: { must: [EVEN, { key: 'agent_id', match: { value: 'a' } }] },
      limit: 9_999,
    });
    expect(seqs).toEqual(Array.from({ length: 2_500 }, (_, i) => 2 * i + 2));
    expect(steps).toBeGreaterThanOrEqual(5_000);
  });

  it('gives each context as it is when its turn comes, and none twice', () => {
    for (let seq = 1; seq <= 100; seq++) add({ seq, createdAtMs: 10 * seq, agentId: 'a', sessionId: null, level: 1 });
    const { seqs } = seqsOf({ filter: EVEN, limit: 9_999 }, (step) => {
      if (step !== 30) return;
      database.exec('DELETE FROM contexts WHERE seq IN (20, 60)');
      database.exec(`UPDATE contexts SET metadata = '{"even":true}' WHERE seq IN (15, 75)`);
      add({ seq: 102, createdAtMs: 5, agentId: 'a', sessionId: null, level: 1 });
      add({ seq: 104, createdAtMs: 705, agentId: 'a', sessionId: null, level: 1 });
    });
    const evens = Array.from({ length: 50 }, (_, i) => 2 * i + 2).filter((seq) => seq !== 60);
    const wanted = [...evens, 75, 104];
    expect([...seqs].sort((a, b) => a - b)).toEqual(wanted.sort((a, b) => a - b));
  });

  it('finds what a delete means some at a time, and nothing that came after it began', () => {
    for (let seq = 1; seq <= 20; seq++) add({ seq, createdAtMs: 5, agentId: 'a', sessionId: null, level: 1 });
    const find = (after: WireScan['after']) =>
      finish(reader.find(SPACE, { levels: [1], filter: EVEN, after, newestSeq: 20, limit: 4 })).result;
    const first = find(null);
    expect(first.ids).toEqual(['id-2', 'id-4', 'id-6', 'id-8']);
    add({ seq: 22, createdAtMs: 5, agentId: 'a', sessionId: null, level: 1 });
    const second = find(first.after);
    const third = find(second.after);
    expect([...second.ids, ...third.ids]).toEqual(['id-10', 'id-12', 'id-14', 'id-16', 'id-18', 'id-20']);
    expect(third.after).toBeNull();
  });
});
