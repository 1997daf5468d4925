import { setImmediate } from 'node:timers/promises';
import { LEVELS, type Level } from '../../base/context.ts';
import type { StoreDriver } from '../driver.ts';
import type { NamespaceCounts } from '../store.ts';
import { scanAll } from './scan-all.ts';

const SCANNED_AT_ONCE = 1_000;

/** Of the namespaces that are named; else of all, which reads every context: a driver that knows its namespaces overrides it. */
export async function countNamespaces(
  driver: StoreDriver,
  nowMs: number,
  names: readonly string[] | undefined,
): Promise<NamespaceCounts[]> {
  if (names !== undefined) return countNamed(driver, nowMs, names);
  const counts = new Map<string, Record<Level, number>>();
  const order = { order: 'creation', descending: false, limit: SCANNED_AT_ONCE } as const;
  for await (const found of scanAll(driver, { nowMs, ...order })) {
    for (const { record } of found) {
      const known = counts.get(record.namespace) ?? { immediate: 0, short_term: 0, long_term: 0 };
      known[record.level]++;
      counts.set(record.namespace, known);
    }
  }
  return byName([...counts].map(([namespace, counted]) => ({ namespace, counts: counted })));
}

async function countNamed(driver: StoreDriver, nowMs: number, names: readonly string[]): Promise<NamespaceCounts[]> {
  const reaches = names.flatMap((namespace) => LEVELS.map((level) => ({ namespace, levels: [level], nowMs })));
  const { counts } = await driver.counts({ reaches });
  return byName(
    names.map((namespace, i) => {
      const [immediate = 0, shortTerm = 0, longTerm = 0] = counts.slice(i * LEVELS.length);
      return { namespace, counts: { immediate, short_term: shortTerm, long_term: longTerm } };
    }),
  );
}

/** By code units, so that the order is the same everywhere. */
export function byName(found: NamespaceCounts[]): NamespaceCounts[] {
  return found.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

/** Of several lists in that order one, however many there are with turns for others between. */
export async function mergedByName(lists: NamespaceCounts[][]): Promise<NamespaceCounts[]> {
  let left = lists;
  while (left.length > 1) {
    const merged: NamespaceCounts[][] = [];
    for (let i = 0; i < left.length; i += 2) {
      await setImmediate();
      merged.push(merge(left[i] as NamespaceCounts[], left[i + 1] ?? []));
    }
    left = merged;
  }
  return left[0] ?? [];
}

function merge(some: readonly NamespaceCounts[], others: readonly NamespaceCounts[]): NamespaceCounts[] {
  const merged: NamespaceCounts[] = [];
  let at = 0;
  for (const one of some) {
    for (let other = others[at]; other !== undefined && other.namespace < one.namespace; other = others[++at])
      merged.push(other);
    merged.push(one);
  }
  return merged.concat(others.slice(at));
}
