import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { badRequest } from '../base/errors.ts';
import { countConditions, restrictsAnything } from './filter-bounds.ts';
import type {
  Auth,
  Goaway,
  Hello,
  ReplyPayloads,
  RequestEnvelope,
  RequestPayloads,
  RequestType,
  Welcome,
} from './messages.generated.ts';
import { metadataFault } from './metadata.ts';
import { type BinRule, faultsToError } from './payload-faults.ts';
import { countValues, PayloadSlices } from './payload-slices.ts';
import { SCHEMAS } from './schemas.generated.ts';

/** Names of the messages outside the table. */
export interface ControlMessages {
  hello: Hello;
  auth: Auth;
  welcome: Welcome;
  goaway: Goaway;
  request: RequestEnvelope;
}

/**
 * Checks of decoded messages against the schemas. Each throws `BAD_REQUEST` with
 * `details: {fields: [{field, reason}]}` (JSON Pointers and reasons, never values), or `PAYLOAD_TOO_LARGE`
 * where nothing is wrong but the size of texts or metadata. Ids in a payload are put in lower case.
 */
export interface Validators {
  /** The envelope of a request, its payload not looked into. */
  envelope(value: unknown): RequestEnvelope;
  payload<T extends RequestType>(type: T, payload: unknown): RequestPayloads[T];
  /**
   * Does the long part of the work of `payload` in slices: what comes of it is told by `payload`, when that is asked of the same
   * object. A list of objects is checked item by item.
   */
  payloadSlices(type: string, payload: object): Generator<void, void>;
  control<K extends keyof ControlMessages>(name: K, value: unknown): ControlMessages[K];
  /** Whether a reply keeps its schema: for tests, and for servers that check themselves. */
  reply<T extends RequestType>(type: T, payload: unknown): ReplyPayloads[T];
  /** Any schema by its id, such as `error.json`. */
  schema(id: string, value: unknown): void;
}

/** Values in a message beyond which only its first fault is named: naming all must not cost more than the message. */
const VALUES_EXPLAINED_MAX = 2_000;

/** Each schema is compiled at its first use, which takes milliseconds: all of them together are a fifth of a server's start. */
export function createValidators(): Validators {
  const quick = createAjv(false);
  // What names all faults of a message is seldom needed.
  let thorough: Ajv | undefined;
  const envelopeCheck = compiled(quick, 'request.json');
  const payloadChecks = new Map<string, ValidateFunction>();
  const payloadCheck = (type: RequestType): ValidateFunction => {
    const known = payloadChecks.get(type);
    if (known !== undefined) return known;
    const made = compiled(quick, `${type}.request.json`);
    payloadChecks.set(type, made);
    return made;
  };

  const slices = new PayloadSlices(quick);
  const explained = (first: readonly ErrorObject[], id: string, value: unknown, what: string): Error =>
    explain((thorough ??= createAjv(true)), first, id, value, what);
  const check = (validate: ValidateFunction, id: string, value: unknown, what: string): void => {
    if (!validate(value)) throw explained(validate.errors ?? [], id, value, what);
  };
  const bySchema = (id: string, value: unknown, what: string): void => check(compiled(quick, id), id, value, what);

  return {
    envelope(value) {
      check(envelopeCheck, 'request.json', value, 'the request');
      const envelope = value as RequestEnvelope;
      if ((envelope.payload as unknown) instanceof Uint8Array)
        throw badRequest('/payload', 'must be of type object', 'the request: /payload must be of type object');
      return envelope;
    },
    payload<T extends RequestType>(type: T, payload: unknown) {
      const validate = payloadCheck(type);
      const faults = slices.faultsOf(validate, payload);
      if (faults.length > 0) throw explained(faults, `${type}.request.json`, payload, 'the payload');
      return payload as RequestPayloads[T];
    },
    payloadSlices: (type, payload) => slices.run(`${type}.request.json`, payload),
    control<K extends keyof ControlMessages>(name: K, value: unknown) {
      bySchema(`${name}.json`, value, `the ${name} message`);
      return value as ControlMessages[K];
    },
    reply<T extends RequestType>(type: T, payload: unknown) {
      bySchema(`${type}.reply.json`, payload, `the reply to ${type}`);
      return payload as ReplyPayloads[T];
    },
    schema: (id, value) => bySchema(id, value, id),
  };
}

