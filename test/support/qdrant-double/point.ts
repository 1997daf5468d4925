import type { Payload, PointId } from './requests.ts';

/** Of one dimension more than zero; values are float32. */
export type SparseValues = ReadonlyMap<number, number>;

export interface Point {
  readonly id: PointId;
  readonly dense: ReadonlyMap<string, Float32Array>;
  readonly multi: ReadonlyMap<string, readonly Float32Array[]>;
  readonly sparse: ReadonlyMap<string, SparseValues>;
  readonly payload: Payload;
  /** Number of the operation that wrote it last. */
  readonly version: number;
  /** Where it comes among others of an equal value. */
  readonly tie: number;
}

const UUID = /^([0-9a-f]{8})(-?)([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{12})$/i;

/** A UUID in its usual form, from any that Qdrant reads; null where a text is none. */
export function parseUuid(text: string): string | null {
  const bare = /^(?:urn:uuid:(.*)|\{(.*)\})$/.exec(text);
  const found = UUID.exec(bare?.[1] ?? bare?.[2] ?? text);
  return found === null ? null : [found[1], ...found.slice(3)].join('-').toLowerCase();
}

/** As the double keeps it: a checked id of a request. */
export const normalId = (id: PointId): PointId => (typeof id === 'string' ? (parseUuid(id) ?? id) : id);

/** Numbers come before UUIDs. */
export function compareIds(one: PointId, other: PointId): number {
  if (typeof one !== typeof other) return typeof one === 'number' ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}

/**
 * `Point.tie` of the nth point that is written. Qdrant orders equals by what its heaps and segments happen to do; a
 * scrambled order finds out who relies on one. (Multiples of the golden ratio are spread evenly.)
 */
export const tieOf = (n: number): number => (n * 0.618_033_988_749_895) % 1;
