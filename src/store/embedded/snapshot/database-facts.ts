import type { DatabaseSync } from 'node:sqlite';
import { LEVELS, type Level } from '../../../base/context.ts';
import { byName } from '../../generic/namespaces.ts';
import type { NamespaceCounts } from '../../store.ts';

/** `Sequence.last`: the number of the newest commit. */
export function lastCommitIn(database: DatabaseSync): number {
  return (database.prepare('SELECT last FROM sequence').get() as { last: number }).last;
}

/** All that is stored, also what a sweep has yet to delete; namespaces without contexts are there where they hold sessions or facts. */
export function namespacesIn(database: DatabaseSync): NamespaceCounts[] {
  const rows = database
    .prepare(
      `SELECT n.name, c.level, c.count FROM namespaces AS n
         JOIN (SELECT namespace_id, level, count(*) AS count FROM contexts GROUP BY namespace_id, level) AS c
           ON c.namespace_id = n.id`,
    )
    .all() as { name: string; level: number; count: number }[];
  const found = new Map<string, Record<Level, number>>();
  for (const { name, level, count } of rows) {
    const counts = found.get(name) ?? { immediate: 0, short_term: 0, long_term: 0 };
    counts[LEVELS[level - 1] as Level] = count;
    found.set(name, counts);
  }
  const others = database.prepare(`SELECT DISTINCT namespace FROM documents WHERE namespace NOT LIKE '~%'`).all();
  for (const { namespace } of others as { namespace: string }[])
    if (!found.has(namespace)) found.set(namespace, { immediate: 0, short_term: 0, long_term: 0 });
  return byName([...found].map(([namespace, counts]) => ({ namespace, counts })));
}

export function sumOfCounts(namespaces: readonly NamespaceCounts[]): Record<Level, number> {
  const sum = { immediate: 0, short_term: 0, long_term: 0 };
  for (const { counts } of namespaces) for (const level of LEVELS) sum[level] += counts[level];
  return sum;
}

/** Whether SQLite finds its structure and each row in each index in order; a database of more than `bytesMax` is not looked through and counts as such. */
export function isWhole(database: DatabaseSync, bytesMax: number): boolean {
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
  const { page_size: pageBytes } = database.prepare('PRAGMA page_size').get() as { page_size: number };
  if (pages * pageBytes > bytesMax) return true;
  return (database.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string }).integrity_check === 'ok';
}
