import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { SCHEMAS } from './schemas.generated.ts';

/** Values that are checked in a millisecond or two. */
const SLICE_VALUES = 4_096;

interface ListSchema {
  readonly type?: string;
  readonly maxItems?: number;
  readonly items?: { readonly $ref?: string; readonly type?: string };
}

/** A list of a payload that was checked item by item: the first faults that it has, none where it has none. */
interface CheckedList {
  readonly name: string;
  readonly faults: readonly ErrorObject[];
}

const REQUESTS = new Map(
  (SCHEMAS as readonly { readonly $id: string; readonly properties?: Readonly<Record<string, ListSchema>> }[]).map(
    ({ $id, properties }) => [$id, properties ?? {}],
  ),
);

/** Checks of lists in slices, and what came of them for the check of the whole. */
export class PayloadSlices {
  readonly #ajv: Ajv;
  readonly #checked = new WeakMap<object, CheckedList>();

  constructor(ajv: Ajv) {
    this.#ajv = ajv;
  }

  /** Checks the longest list of objects that the schema of that id has a place for, and `payload` something in. */
  *run(id: string, payload: object): Generator<void, void> {
    const name = longListOf(id, payload);
    if (name === null) return;
    const validate = this.#ajv.getSchema(`${id}#/properties/${name}/items`);
    if (validate === undefined) return;
    let room = SLICE_VALUES;
    for (const [place, item] of ((payload as Fields)[name] as readonly unknown[]).entries()) {
      room -= countValues(item, SLICE_VALUES);
      if (room <= 0) {
        yield;
        room = SLICE_VALUES;
      }
      if (validate(item)) continue;
      const faults = (validate.errors ?? []).map((error) => ({
        ...error,
        instancePath: `/${name}/${place}${error.instancePath}`,
      }));
      this.#checked.set(payload, { name, faults });
      return;
    }
    this.#checked.set(payload, { name, faults: [] });
  }

  /** The faults of `payload`, its list not looked at again where it was checked before. */
  faultsOf(validate: ValidateFunction, payload: unknown): readonly ErrorObject[] {
    const list = typeof payload === 'object' && payload !== null ? this.#checked.get(payload) : undefined;
    if (list === undefined) return validate(payload) ? [] : (validate.errors ?? []);
    if (list.faults.length > 0) return list.faults;
    const fields = payload as Fields;
    const items = fields[list.name] as readonly unknown[];
    fields[list.name] = items.slice(0, 1);
    try {
      return validate(payload) ? [] : (validate.errors ?? []);
    } finally {
      fields[list.name] = items;
    }
  }
}

type Fields = Record<string, unknown>;

/** No list that is longer than it may be: that is found at once. */
function longListOf(id: string, payload: object): string | null {
  let longest: string | null = null;
  let length = 1;
  for (const [name, { maxItems = 0, items }] of Object.entries(REQUESTS.get(id) ?? {})) {
    const value = Object.hasOwn(payload, name) ? (payload as Fields)[name] : undefined;
    if (!Array.isArray(value) || value.length <= length || value.length > maxItems) continue;
    // Texts in a list may be put into lower case in their place.
    if (items?.$ref === undefined || !value.every((item) => typeof item === 'object' && item !== null)) continue;
    longest = name;
    ({ length } = value);
  }
  return longest;
}

/** Values inside `value`; once past `max` it counts no further. */
export function countValues(value: unknown, max: number): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 1;
  let count = 1;
  for (const item of Object.values(value)) {
    count += countValues(item, max - count);
    if (count > max) break;
  }
  return count;
}
