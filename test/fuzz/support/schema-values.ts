import fc from 'fast-check';
import { SCHEMAS } from '../../../src/protocol/schemas.generated.ts';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly 'x-bin'?: { readonly bytesMin: number };
}

const BY_ID = new Map(SCHEMAS.map((schema) => [(schema as { $id: string }).$id, schema as Schema]));
const DEPTH_MAX = 5;
/** Of any characters, halves of surrogate pairs and all. */
export const TEXT = fc.string({ unit: 'binary', maxLength: 40 });
const UUID = fc.nat(20).map((n) => `018f0000-0000-7000-8000-0000000000${String(n).padStart(2, '0')}`);

/** What stands where something else should: of a wrong type, at the border of a bound, or too long. */
export const ODD_VALUES: readonly unknown[] = [
  ...[null, true, 0, -1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, '', ' ', '*', '\0', '\ud800', '__proto__'],
  ...['constructor', '\u202e', 'a'.repeat(300), '\u0301'.repeat(300), '9'.repeat(400), '..', '../../x', [], {}],
  ...[[[]], [null], { constructor: 1 }, { a: { b: { c: {} } } }, new Uint8Array(4), new Uint8Array(4096)],
  Array.from({ length: 70 }, () => 'tag'),
  deep(31),
  deep(40),
];

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const made = new Map<Schema, fc.Arbitrary<unknown>>();

/** Values that keep the schema of a request's payload, as far as types, lists of choices and bounds go. */
export function payloadsOf(type: string): fc.Arbitrary<unknown> {
  return valuesOfFile(`${type}.request.json`);
}

/** The same of a schema by its name, such as `auth.json`. */
export function valuesOfFile(id: string): fc.Arbitrary<unknown> {
  return valuesOf(BY_ID.get(id) ?? {}, id, 0);
}

/** The same of a schema that refers to no other. */
export function valuesOfSchema(schema: Schema): fc.Arbitrary<unknown> {
  return valuesOf(schema, '', 0);
}

function valuesOf(schema: Schema, file: string, depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const [other, path = ''] = schema.$ref.split('#');
    const name = other === '' || other === undefined ? file : other;
    const key = path.split('/').at(-1) ?? '';
    return valuesOf((path === '' ? BY_ID.get(name) : BY_ID.get(name)?.definitions?.[key]) ?? {}, name, depth);
  }
  const known = depth === 0 ? made.get(schema) : undefined;
  if (known !== undefined) return known;
  const values = newValues(schema, file, depth);
  if (depth === 0) made.set(schema, values);
  return values;
}

function newValues(schema: Schema, file: string, depth: number): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema['x-bin'] !== undefined) return fc.constant(new Uint8Array(schema['x-bin'].bytesMin));
  if (depth > DEPTH_MAX) return fc.constant(null);
  const anyOf =
    (schema.anyOf ?? schema.oneOf)?.filter((each) => each.required === undefined || each.properties !== undefined) ??
    [];
  if (anyOf.length > 0) return fc.oneof(...anyOf.map((each) => valuesOf(each, file, depth + 1)));
  switch (schema.type) {
    case 'string':
      return schema.pattern?.includes('{8}') === true ? UUID : schema.pattern === undefined ? textOf(schema) : NAME;
    case 'integer':
      return integers(schema);
    case 'number':
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, file, depth + 1), { minLength: schema.minItems ?? 0, maxLength: 3 });
    default:
      return objects(schema, file, depth);
  }
}

const LONGER = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });

function textOf({ minLength = 0 }: Schema): fc.Arbitrary<string> {
  return minLength > 0 ? LONGER : TEXT;
}

const NAME = fc.constantFrom('default', 'team-a', 'A.b_c:d-1');

function integers({ minimum = 0, maximum = 1_000 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(minimum, maximum),
    fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) }),
  );
}

function objects({ properties, required = [] }: Schema, file: string, depth: number): fc.Arbitrary<unknown> {
  if (properties === undefined) return fc.dictionary(TEXT.filter(isPlain), fc.oneof(TEXT, fc.integer()), PLAIN);
  const fields = Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, file, depth + 1)]);
  const model = Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>;
  return fc.record(model, { requiredKeys: [...required], noNullPrototype: true });
}

const PLAIN = { maxKeys: 4, noNullPrototype: true } as const;
const isPlain = (key: string): boolean => key !== '__proto__';

/** `payload` with one value somewhere in it in another's place, left out, or added. */
export function bent(payload: unknown, choose: (end: number) => number): unknown {
  const copy = structuredClone(payload);
  let place = copy;
  for (let depth = 0; depth < 4; depth++) {
    if (typeof place !== 'object' || place === null || place instanceof Uint8Array) return copy;
    const fields = place as Record<string, unknown>;
    const keys = Object.keys(fields);
    const key = keys[choose(keys.length + 1)] ?? 'added';
    const value = fields[key];
    if (typeof value === 'object' && value !== null && choose(2) === 0) {
      place = value;
      continue;
    }
    if (choose(4) === 0) Reflect.deleteProperty(fields, key);
    else fields[key] = structuredClone(ODD_VALUES[choose(ODD_VALUES.length)]);
    return copy;
  }
  return copy;
}
