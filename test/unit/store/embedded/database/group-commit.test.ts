import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { ACCESSES_AT_ONCE, AccessCounts } from '../../../../../src/store/embedded/database/access-counts.ts';
import { GroupCommit, type WriteTask } from '../../../../../src/store/embedded/database/group-commit.ts';
import { migrate } from '../../../../../src/store/embedded/database/migrations.ts';
import { Sequence } from '../../../../../src/store/embedded/database/sequence.ts';
import { Spaces } from '../../../../../src/store/embedded/database/spaces.ts';

function setUp() {
  const put: string[] = [];
  const deferred = {
    flush: () => put.splice(0).forEach((line) => database.prepare('INSERT INTO log VALUES (?)').run(line)),
    discard: () => void put.splice(0),
  };
  const database = new DatabaseSync(':memory:');
  migrate(database);
  database.exec('CREATE TABLE log (line TEXT)');
  const spaces = new Spaces(database);
  const sequence = new Sequence(database);
  const accesses = new AccessCounts(database, spaces);
  const group = new GroupCommit(database, spaces, sequence, accesses, deferred);
  const writing =
    (line: string): WriteTask<string> =>
    (effects) => {
      const { id } = spaces.getOrCreate(line);
      put.push(line);
      effects.push({ kind: 'access', spaceId: id, entry: sequence.next(), count: 1 });
      return line;
    };
  const failing =
    (line: string): WriteTask<string> =>
    (effects) => {
      writing(line)(effects);
      throw new Error('no');
    };
  const lines = () =>
    database
      .prepare('SELECT line FROM log')
      .all()
      .map(({ line }) => line);
  return { database, spaces, sequence, accesses, group, writing, failing, lines };
}

describe('GroupCommit', () => {
  it('commits all calls at once', () => {
    const { group, writing, lines, database, sequence } = setUp();
    const { outcomes, effects } = group.run([writing('a'), writing('b')]);
    expect(outcomes).toEqual([
      { ok: true, value: 'a' },
      { ok: true, value: 'b' },
    ]);
    expect(effects).toHaveLength(2);
    expect(lines()).toEqual(['a', 'b']);
    expect(new Sequence(database).last).toBe(sequence.last);
  });

  it('takes back the call that fails, and only that', () => {
    const { group, writing, failing, lines, spaces } = setUp();
    const { outcomes, effects } = group.run([writing('a'), failing('b'), writing('c')]);
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, error: { message: 'no' } }, { ok: true }]);
    expect(lines()).toEqual(['a', 'c']);
    expect(effects.map(({ spaceId }) => spaces.byId(spaceId)?.name)).toEqual(['a', 'c']);
    expect([...spaces.all()].map(({ name }) => name)).toEqual(['a', 'c']);
  });

  it('commits nothing where the transaction cannot be ended', () => {
    const { group, writing, lines, database, spaces } = setUp();
    database.exec(
      'CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED); PRAGMA foreign_keys = ON',
    );
    const orphan: WriteTask<string> = () => {
      database.exec('INSERT INTO child VALUES (99)');
      return 'orphan';
    };
    const { outcomes, effects } = group.run([writing('a'), orphan]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, false]);
    expect(effects).toEqual([]);
    expect(lines()).toEqual([]);
    expect([...spaces.all()]).toEqual([]);
    expect(group.run([writing('b')]).outcomes).toEqual([{ ok: true, value: 'b' }]);
  });

  it('takes along as many access counts as go at once, and none twice', () => {
    const { group, accesses, writing } = setUp();
    const behind = 5;
    for (let i = 0; i < ACCESSES_AT_ONCE + behind; i++) accesses.touch(`space-${i % 3}`, `id-${i}`, 1);
    group.run([writing('a')]);
    expect(accesses.pendingCount).toBe(behind);
    group.run([
      () => {
        throw new Error('no');
      },
    ]);
    expect(accesses.pendingCount).toBe(behind);
    accesses.touch('space-2', `id-${ACCESSES_AT_ONCE + behind - 1}`, 2);
    expect(accesses.pendingCount).toBe(behind);
    group.run([]);
    expect(accesses.pendingCount).toBe(0);
  });
});
