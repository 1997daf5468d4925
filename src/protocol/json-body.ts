import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { badRequest } from '../base/errors.ts';
import { findJsonFaults } from '../base/json-faults.ts';
import { parseJson } from '../base/json.ts';
import { NoJson, readJsonInTurns, TooMuchJson, type JsonBounds, type JsonRead } from '../base/json-in-turns.ts';
import type { LoopTurns } from '../base/loop-turns.ts';
import { NESTING_MAX, VALUES_MAX } from './body-limits.ts';

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

/** Up to this length a body is read at once, in a few milliseconds. */
const AT_ONCE_BYTES_MAX = 64 * 1024;

/** The same of a body of any length, in slices between which others have their turn; it has no more values than one of the wire's. */
export async function readJsonBodyInTurns(
  bytes: Buffer,
  turns: LoopTurns,
): Promise<Record<string, unknown> | undefined> {
  if (bytes.length <= AT_ONCE_BYTES_MAX) return readJsonBody(bytes);
  if (!isUtf8(bytes)) throw badRequest(WHOLE_BODY, 'is not UTF-8', 'the body is not UTF-8');
  const { value, fault } = await readLongJson(await textInTurns(bytes, turns), turns, {
    valuesMax: VALUES_MAX,
    depthMax: NESTING_MAX - 1,
  });
  if (fault !== null) throw badRequest(WHOLE_BODY, fault, `the body ${fault}`);
  return value;
}

const PIECE_BYTES = 1024 * 1024;

/** The text of UTF-8 of any length; what is none becomes U+FFFD. */
export async function textInTurns(bytes: Uint8Array, turns: LoopTurns): Promise<string> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    if (from > 0) await turns.next();
    text += decoder.write(
      Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(PIECE_BYTES, bytes.length - from)),
    );
  }
  return text + decoder.end();
}

/** A JSON object, in slices. Rejects with `BAD_REQUEST`. */
export async function readLongJson(
  text: string,
  turns: LoopTurns,
  bounds: JsonBounds,
): Promise<JsonRead & { readonly value: Record<string, unknown> }> {
  const read = await readJsonInTurns(text, bounds, turns).catch((error: unknown) => {
    if (error instanceof TooMuchJson) throw badRequest(WHOLE_BODY, error.message, `the body ${error.message}`);
    if (error instanceof NoJson) throw badRequest(WHOLE_BODY, 'is not JSON', 'the body is not JSON');
    throw error;
  });
  const { value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(WHOLE_BODY, 'is not an object', 'the body is not a JSON object');
  return { ...read, value: value as Record<string, unknown> };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw badRequest(WHOLE_BODY, 'is not JSON', 'the body is not JSON');
  }
}
