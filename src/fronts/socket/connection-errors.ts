import { CodedError } from '../../base/errors.ts';

const TOO_SLOW_RETRY_MS = 1_000;

export function shuttingDown(): CodedError {
  return new CodedError('SHUTTING_DOWN', 'the server is shutting down: connect elsewhere');
}

export function slowConsumer(): CodedError {
  return new CodedError('SLOW_CONSUMER', 'the client does not read its replies');
}

/** Its frame holds room that others wait for. */
export function slowFrame(): CodedError {
  const message = 'the server is short of room, and the frame comes too slowly';
  return new CodedError('OVERLOADED', message, { retryAfterMs: TOO_SLOW_RETRY_MS });
}
