import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { forVersion } from './older-versions.ts';
import { checkRequest } from './request-checks.ts';
import { parseUuid } from './point.ts';
import { microseconds } from './payload-index.ts';
import { formatError, invalid, type QdrantError } from './qdrant-error.ts';

type Schema = { [key: string]: unknown };

/** Qdrant's name for what stands in these bodies, in the paths of what it finds invalid. */
const INNER_NAMES: Readonly<Record<string, string>> = {
  QueryRequest: 'internal',
  CountRequest: 'count_request',
  ScrollRequest: 'scroll_request',
  PointRequest: 'point_request',
  FacetRequest: 'facet_request',
};

/** Serde's names of enumerations where those of the OpenAPI description are others. */
const SERDE_NAMES: Readonly<Record<string, string>> = { Match: 'MatchInterface', Query: 'QueryInterface' };

const INTEGER_RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
  uint: [0, 2 ** 64],
  uint32: [0, 2 ** 32],
  uint8: [0, 2 ** 8],
};

const OPENAPI = 'openapi';
let ajv: Ajv | undefined;
const validators = new Map<string, ValidateFunction>();

/** Compiled once in a process, when the first body of the kind is read. */
function validatorOf(name: string): ValidateFunction {
  ajv ??= createAjv();
  const known = validators.get(name) ?? ajv.compile({ $ref: `${OPENAPI}#/components/schemas/${name}` });
  validators.set(name, known);
  return known;
}

function createAjv(): Ajv {
  const created = new Ajv({ strict: false, verbose: true, inlineRefs: false });
  for (const [name, [low, high]] of Object.entries(INTEGER_RANGES)) {
    created.addFormat(name, { type: 'number', validate: (value: number) => value >= low && value < high });
  }
  for (const name of ['float', 'double']) created.addFormat(name, { type: 'number', validate: Number.isFinite });
  created.addFormat('uuid', (text: string) => parseUuid(text) !== null);
  created.addFormat('date-time', (text: string) => microseconds(text) !== null);
  const file = new URL('./openapi-1.18.3.json', import.meta.url);
  const description = jsonSchema(JSON.parse(readFileSync(file, 'utf8'))) as { components: { schemas: Schema } };
  const { schemas } = description.components;
  // Serde decides by a key where the description has alternatives of which an object can fit several.
  const condition = schemas['Condition'] as { anyOf: unknown[] };
  schemas['Condition'] = {
    if: { type: 'object', required: ['key'] },
    then: { $ref: '#/components/schemas/FieldCondition' },
    else: { anyOf: condition.anyOf.slice(1) },
  };
  schemas['PointInsertOperations'] = {
    if: { required: ['batch'] },
    then: { $ref: '#/components/schemas/PointsBatch' },
    else: { $ref: '#/components/schemas/PointsList' },
  };
  // Errors tell the schema that they come from, and by this its name.
  for (const [name, schema] of Object.entries(schemas)) (schema as Schema)['title'] = name;
  created.addSchema(description, OPENAPI);
  return created;
}

/** OpenAPI 3.0's `nullable` is no word of JSON Schema. */
function jsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(jsonSchema);
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, ...rest } = node as Schema;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, jsonSchema(value)]));
  if (nullable !== true) return schema;
  return Object.keys(schema).length === 0 ? { type: 'null' } : { anyOf: [schema, { type: 'null' }] };
}

/** The body of a request to a server of `version`, as the schema of that name has it. Throws what Qdrant answers to any other body. */
export function readBody(name: string, bytes: Buffer, version: string): unknown {
  const body = parseBody(bytes);
  forVersion(body, version);
  const isFlattened = name in INNER_NAMES;
  const position = isFlattened ? ` at line 1 column ${bytes.length}` : '';
  const validate = validatorOf(name);
  const prefix = (path: string): string => (isFlattened ? `${INNER_NAMES[name]}.${path}` : innerPath(path));
  if (!validate(body)) throw refusal(validate.errors ?? [], position, prefix);
  checkRequest(body, prefix);
  return body;
}

const innerPath = (path: string): string => path.replace(/^searches\[\d+\]\./, '$&internal.');

function parseBody(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw formatError('invalid unicode code point at line 1 column 1');
  try {
    return JSON.parse(text);
  } catch {
    throw formatError(
      text === '' ? 'EOF while parsing a value at line 1 column 0' : 'expected value at line 1 column 1',
    );
  }
}

/** `a[0].b` of `/a/0/b`. */
const dotted = (pointer: string): string =>
  pointer
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.');

function refusal(errors: readonly ErrorObject[], position: string, prefix: (path: string) => string): QdrantError {
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length;
  const deepest = errors.reduce((one, other) => (depth(other) > depth(one) ? other : one));
  const { instancePath, keyword, data } = deepest;
  const id = errors.find(isWrongId);
  if (id !== undefined && depth(id) === depth(deepest)) {
    return formatError(
      `value ${String(id.data)} is not a valid point ID, valid values are either an unsigned integer or a UUID`,
    );
  }
  if ((keyword === 'minimum' || keyword === 'maximum') && !isOfType(deepest)) {
    return invalid(prefix(dotted(instancePath)), `value ${String(data)} invalid, ${rangeText(deepest)}`);
  }
  const untagged = errors.filter((error) => error.keyword === 'anyOf').flatMap((error) => enumName(error) ?? []);
  const known = untagged.find((name) => name === 'MatchInterface' || name === 'VectorStruct') ?? untagged.at(-1);
  if (known !== undefined) {
    const where = known === 'VectorStruct' ? '' : position;
    return formatError(`data did not match any variant of untagged enum ${known}${where}`);
  }
  return formatError(`${plainText(deepest)}${position}`);
}

const isWrongId = ({ keyword, parentSchema }: ErrorObject): boolean =>
  keyword === 'format' && parentSchema?.['format'] === 'uuid';

/** Less than an integer without a sign can be: no rule about the value has been looked at yet. */
function isOfType({ data, parentSchema }: ErrorObject): boolean {
  const format: unknown = parentSchema?.['format'];
  return typeof format === 'string' && format.startsWith('uint') && Number(data) < 0;
}

function rangeText({ parentSchema }: ErrorObject): string {
  const { minimum, maximum } = (parentSchema ?? {}) as { minimum?: number; maximum?: number };
  if (minimum === undefined) return `must be ${String(maximum)} or smaller`;
  return maximum === undefined ? `must be ${minimum} or larger` : `must be from ${minimum} to ${maximum}`;
}

function enumName({ parentSchema }: ErrorObject): string | undefined {
  const name: unknown = parentSchema?.['title'];
  return typeof name === 'string' ? (SERDE_NAMES[name] ?? name) : undefined;
}

function plainText({ keyword, params, data, message }: ErrorObject): string {
  const named = params as Readonly<Record<string, unknown>>;
  if (keyword === 'required') return `missing field \`${String(named['missingProperty'])}\``;
  if (keyword === 'additionalProperties') return `unknown field \`${String(named['additionalProperty'])}\``;
  if (keyword === 'enum')
    return `unknown variant \`${String(data)}\`, expected one of ${JSON.stringify(named['allowedValues'])}`;
  return `invalid type: ${JSON.stringify(data)?.slice(0, 80) ?? ''}, ${message ?? ''}`;
}
