import { compile } from 'json-schema-to-typescript';
import { describedAs, refName } from './field-descriptions.ts';
import { HEADER } from './header.ts';
import { schemasByName, typeName, type Message, type Schema, type Specification } from './specification.ts';

/** What the rest of the code shares, or what the compiler cannot say from the schema. */
const TYPES_BY_NAME: Readonly<Record<string, string>> = {
  Level: 'Level',
  Metadata: 'JsonObject',
  Filter: 'Filter',
  Priority: "'Balanced' | 'Recent' | 'Deep' | readonly [number, number, number]",
};
/** Types that the rest of the code shares, and the parts of a filter. */
const TYPES_ELSEWHERE = new Set(['Level', 'Metadata', 'Filter', 'Conditions', 'Condition', 'FilterKey']);

/** The types of all payloads and envelopes, from their schemas. */
export async function messageTypes({ schemas, messages }: Specification): Promise<string> {
  const named = schemasByName(schemas);
  const definitions: Record<string, object> = {};
  const aliases: string[] = [];
  for (const [name, schema] of named) {
    if (TYPES_ELSEWHERE.has(name)) continue;
    const own = TYPES_BY_NAME[name] ?? typeText(schema, named);
    if (own === undefined) definitions[name] = typed(schema, named);
    else if (schema.title !== undefined || name in TYPES_BY_NAME) {
      aliases.push(`/** ${describedAs(schema, named)} */\nexport type ${name} = ${own};`);
    }
  }
  const types = await compile({ definitions }, 'Everything', {
    additionalProperties: false,
    bannerComment: '',
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    style: { singleQuote: true, printWidth: 120 },
  });
  const body = types
    .replace(/export interface Everything \{[^}]*\}\n*/, '')
    .replace(
      /\s*\*?\n \* This interface was referenced by `Everything`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g,
      '\n',
    )
    .replace(/\/\*\*\n \*\/\n/g, '')
    .trim();
  const imports =
    "import type { Filter, JsonObject, Level } from '../base/context.ts';\n\nexport type { Filter, JsonObject, Level };\n";
  return `${HEADER}${imports}\n${body}\n${aliases.join('\n')}\n\n${payloadMap('Request', messages)}\n${payloadMap('Reply', messages)}
/** Every request of the protocol. */
export type RequestType = keyof RequestPayloads;
`;
}

function payloadMap(side: 'Request' | 'Reply', messages: readonly Message[]): string {
  const rows = messages.map(
    ({ type, description }) => `  /** ${description} */\n  '${type}': ${typeName(type)}${side};`,
  );
  return `/** ${side} payloads by request type. */\nexport interface ${side}Payloads {\n${rows.join('\n')}\n}\n`;
}

/** A schema as the type compiler understands it: references within one document, own types where `typeText` has one. */
function typed(schema: Schema, named: ReadonlyMap<string, Schema>): object {
  const own = typeText(schema, named);
  if (own !== undefined) return { description: describedAs(schema, named), tsType: own };
  const result: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword.startsWith('$') || keyword.startsWith('x-') || isCondition(value)) continue;
    result[keyword] = keyword === 'properties' ? fieldsOf(value as Fields, named) : typedValue(value, named);
  }
  return schema.$ref === undefined ? result : { ...result, $ref: `#/definitions/${refName(schema.$ref)}` };
}

type Fields = Readonly<Record<string, Schema>>;

/** With the description of each, where it has none of its own that of what it refers to, which the compiler would drop. */
function fieldsOf(fields: Fields, named: ReadonlyMap<string, Schema>): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const { $ref } = field;
      const type = $ref === undefined ? typed(field, named) : { tsType: typeText(field, named) ?? refName($ref) };
      return [name, { ...type, description: describedAs(field, named) }];
    }),
  );
}

function typedValue(value: unknown, named: ReadonlyMap<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map((item) => typedValue(item, named));
  return typeof value === 'object' && value !== null ? typed(value as Schema, named) : value;
}

/** `anyOf: [{required: [...]}, ...]` says which fields go together; the types leave that to the validators. */
function isCondition(value: unknown): boolean {
  return Array.isArray(value) && value.every((branch) => Object.keys(branch as object).join() === 'required');
}

/** The type of what needs no interface of its own; undefined for the others. */
function typeText(schema: Schema, named: ReadonlyMap<string, Schema>): string | undefined {
  if (schema.$ref !== undefined) {
    const name = refName(schema.$ref);
    return TYPES_BY_NAME[name] ?? typeText(named.get(name)!, named) ?? name;
  }
  if (schema['x-bin'] !== undefined) return 'Uint8Array';
  if (schema['x-json-map'] !== undefined || schema['x-json-bytes-max'] !== undefined) return 'JsonObject';
  switch (schema['type']) {
    case 'string':
    case 'boolean':
      return schema['type'];
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `readonly ${itemType(schema.items!, named)}[]`;
    case 'object':
      if (schema.properties === undefined) return 'Record<string, unknown>';
      return Object.keys(schema.properties).length === 0 ? 'Record<string, never>' : undefined;
    default:
      return undefined;
  }
}

function itemType(items: Schema, named: ReadonlyMap<string, Schema>): string {
  return items.anyOf === undefined
    ? typeText(items, named)!
    : `(${items.anyOf.map((item) => itemType(item, named)).join(' | ')})`;
}
