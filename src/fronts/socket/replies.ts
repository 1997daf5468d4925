import { CodedError } from '../../base/errors.ts';
import { encodeBody } from '../../protocol/codec.ts';
import type { ErrorEnvelope, ErrorPayload } from '../../protocol/messages.generated.ts';

/** Sent with `RATE_LIMITED` and `OVERLOADED`, which always name a time (section 6), where their origin named none. */
const RETRY_AFTER_MS = 1000;

/** Body of a result; `INTERNAL` where the payload has no place on the wire, which is a defect of the server's. */
export function resultBody(id: number, payload: object, timestampMs: number): Uint8Array {
  try {
    return encodeBody({ id, type: 'result', timestamp: timestampMs, payload });
  } catch (error) {
    throw new CodedError('INTERNAL', 'internal error', { cause: error });
  }
}

/** Body of an error; details that `fits` refuses or that cannot be encoded are left out, so that it never fails. */
export function errorBody(
  id: number,
  error: CodedError,
  timestampMs: number,
  fits: (body: Uint8Array) => boolean,
): Uint8Array {
  try {
    const body = encodeBody(errorEnvelope(id, error, timestampMs));
    if (fits(body)) return body;
  } catch {
    // The error is told without its details.
  }
  return encodeBody(errorEnvelope(id, error.withoutDetails(), timestampMs));
}

/** An error as section 4 has it; id 0 stands for the connection. */
export function errorEnvelope(id: number, error: CodedError, timestampMs: number): ErrorEnvelope {
  const payload: ErrorPayload = { code: error.code, message: error.message, retryable: error.retryable };
  const namesTime = error.code === 'RATE_LIMITED' || error.code === 'OVERLOADED';
  const retryAfterMs = error.retryAfterMs ?? (namesTime ? RETRY_AFTER_MS : undefined);
  if (retryAfterMs !== undefined) payload.retry_after_ms = Math.max(0, Math.ceil(retryAfterMs));
  if (error.details !== undefined) payload.details = { ...error.details };
  return { id, type: 'error', timestamp: timestampMs, payload };
}
