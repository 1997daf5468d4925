import { isUtf8 } from 'node:buffer';
import { badRequest } from '../base/errors.ts';
import { findJsonFaults } from '../base/json-faults.ts';
import { parseJson } from '../base/json.ts';
import { NESTING_MAX } from './body-scan.ts';

const WHOLE_BODY = '/';

/**
 * A body's JSON object, under the rules that hold for the wire's messages: no key twice, no number that would change,
 * no deeper than they may be. Throws `BAD_REQUEST`. Undefined: the body is empty.
 */
export function readJsonBody(bytes: Buffer): Record<string, unknown> | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw badRequest(WHOLE_BODY, 'is not UTF-8', 'the body is not UTF-8');
  const text = bytes.toString('utf8');
  const { depth, faults } = findJsonFaults(text);
  // The envelope, which is not in the body, is the outermost of the wire's levels.
  if (depth >= NESTING_MAX) throw badRequest(WHOLE_BODY, 'is nested too deep', 'the body is nested too deep');
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(WHOLE_BODY, 'is not an object', 'the body is not a JSON object');
  const fault = faults[0];
  if (fault !== undefined) throw badRequest(WHOLE_BODY, fault.reason, `the body ${fault.reason}`);
  return value as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw badRequest(WHOLE_BODY, 'is not JSON', 'the body is not JSON');
  }
}
