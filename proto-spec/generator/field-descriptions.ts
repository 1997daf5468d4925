import type { Schema } from './specification.ts';

/** By their names: what a reference leads to. */
type Named = ReadonlyMap<string, Schema>;

/** A bound beyond this is no number that anybody reads: the description tells it in words. */
const TOLD_MAX = 1_000_000_000;

const BOUNDS = [
  { min: 'minimum', max: 'maximum', unit: '' },
  { min: 'minLength', max: 'maxLength', unit: ' characters' },
  { min: 'minItems', max: 'maxItems', unit: ' items' },
];

/** What a field or a type is, in words: its own description, or that of what it refers to, and the bounds that these leave out. */
export function describedAs(schema: Schema, named: Named): string {
  const chain = referred(schema, named);
  const description = chain.find((link) => link.description !== undefined)?.description ?? '';
  const bounds = chain.map((link) => boundsBeside(description, link)).find((text) => text !== null);
  return bounds === undefined ? description : `${description} ${bounds}`.trim();
}

/** Fields that nobody described, by their places. */
export function undescribedFields(schema: Schema, named: Named, place: string): string[] {
  const parts = [schema.items, ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
      const isDescribed = referred(field, named).some(({ description }) => description !== undefined);
      return [...(isDescribed ? [] : [`${place}.${name}`]), ...undescribedFields(field, named, `${place}.${name}`)];
    }),
    ...Object.entries(schema.definitions ?? {}).flatMap(([name, part]) => undescribedFields(part, named, name)),
    ...parts.flatMap((part) => (part === undefined ? [] : undescribedFields(part, named, place))),
  ];
}

/** The schema and what it refers to, one after the other. */
function referred(schema: Schema, named: Named): readonly Schema[] {
  const target = schema.$ref === undefined ? undefined : named.get(refName(schema.$ref));
  return target === undefined ? [schema] : [schema, ...referred(target, named)];
}

/** The name of the type that a reference leads to. */
export function refName(ref: string): string {
  return ref === 'error-payload.json' ? 'ErrorPayload' : ref.slice(ref.lastIndexOf('/') + 1);
}

/** Null: it has none, or they are told already. */
function boundsBeside(description: string, schema: Schema): string | null {
  const told = description.split(/[^\d,]+|,(?!\d)/);
  for (const { min, max, unit } of BOUNDS) {
    const [least, most] = [schema[min], schema[max]];
    const hasEnd = typeof most === 'number' && most <= TOLD_MAX;
    if (!hasEnd && (typeof least !== 'number' || least <= 0)) continue;
    const [from, to] = [Number(least ?? 0).toLocaleString('en'), hasEnd ? most.toLocaleString('en') : null];
    if (told.includes(to ?? from)) return null;
    return to === null ? `At least ${from}${unit}.` : `${from} to ${to}${unit}.`;
  }
  return null;
}
