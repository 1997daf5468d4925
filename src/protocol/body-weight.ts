import { NESTING_MAX, VALUES_MAX } from './body-limits.ts';
import { encodedBytes } from './metadata.ts';

/** What a JSON-like value takes of the room that a request's body has. */
export interface BodyWeight {
  /** As MessagePack. */
  readonly bytes: number;
  /** Values inside it, of any kind; keys are not counted. */
  readonly values: number;
  /** Maps and lists inside one another. */
  readonly depth: number;
}

/** Weighed as `BodyScanner` counts. Recursive: for values whose depth is known to be small. */
export function weigh(value: object): BodyWeight {
  return { bytes: encodedBytes(value, Number.MAX_SAFE_INTEGER), ...count(value) };
}

function count(value: unknown): { readonly values: number; readonly depth: number } {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return { values: 0, depth: 0 };
  const items = Object.values(value);
  let values = items.length;
  let depth = 0;
  for (const item of items) {
    const inner = count(item);
    values += inner.values;
    if (inner.depth > depth) depth = inner.depth;
  }
  return { values, depth: depth + 1 };
}

/** Fields of an envelope, and of the payload around what is stored. */
const VALUES_AROUND = 16;
/** Envelope, payload and list of `context.store_batch`. */
const CONTAINERS_AROUND = 3;
/** What the contexts of one `context.store_batch` may hold together, and how deep each may be. */
export const BATCH_VALUES_MAX = VALUES_MAX - VALUES_AROUND;
export const BATCH_DEPTH_MAX = NESTING_MAX - CONTAINERS_AROUND;
