import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Filter, FilterCondition, JsonValue, Level } from '../../src/base/context.ts';
import { RowFilter, SUBJECT_COLUMNS } from '../../src/store/embedded/database/row-filter.ts';
import { migrate } from '../../src/store/embedded/database/migrations.ts';
import { toLevelNumber } from '../../src/store/embedded/border/rows.ts';
import { filterToSql } from '../support/filter-sql.ts';
import { checkFilter, type FilterSubject } from '../../src/store/filter.ts';
import { matchesFilter } from '../../src/store/filter-match.ts';

/** Often met, so that filters and records name the same things. */
const COMMON_KEYS = ['a', 'b'];
const ODD_KEYS = [
  'c d',
  'ünï',
  '日本',
  "it's",
  'back\\slash',
  'new\nline',
  'dot.ted',
  '[0]',
  '$',
  '0',
  '__proto__',
  'constructor',
  '%',
  '\u0001',
];
const STRINGS = [
  '',
  'x',
  'X',
  '5',
  'true',
  'null',
  'ünï',
  '日本',
  "'; DROP TABLE contexts; --",
  '"',
  '\\',
  '\u0000',
  'a\u0000b',
  '😀',
];
const NUMBERS = [
  0,
  -0,
  1,
  5,
  -5,
  5.5,
  0.1 + 0.2,
  1e21,
  1e-7,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 63),
  9223372036854775000,
  1.7e308,
];
const TIMES = [0, 1, 5, 1_700_000_000_000];

const key = fc.oneof(
  { arbitrary: fc.constantFrom(...COMMON_KEYS), weight: 3 },
  { arbitrary: fc.constantFrom(...ODD_KEYS), weight: 1 },
);
const word = fc.constantFrom(...STRINGS);
const number = fc.constantFrom(...NUMBERS);
const scalar: fc.Arbitrary<JsonValue> = fc.oneof(word, number, fc.boolean(), fc.constant(null));
const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue; object: JsonValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
})).value;

const subject: fc.Arbitrary<FilterSubject> = fc.record({
  agentId: word,
  sessionId: fc.option(word),
  level: fc.constantFrom<Level>('immediate', 'short_term', 'long_term'),
  metadata: fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }),
  tags: fc.array(word, { maxLength: 3 }),
  createdAtMs: fc.constantFrom(...TIMES),
  updatedAtMs: fc.constantFrom(...TIMES),
});

const steps = fc.oneof({ arbitrary: fc.tuple(key), weight: 3 }, { arbitrary: fc.tuple(key, key), weight: 1 });
const path = steps.map((names) => `metadata.${names.map((step) => `"${step}"`).join('.')}`);
const textKey = fc.constantFrom('tags', 'agent_id', 'session_id', 'level');
const timeKey = fc.constantFrom('created_at', 'updated_at');
const anyKey = fc.oneof(path, path, textKey, timeKey);
const levelWord = fc.oneof(word, fc.constantFrom('immediate', 'long_term'));
const range = (bound: fc.Arbitrary<number>) =>
  fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] });

const leaf: fc.Arbitrary<FilterCondition> = fc.oneof(
  fc.record({ key: path, match: fc.record({ value: fc.oneof(word, number, fc.boolean()) }) }),
  fc.record({ key: path, match: fc.record({ any: fc.array(fc.oneof(word, number), { maxLength: 3 }) }) }),
  fc.record({ key: path, range: range(number) }),
  fc.record({ key: textKey, match: fc.record({ value: levelWord }) }),
  fc.record({ key: textKey, match: fc.record({ any: fc.array(levelWord, { maxLength: 3 }) }) }),
  fc.record({ key: timeKey, match: fc.record({ value: fc.constantFrom(...TIMES) }) }),
  fc.record({ key: timeKey, range: range(fc.constantFrom(...TIMES, 0.5)) }),
  fc.record({ is_empty: fc.record({ key: anyKey }) }),
);
const filter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter; condition: FilterCondition }>((tie) => ({
  filter: fc.record(
    {
      must: conditions(tie('condition')),
      should: conditions(tie('condition')),
      must_not: conditions(tie('condition')),
    },
    { requiredKeys: [] },
  ),
  condition: fc.oneof({ maxDepth: 3 }, leaf, leaf, tie('filter')),
})).filter;

function conditions(condition: fc.Arbitrary<FilterCondition>): fc.Arbitrary<FilterCondition[]> {
  return fc.array(condition, { maxLength: 3 });
}

describe('filters', () => {
  const database = new DatabaseSync(':memory:');
  migrate(database);
  const insert =
    database.prepare(`INSERT INTO contexts (seq, namespace_id, level, entry, entered, id, agent_id, session_id, created_at,
    updated_at, expiry_action, version, access_count, token_count, tags, metadata, analyzer, terms, traits, text)
    VALUES (?, 1, ?, 1, 1, ?, ?, ?, ?, ?, 0, 1, 0, 1, ?, ?, 1, '', '', '')`);
  afterAll(() => database.close());

  function inDatabase(subjects: readonly FilterSubject[], wanted: Filter): boolean[] {
    database.exec('DELETE FROM contexts');
    subjects.forEach(({ level, agentId, sessionId, createdAtMs, updatedAtMs, tags, metadata }, i) => {
      insert.run(
        i,
        toLevelNumber(level),
        String(i),
        agentId,
        sessionId,
        createdAtMs,
        updatedAtMs,
        JSON.stringify(tags),
        JSON.stringify(metadata),
      );
    });
    const filter = new RowFilter(wanted, null);
    const rows = database.prepare(`SELECT ${SUBJECT_COLUMNS} FROM contexts AS c ORDER BY c.seq`);
    rows.setReturnArrays(true);
    return (rows.all() as unknown as unknown[][]).map((values) => filter.passes(values));
  }

  /** Of what is in the database. */
  function inSql(wanted: Filter): boolean[] {
    const { sql, parameters } = filterToSql(wanted);
    const passing = database.prepare(`SELECT ${sql} AS passes FROM contexts AS c ORDER BY c.seq`).all(...parameters);
    return passing.map(({ passes }) => passes === 1);
  }

  it('mean the same over rows and records, and as SQL would have it', () => {
    fc.assert(
      fc.property(fc.array(subject, { minLength: 1, maxLength: 6 }), filter, (subjects, wanted) => {
        checkFilter(wanted);
        // The database holds metadata as JSON: -0 is 0 there, as on the wire.
        const stored = subjects.map((one) => ({
          ...one,
          metadata: JSON.parse(JSON.stringify(one.metadata)) as FilterSubject['metadata'],
        }));
        const passing = stored.map((one) => matchesFilter(one, wanted));
        expect(inDatabase(stored, wanted)).toEqual(passing);
        expect(inSql(wanted)).toEqual(passing);
      }),
      { numRuns: 4000 },
    );
  });

  it('of any shape are answered or refused', () => {
    const junk = fc.oneof(
      fc.anything(),
      fc.record({ must: fc.array(fc.anything()) }),
      fc.record({
        should: fc.array(
          fc.record({
            key: fc.oneof(
              fc.string(),
              fc.string().map((text) => `metadata.${text}`),
            ),
            match: fc.record({ value: fc.anything() }),
          }),
        ),
      }),
    );
    fc.assert(
      fc.property(junk, (wanted) => {
        try {
          checkFilter(wanted as Filter);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_REQUEST' });
          return;
        }
        expect(inDatabase([], wanted as Filter)).toEqual([]);
      }),
      { numRuns: 1500 },
    );
  });
});
