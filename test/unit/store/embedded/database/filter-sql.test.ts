import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Filter } from '../../../../../src/base/context.ts';
import { filterToSql } from '../../../../../src/store/embedded/database/filter-sql.ts';

describe('filterToSql', () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE contexts (metadata TEXT)');
  const passes = (metadata: object, filter: Filter): boolean => {
    database.exec('DELETE FROM contexts');
    database.prepare('INSERT INTO contexts VALUES (?)').run(JSON.stringify(metadata));
    const { sql, parameters } = filterToSql(filter);
    return database.prepare(`SELECT 1 FROM contexts AS c WHERE ${sql}`).get(...parameters) !== undefined;
  };

  it.each([9_223_372_036_854_775_000, 2 ** 53 + 2, 1e300, -0.1])(
    'compares the number %d as JavaScript reads it',
    (value) => {
      expect(passes({ a: value }, { must: [{ key: 'metadata.a', match: { value } }] })).toBe(true);
      expect(passes({ a: value }, { must: [{ key: 'metadata.a', range: { gte: value, lte: value } }] })).toBe(true);
    },
  );

  it('takes hundreds of conditions side by side', () => {
    const should = Array.from({ length: 1500 }, (_, i) => ({ key: 'metadata.a', match: { value: i } }));
    expect(passes({ a: 1499 }, { should })).toBe(true);
    expect(passes({ a: 1500 }, { should })).toBe(false);
  });
});
