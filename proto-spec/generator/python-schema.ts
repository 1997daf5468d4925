import type { Schema, Specification } from './specification.ts';

/** First lines of every generated Python module. */
export const PYTHON_HEADER = '# Generated from proto-spec/ by `npm run generate`; do not edit.\n';

/** Written by hand in `clients/python`, as types that hold each other. */
export const FILTER_TYPES: ReadonlySet<string> = new Set(['Filter', 'Conditions', 'Condition', 'FilterKey']);

const COLUMNS_MAX = 118;
const KEYWORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

/** The definitions that schemas share, by name, titles included. */
export function namedSchemas({ schemas }: Specification): ReadonlyMap<string, Schema> {
  const named = new Map<string, Schema>();
  for (const schema of schemas) {
    for (const [name, definition] of Object.entries(schema.definitions ?? {})) named.set(name, definition);
    if (schema.title !== undefined) named.set(schema.title, schema);
  }
  return named;
}

export function refName(ref: string): string {
  return ref === 'error-payload.json' ? 'ErrorPayload' : ref.slice(ref.lastIndexOf('/') + 1);
}

/** `storeBatch`, `ContextStore`: `store_batch`, `context_store`. */
export function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

/** A field's name where a word of the language would stand: `from` is `from_`. */
export function identifier(name: string): string {
  return KEYWORDS.has(name) ? `${name}_` : name;
}

/** A map with fields of its own, as against one that holds anything. */
export function hasFields(schema: Schema): boolean {
  return schema.properties !== undefined && schema['x-json-map'] === undefined;
}

/** `anyOf: [{required: [...]}, ...]` says which fields go together, and is no type. */
export function alternatives(schema: Schema): readonly Schema[] | undefined {
  return schema.anyOf?.every((branch) => Object.keys(branch).join() === 'required') === true ? undefined : schema.anyOf;
}

export function required(schema: Schema): readonly string[] {
  return schema['required'] ?? [];
}

export function allOf(schema: Schema): readonly Schema[] | undefined {
  return schema['allOf'];
}

function literal(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}

/** The type of a value that is no map with fields; undefined for those. */
export function plainType(schema: Schema): string | undefined {
  const values = schema['enum'] as readonly unknown[] | undefined;
  if (values !== undefined) return `Literal[${values.map(literal).join(', ')}]`;
  if (schema['const'] !== undefined) return `Literal[${literal(schema['const'])}]`;
  const { type } = schema as { type?: string | readonly string[] };
  if (Array.isArray(type)) return (type as string[]).map((one) => plainType({ type: one }) ?? 'Any').join(' | ');
  const simple: Readonly<Record<string, string>> = {
    string: 'str',
    boolean: 'bool',
    integer: 'int',
    number: 'float',
    null: 'None',
  };
  return simple[type as string];
}

/** Its own description, or that of what it refers to. */
export function describe(schema: Schema, named: ReadonlyMap<string, Schema>): string {
  if (schema.description !== undefined) return schema.description;
  const target = schema.$ref ?? allOf(schema)?.[0]?.$ref;
  return target === undefined ? '' : describe(named.get(refName(target)) ?? {}, named);
}

/** Paragraphs as lines of a docstring; the lines after the first of each are indented by `hanging` more. */
export function wrapped(text: string, indent: string, hanging = ''): string {
  let line = indent;
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    if (line.trim() !== '' && line.length + 1 + word.length > COLUMNS_MAX) {
      lines.push(line);
      line = indent + hanging;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** A docstring of one paragraph. */
export function docstring(text: string, indent: string): string {
  return wrapped(`"""${escaped(text)}"""`, indent);
}

/** As it may stand in a docstring; code in single backticks becomes code in double ones. */
export function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"').replace(/"$/, '\\"').replace(/`+/g, '``');
}

/** The choices that have a name, by it. */
export function choices({ schemas }: Specification): ReadonlyMap<string, string> {
  const shared = schemas.flatMap(({ definitions }) => Object.entries(definitions ?? {}));
  return new Map(
    shared.filter(([, schema]) => schema['enum'] !== undefined).map(([name, schema]) => [name, plainType(schema)!]),
  );
}
