import type { ErrorCode } from '../base/errors.ts';

/** What HTTP calls the wire's errors; those that are not here are the server's own fault. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  BAD_REQUEST: 400,
  AUTH_FAILED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  UNKNOWN_TYPE: 404,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  EMBEDDING_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
  DEADLINE_EXCEEDED: 504,
};

export function statusOf(code: ErrorCode): number {
  return STATUS[code] ?? 500;
}