function explain(thorough: Ajv, first: readonly ErrorObject[], id: string, value: unknown, what: string): Error {
  if (countValues(value, VALUES_EXPLAINED_MAX) > VALUES_EXPLAINED_MAX) return faultsToError(first, what);
  const again = compiled(thorough, id);
  return faultsToError(again(value) ? first : (again.errors ?? first), what);
}

function compiled(ajv: Ajv, id: string): ValidateFunction {
  return ajv.getSchema(id)!;
}

function createAjv(allErrors: boolean): Ajv {
  const ajv = new Ajv({
    allErrors,
    verbose: true,
    strictTypes: false,
    strictRequired: false,
    addUsedSchema: false,
    // They are checked where they are generated, not at every start.
    validateSchema: false,
  });
  ajv.addVocabulary(['x-reason', 'x-too-large', 'x-json-map']);
  addLengthKeywords(ajv);
  addProtocolKeywords(ajv);
  for (const schema of SCHEMAS) ajv.addSchema(schema);
  return ajv;
}

/** Lengths in code points as JSON Schema wants them, but counted only where the number of UTF-16 units leaves it open. */
function addLengthKeywords(ajv: Ajv): void {
  ajv.removeKeyword('maxLength').removeKeyword('minLength');
  ajv.addKeyword({
    keyword: 'maxLength',
    type: 'string',
    schemaType: 'number',
    validate: (max: number, text: string) => text.length <= max || (text.length <= 2 * max && codePoints(text) <= max),
  });
  ajv.addKeyword({
    keyword: 'minLength',
    type: 'string',
    schemaType: 'number',
    validate: (min: number, text: string) => text.length >= 2 * min || codePoints(text) >= min,
  });
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    const isPair = (text.charCodeAt(i) & 0xfc00) === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
    if (isPair) count -= 1;
  }
  return count;
}

interface Parent {
  readonly parentData: Record<string, unknown>;
  readonly parentDataProperty: string;
}

function addProtocolKeywords(ajv: Ajv): void {
  ajv.addKeyword({
    keyword: 'x-bin',
    validate: ({ bytesMin, bytesMax, multipleOf }: BinRule, value: unknown) =>
      value instanceof Uint8Array &&
      value.length >= bytesMin &&
      value.length <= bytesMax &&
      value.length % multipleOf === 0,
  });
  ajv.addKeyword({
    keyword: 'x-json-bytes-max',
    type: 'object',
    schemaType: 'number',
    validate: checkMetadata,
    errors: 'full',
  });
  ajv.addKeyword({
    keyword: 'x-conditions-max',
    type: 'object',
    schemaType: 'number',
    validate: (max: number, filter: unknown) => !(filter instanceof Uint8Array) && countConditions(filter, max) <= max,
  });
  ajv.addKeyword({
    keyword: 'x-filter-restricts',
    type: 'object',
    validate: (_schema: unknown, filter: unknown) => restrictsAnything(filter),
  });
  ajv.addKeyword({
    keyword: 'x-lower-case',
    type: 'string',
    modifying: true,
    schema: false,
    validate: (text: string, { parentData, parentDataProperty }: Parent) => {
      parentData[parentDataProperty] = text.toLowerCase();
      return true;
    },
  });
}

const checkMetadata = Object.assign(
  (bytesMax: number, value: unknown): boolean => {
    const fault = metadataFault(value, bytesMax);
    checkMetadata.errors = fault === null ? [] : [{ keyword: 'x-json-bytes-max', params: { fault } }];
    return fault === null;
  },
  { errors: [] as Partial<ErrorObject>[] },
);
