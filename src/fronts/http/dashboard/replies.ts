import type { FastifyReply } from 'fastify';
import { statusOf } from '../../../api/error-status.ts';
import { CodedError } from '../../../base/errors.ts';

/** `status`: where HTTP has a word of its own for it. */
export function sendError(
  reply: FastifyReply,
  { code, message, details, retryAfterMs }: CodedError,
  status = statusOf(code),
): FastifyReply {
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
  const error = {
    code,
    message,
    ...(details === undefined ? {} : { details }),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify({ error }));
}

export function sendJson(reply: FastifyReply, value: object): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value));
}

export const STARTING = new CodedError('STORE_UNAVAILABLE', 'the server is starting', { retryAfterMs: 1000 });
