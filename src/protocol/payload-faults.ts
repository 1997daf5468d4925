import type { ErrorObject } from 'ajv';
import { CodedError, type FieldFault } from '../base/errors.ts';
import { pointerStep } from './json-pointer.ts';

const FIELDS_MAX = 20;

/**
 * What a validator found, as the error that the client gets: `BAD_REQUEST`, or `PAYLOAD_TOO_LARGE` where all
 * that is wrong is the size of texts or metadata.
 */
export function faultsToError(errors: readonly ErrorObject[], what: string): CodedError {
  const told = withoutBranches(errors);
  const faults = new Map<string, string>();
  for (const error of told) {
    const field = fieldOf(error);
    if (faults.size < FIELDS_MAX && !faults.has(field)) faults.set(field, reasonOf(error));
  }
  const fields = [...faults].map(([field, reason]): FieldFault => ({ field, reason }));
  const first = fields[0]!;
  const code = told.every(isTooLarge) ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST';
  return new CodedError(code, `${what}: ${first.field} ${first.reason}`, { details: { fields } });
}

/**
 * Drops what the branches of a choice complain about where the choice itself is named, and keeps the innermost choice.
 * A text that breaks a pattern with a reason of its own is wrong whichever branch was meant: it is named instead.
 */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const choices = errors.filter(isChoice);
  const sure = errors.filter(({ keyword, parentSchema }) => keyword === 'pattern' && parentSchema?.['x-reason']);
  const told = errors.filter((error) => {
    if (sure.includes(error)) return true;
    if (isChoice(error) && sure.some(({ instancePath }) => instancePath.startsWith(`${error.instancePath}/`)))
      return false;
    return !choices.some((choice) => choice !== error && hides(choice, error));
  });
  return told.length > 0 ? told : [...errors];
}

function isChoice(error: ErrorObject): boolean {
  return error.keyword === 'anyOf' || error.keyword === 'oneOf';
}

function hides(choice: ErrorObject, error: ErrorObject): boolean {
  const inside = error.instancePath.startsWith(choice.instancePath);
  if (isChoice(error)) {
    // An inner choice says more than the one around it.
    return choice.instancePath.length > error.instancePath.length && choice.instancePath.startsWith(error.instancePath);
  }
  if (choice.instancePath === '')
    return error.instancePath === '' && error.keyword === 'required' && error.schemaPath.includes('Of/');
  return inside;
}

function isTooLarge(error: ErrorObject): boolean {
  if (error.keyword === 'x-json-bytes-max') return (error.params as { fault?: string }).fault === 'size';
  return error.keyword === 'maxLength' && schemaOf(error)['x-too-large'] === true;
}

function schemaOf(error: ErrorObject): Record<string, unknown> {
  return error.parentSchema ?? {};
}

function fieldOf(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  const name = error.keyword === 'required' ? params['missingProperty'] : params['additionalProperty'];
  if (typeof name !== 'string') return error.instancePath === '' ? '/' : error.instancePath;
  return error.instancePath + pointerStep(name);
}

function reasonOf(error: ErrorObject): string {
  const limit = typeof error.schema === 'number' ? error.schema : 0;
  const own = schemaOf(error)['x-reason'];
  switch (error.keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
      return 'is not a field of this message';
    case 'type':
      return `must be of type ${[error.schema].flat().join(' or ')}`;
    case 'enum':
      return `must be one of ${(error.schema as unknown[]).join(', ')}`;
    case 'const':
      return `must be ${String(error.schema)}`;
    case 'not':
      return 'must not be the wildcard *';
    case 'pattern':
      return typeof own === 'string' ? own : `must match ${String(error.schema)}`;
    case 'minLength':
      return `must have at least ${limit} ${limit === 1 ? 'character' : 'characters'}`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return `must have at least ${limit} ${limit === 1 ? 'item' : 'items'}`;
    case 'maxItems':
      return `must have at most ${limit} items`;
    case 'uniqueItems':
      return 'must hold no item twice';
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'x-json-bytes-max':
      return metadataReason(error, limit);
    case 'x-conditions-max':
      return `must be a map of at most ${limit} conditions altogether`;
    case 'x-bin':
      return binReason(error.schema as BinRule);
    default:
      return typeof own === 'string' ? own : (error.message ?? 'is not valid');
  }
}

function metadataReason(error: ErrorObject, bytesMax: number): string {
  const { fault } = error.params as { fault?: string };
  if (fault === 'size') return `must be at most ${bytesMax} bytes`;
  return fault === 'name' ? 'must have no NUL character in a name' : 'must hold only what JSON can say';
}

export interface BinRule {
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly multipleOf: number;
}

function binReason({ bytesMin, bytesMax, multipleOf }: BinRule): string {
  const size =
    bytesMin === bytesMax ? `${bytesMin} bytes` : `${bytesMin} to ${bytesMax} bytes, a multiple of ${multipleOf}`;
  return `must be bin of ${size}`;
}
