import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SCOPES } from '../../src/base/wire-names.ts';
import { REACHES, REPEATS, type MessageRule } from '../../src/protocol/message-rule.ts';
import { undescribedFields } from './field-descriptions.ts';

export interface Schema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** A request as messages.json declares it, with its schemas and their examples. */
export interface Message extends MessageRule {
  readonly description: string;
  readonly request: Schema;
  readonly reply_schema: Schema;
  readonly examples: readonly object[];
}

export interface ErrorRow {
  readonly code: string;
  readonly retryable: boolean;
  readonly closes: boolean;
}

export interface Specification {
  readonly messages: readonly Message[];
  /** All of them, by file name, without their examples. */
  readonly schemas: readonly Schema[];
  readonly errors: readonly ErrorRow[];
}

/** Schemas that belong to no request. */
const OTHER_SCHEMAS = [
  'auth.json',
  'common.json',
  'error-payload.json',
  'error.json',
  'goaway.json',
  'hello.json',
  'request.json',
  'result.json',
  'welcome.json',
];

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  scope: ['any', ...SCOPES],
  namespace: REACHES,
  repeat: REPEATS,
};
const FIELDS = ['type', 'scope', 'namespace', 'items', 'ids_in', 'repeat', 'waits', 'reply', 'method', 'description'];

/** `context.store_batch`: `ContextStoreBatch`. */
export function typeName(type: string): string {
  return type.replace(/(^|[._])(\w)/g, (_match, _separator, letter: string) => letter.toUpperCase());
}

/** Reads and checks everything that code is made of. Throws with all that is missing or does not fit together. */
export function readSpecification(folder: URL): Specification {
  const faults: string[] = [];
  const rows = readRows(folder, faults);
  const schemaFiles = readdirSync(new URL('schemas/', folder)).sort();
  const named = new Set([...OTHER_SCHEMAS, ...rows.flatMap(({ type }) => schemaNames(type))]);
  for (const file of schemaFiles) if (!named.has(file)) faults.push(`schemas/${file} belongs to no message`);
  for (const file of OTHER_SCHEMAS) if (!schemaFiles.includes(file)) faults.push(`schemas/${file} is missing`);
  const schemas = new Map(schemaFiles.map((file) => [file, readJson(`schemas/${file}`, folder) as Schema]));
  const messages = rows.flatMap((row) => withSchemas(row, schemas, faults));
  faults.push(...undescribed(schemas));
  const { errors } = readJson('errors.json', folder) as { errors: ErrorRow[] };
  if (faults.length > 0) throw new Error(`proto-spec cannot be generated from:\n- ${faults.join('\n- ')}`);
  return { messages, schemas: [...schemas.values()].map(withoutExamples), errors };
}

/** What references lead to: definitions by their names, whole schemas by their titles. */
export function schemasByName(schemas: Iterable<Schema>): ReadonlyMap<string, Schema> {
  const named = new Map<string, Schema>();
  for (const schema of schemas) {
    for (const [name, definition] of Object.entries(schema.definitions ?? {})) named.set(name, definition);
    if (schema.title !== undefined) named.set(schema.title, schema);
  }
  return named;
}

function undescribed(schemas: ReadonlyMap<string, Schema>): string[] {
  const named = schemasByName(schemas.values());
  return [...schemas].flatMap(([file, schema]) =>
    undescribedFields(schema, named, schema.title ?? file).map(
      (place) => `schemas/${file}: ${place} has no description: units, default and bounds stand in it`,
    ),
  );
}

type Row = Omit<Message, 'request' | 'reply_schema' | 'examples'>;

function readRows(folder: URL, faults: string[]): Row[] {
  const { messages } = readJson('messages.json', folder) as { messages: Record<string, unknown>[] };
  for (const message of messages) faults.push(...faultsOfRow(message));
  for (const field of ['type', 'method']) {
    const values = messages.map((message) => String(message[field]));
    const twice = values.find((value, place) => values.indexOf(value) !== place);
    if (twice !== undefined) faults.push(`messages.json: two messages have the ${field} ${twice}`);
  }
  return messages as unknown as Row[];
}

