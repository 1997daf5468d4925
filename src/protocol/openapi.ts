import { ERROR_TABLE } from '../base/error-table.ts';
import { MESSAGES } from './message-table.ts';
import { SCHEMAS } from './schemas.generated.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonMap = Readonly<Record<string, Json>>;

/** Told by other means in a JSON Schema of OpenAPI 3.1, or of use to the server alone. */
const LEFT_OUT = ['$schema', '$id', 'examples'];
const COMMON = 'common.json#/definitions/';
const COMPONENTS = '#/components/schemas/';

/** OpenAPI 3.1 of the wire's operations as `POST <path><type>`, made of the schemas that the server checks by. */
export function openApi(path: string): JsonMap {
  const schemas = new Map((SCHEMAS as readonly JsonMap[]).map((schema) => [textOf(schema['$id']), schema]));
  const common = (schemas.get('common.json')?.['definitions'] ?? {}) as JsonMap;
  const components = Object.fromEntries(Object.entries(common).map(([name, schema]) => [name, adapted(schema)]));
  return {
    openapi: '3.1.0',
    info: {
      title: 'context-manager',
      version: '1',
      description:
        'The operations of the wire protocol, version 1, over HTTP. Vectors are base64 of float32, little-endian.',
    },
    security: [{ token: [] }],
    paths: Object.fromEntries(
      MESSAGES.map(({ type, method }) => [
        `${path}${type}`,
        { post: operation(method, schemas.get(`${type}.request.json`) ?? {}, schemas.get(`${type}.reply.json`) ?? {}) },
      ]),
    ),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...components, Error: ERROR },
    },
  };
}

function operation(operationId: string, request: JsonMap, reply: JsonMap): JsonMap {
  const summary = textOf(request['description']);
  const examples = (request['examples'] ?? []) as readonly Json[];
  return {
    operationId,
    summary,
    requestBody: {
      required: Array.isArray(request['required']) && request['required'].length > 0,
      content: {
        'application/json': {
          schema: adapted(request),
          ...(examples[0] === undefined ? {} : { example: examples[0] }),
        },
      },
    },
    responses: {
      '200': {
        description: textOf(reply['description']),
        content: { 'application/json': { schema: adapted(reply) } },
      },
      default: {
        description: 'It was refused, or it failed.',
        content: { 'application/json': { schema: { $ref: `${COMPONENTS}Error` } } },
      },
    },
  };
}

const ERROR: JsonMap = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'retryable'],
      properties: {
        code: { type: 'string', description: `As on the wire: ${Object.keys(ERROR_TABLE).join(', ')}.` },
        message: { type: 'string' },
        retryable: { type: 'boolean', description: 'The same request may be made again.' },
        retry_after_ms: { type: 'integer', description: 'Wait so many milliseconds before.' },
        details: { type: 'object', description: 'With BAD_REQUEST: `fields`, each with `field` and `reason`.' },
      },
    },
  },
};

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** References lead to the components, and bytes are base64. */
function adapted(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => adapted(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  const fields = Object.entries(schema as JsonMap).filter(([name]) => !LEFT_OUT.includes(name));
  return Object.fromEntries(
    fields.flatMap(([name, value]): [string, Json][] => {
      if (name === 'x-bin') return Object.entries(base64Of(value as JsonMap));
      if (name.startsWith('x-')) return [];
      if (name !== '$ref') return [[name, adapted(value)]];
      return [[name, textOf(value).replace(COMMON, COMPONENTS).replace('#/definitions/', COMPONENTS)]];
    }),
  );
}

/** Of so many bytes; that they are a multiple of something, no schema of a text can say. */
function base64Of({ bytesMin, bytesMax }: JsonMap): JsonMap {
  const [minLength, maxLength] = [bytesMin, bytesMax].map((bytes) => Math.ceil(Number(bytes) / 3) * 4);
  return { type: 'string', contentEncoding: 'base64', minLength: minLength ?? 0, maxLength: maxLength ?? 0 };
}
