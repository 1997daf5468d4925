import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '../../base/errors.ts';
import type { Dialect } from './dialect.ts';
import { objectOf } from './json-values.ts';

const SESSION_UNITS_MAX = 256;
/** Names of the gateway's own begin so. */
export const RESERVED = 'gateway:';

/** Which session a request belongs to: the header says, else the body; null: none. Throws `BAD_REQUEST`. */
export function sessionOf(
  headers: IncomingHttpHeaders,
  body: Readonly<Record<string, unknown>>,
  dialect: Dialect,
): string | null {
  const named = headers['x-session-id'];
  if (typeof named === 'string' && named !== '') return checked(decoded(named), HEADER);
  const { user, metadata } = body;
  if (typeof user === 'string' && user !== '') return checked(user, '/user');
  const { session_id: sessionId, user_id: userId } = objectOf(metadata);
  if (typeof sessionId === 'string' && sessionId !== '') return checked(sessionId, '/metadata/session_id');
  // Anthropic's word for it.
  if (dialect === 'anthropic' && typeof userId === 'string' && userId !== '')
    return checked(userId, '/metadata/user_id');
  return null;
}

const HEADER = '/x-session-id';

/** As it stands in a header, of a request as of an answer: headers have ASCII alone. */
export function encodedSession(sessionId: string): string {
  return encodeURIComponent(sessionId);
}

function decoded(named: string): string {
  try {
    if (/^[\x20-\x7e]*$/.test(named)) return decodeURIComponent(named);
  } catch {
    // As what is not ASCII.
  }
  throw badRequest(HEADER, 'must be percent-encoded UTF-8, as encodeURIComponent writes it');
}

function checked(sessionId: string, field: string): string {
  // What was said without a session is under such a name: nobody may put words there into others' mouths.
  if (sessionId.startsWith(RESERVED)) throw badRequest(field, `must not begin with ${RESERVED}`);
  if (sessionId.length <= SESSION_UNITS_MAX && sessionId.isWellFormed()) return sessionId;
  throw badRequest(field, `must be a text of at most ${SESSION_UNITS_MAX} characters`);
}