function faultsOfRow(message: Record<string, unknown>): string[] {
  const where = `messages.json: ${String(message['type'])}`;
  const faults = Object.keys(message)
    .filter((field) => !FIELDS.includes(field))
    .map((field) => `${where} has an unknown field ${field}`);
  for (const field of ['type', 'method', 'description']) {
    if (typeof message[field] !== 'string' || message[field] === '') faults.push(`${where} has no ${field}`);
  }
  for (const [field, choices] of Object.entries(CHOICES)) {
    if (!choices.includes(String(message[field])))
      faults.push(`${where}: ${field} must be one of ${choices.join(', ')}`);
  }
  if (typeof (message['reply'] as { bytes?: unknown } | undefined)?.bytes !== 'number')
    faults.push(`${where} does not say what its reply weighs`);
  if (message['waits'] !== undefined && message['waits'] !== true)
    faults.push(`${where}: \`waits\` is true, or left out`);
  if ((message['namespace'] === 'items') !== (message['items'] !== undefined))
    faults.push(`${where}: \`items\` names the field of a message whose namespace is \`items\``);
  return faults;
}

function schemaNames(type: string): [request: string, reply: string] {
  return [`${type}.request.json`, `${type}.reply.json`];
}

function withSchemas(row: Row, schemas: ReadonlyMap<string, Schema>, faults: string[]): Message[] {
  const [request, reply_schema] = schemaNames(row.type).map((file) => {
    const schema = schemas.get(file);
    if (schema === undefined) faults.push(`schemas/${file} is missing`);
    else if (schema['$id'] !== file) faults.push(`schemas/${file}: its $id must be its name`);
    return schema;
  });
  if (request === undefined || reply_schema === undefined) return [];
  checkTitle(request, `${typeName(row.type)}Request`, faults);
  checkTitle(reply_schema, `${typeName(row.type)}Reply`, faults);
  const examples = request['examples'];
  if (!Array.isArray(examples) || examples.length === 0) {
    faults.push(`schemas/${row.type}.request.json has no examples: the tests send them, also as a stranger`);
    return [];
  }
  checkReach(row, request, schemas, faults);
  return [{ ...row, request, reply_schema, examples: examples as object[] }];
}

function checkTitle(schema: Schema, title: string, faults: string[]): void {
  if (schema.title !== title) faults.push(`schemas/${String(schema['$id'])}: its title must be ${title}`);
}

/** A payload that can name a namespace must be checked for it, and one that cannot must not pretend to. */
function checkReach(row: Row, request: Schema, schemas: ReadonlyMap<string, Schema>, faults: string[]): void {
  const common = schemas.get('common.json')?.definitions ?? {};
  const resolved = (schema: Schema | undefined): Schema | undefined =>
    schema?.$ref === undefined ? schema : common[schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)];
  const names = resolved(request)?.properties?.['namespace'] !== undefined;
  const items = Object.entries(resolved(request)?.properties ?? {})
    .filter(([, field]) => resolved(field.items)?.properties?.['namespace'] !== undefined)
    .map(([field]) => field);
  const expected = names ? ['payload', 'payload_or_all'] : items.length > 0 ? ['items'] : ['none', 'key', 'server'];
  if (!expected.includes(row.namespace) || (row.namespace === 'items' && items.join() !== row.items))
    faults.push(`messages.json: ${row.type}: by its schema, namespace must be one of ${expected.join(', ')}`);
}

/** Code has no use for them. */
function withoutExamples({ examples: _examples, ...schema }: Schema): Schema {
  return schema;
}

function readJson(path: string, folder: URL): unknown {
  const file = new URL(path, folder);
  if (!existsSync(file)) throw new Error(`proto-spec cannot be generated: ${path} is missing`);
  return JSON.parse(readFileSync(file, 'utf8'));
}
