import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../../../../src/base/errors.ts';
import { migrate, MIGRATIONS, schemaVersion } from '../../../../../src/store/embedded/database/migrations.ts';

const FIRST = { version: 1, sql: 'CREATE TABLE things (name TEXT)' };
const SECOND = { version: 2, sql: 'ALTER TABLE things ADD COLUMN size INTEGER; UPDATE things SET size = length(name)' };

describe('migrate', () => {
  it('takes each step once, keeping the rows', () => {
    const database = new DatabaseSync(':memory:');
    migrate(database, [FIRST]);
    database.exec(`INSERT INTO things VALUES ('four')`);
    migrate(database, [FIRST, SECOND]);
    migrate(database, [FIRST, SECOND]);
    expect(schemaVersion(database)).toBe(2);
    expect({ ...database.prepare('SELECT * FROM things').get() }).toEqual({ name: 'four', size: 4 });
  });

  it('leaves everything as it was where a step fails', () => {
    const database = new DatabaseSync(':memory:');
    migrate(database, [FIRST]);
    const broken = { version: 2, sql: 'CREATE TABLE other (a); INSERT INTO nowhere VALUES (1)' };
    expect(() => migrate(database, [FIRST, broken])).toThrow('nowhere');
    expect(schemaVersion(database)).toBe(1);
    expect(database.prepare(`SELECT count(*) AS count FROM sqlite_schema WHERE name = 'other'`).get()).toMatchObject({
      count: 0,
    });
    migrate(database, [FIRST, SECOND]);
    expect(schemaVersion(database)).toBe(2);
  });

  it('refuses a newer schema, naming both versions', () => {
    const database = new DatabaseSync(':memory:');
    database.exec('PRAGMA user_version = 8');
    expect(() => migrate(database, [FIRST, SECOND])).toThrow(StartupError);
    expect(() => migrate(database, [FIRST, SECOND])).toThrow(/version 8.*up to 2/);
  });

  it('tells from what happens at its end who set a lifetime, where rows did not say so', () => {
    const database = new DatabaseSync(':memory:');
    migrate(database, MIGRATIONS.slice(0, 2));
    const insert =
      database.prepare(`INSERT INTO contexts (namespace_id, level, entry, entered, id, agent_id, created_at,
      updated_at, expires_at, expiry_action, version, access_count, token_count, tags, metadata, analyzer, terms, traits,
      text, state_sum) VALUES (1, ?, 1, 1, ?, 'a', 0, 0, ?, ?, 1, 0, 1, '[]', '{}', 1, '', '', '', 7)`);
    insert.run(1, 'for good', null, 0);
    insert.run(2, 'until promoted', 5, 1);
    insert.run(2, 'until deleted', 5, 0);
    insert.run(3, 'either', 5, 0);
    migrate(database);
    const rows = database.prepare('SELECT id, expiry_by, state_sum FROM contexts ORDER BY seq').all();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { id: 'for good', expiry_by: 1, state_sum: 7 },
      { id: 'until promoted', expiry_by: 1, state_sum: 7 },
      // The sum covers who set it, so it is made anew with the next change.
      { id: 'until deleted', expiry_by: 0, state_sum: null },
      { id: 'either', expiry_by: 0, state_sum: null },
    ]);
  });

  it('tells from the contexts that supersede others what each is superseded by', () => {
    const database = new DatabaseSync(':memory:');
    migrate(database, MIGRATIONS.slice(0, 8));
    const insert =
      database.prepare(`INSERT INTO contexts (namespace_id, level, entry, entered, id, agent_id, created_at,
      updated_at, expiry_action, version, access_count, token_count, tags, metadata, analyzer, terms, traits, text, times)
      VALUES (1, 1, 1, 1, ?, 'a', 5, 0, 0, 1, 0, 1, '[]', '{}', 1, '', '', '', ?)`);
    insert.run('plain', null);
    insert.run('one', JSON.stringify({ recorded: 7, from: 6, supersedes: ['plain', 'gone'] }));
    insert.run('two', JSON.stringify({ supersedes: ['plain'] }));
    insert.run('ended', JSON.stringify({ until: 9, superseded: [['two', 5, 5]] }));
    migrate(database);
    const rows = database.prepare('SELECT superseded, valid_from, recorded, successor FROM supersessions').all();
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['gone', 6, 7, 'one'],
      ['plain', 5, 5, 'two'],
      ['plain', 6, 7, 'one'],
    ]);
  });

  it('has steps numbered without a gap', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  });
});
