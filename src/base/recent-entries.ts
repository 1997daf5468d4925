import { LRUCache } from 'lru-cache';

/**
 * The `max` entries that were used last. Room is taken as they come: with a `max` of its own lru-cache takes some 40 bytes for
 * each that may come, and servers have several of these for addresses that hardly ever come.
 */
export function recentEntries<V extends object | number>(max: number): LRUCache<string, V> {
  return new LRUCache<string, V>({ maxSize: max, sizeCalculation: () => 1 });
}
