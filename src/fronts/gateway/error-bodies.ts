import type { FastifyError } from 'fastify';
import { statusOf } from '../../api/error-status.ts';
import { CodedError, toCodedError } from '../../base/errors.ts';
import type { Dialect } from './dialect.ts';
import { HttpFault } from './http-fault.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** An error in the words of those who ask. */
export function errorAnswer(reason: unknown, dialect: Dialect): ErrorAnswer {
  const { status, code, message, retryAfterMs, details } = told(reason);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
  };
  const fallback = status < 500 ? 'invalid_request_error' : dialect === 'openai' ? 'server_error' : 'api_error';
  const type = (dialect === 'openai' ? OPENAI_TYPES : ANTHROPIC_TYPES)[status] ?? fallback;
  const body =
    dialect === 'openai'
      ? { error: { message, type, param: null, code, ...(details !== undefined && { details }) } }
      : { type: 'error', error: { type, message } };
  return { status, headers, body: JSON.stringify(body) };
}

/** An error in the words of the wire. */
export function wireErrorAnswer(reason: unknown): ErrorAnswer {
  const { status, code, message, retryAfterMs, details } = told(reason);
  const { headers } = errorAnswer(reason, 'openai');
  const retryable = reason instanceof CodedError && reason.retryable;
  const error = {
    code,
    message,
    retryable,
    ...(retryAfterMs !== undefined && { retry_after_ms: Math.ceil(retryAfterMs) }),
    ...(details !== undefined && { details }),
  };
  return { status, headers, body: JSON.stringify({ error }) };
}

/** What is logged as a defect; null: it is none. */
export function defectOf(reason: unknown): unknown {
  if (reason instanceof HttpFault || isOfHttp(reason)) return null;
  const coded = toCodedError(reason);
  return coded.code === 'INTERNAL' ? (coded.cause ?? coded) : null;
}

/** What a request counts as in the metrics: an error's code, or the word for its status. */
export function outcomeOf(reason: unknown): string {
  return told(reason).code;
}

function told(reason: unknown) {
  if (reason instanceof HttpFault) {
    const { status, code, message } = reason;
    return { status, code, message, retryAfterMs: undefined, details: undefined };
  }
  if (isOfHttp(reason)) {
    const { statusCode: status = 400 } = reason;
    const code = status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST';
    return { status, code, message: reason.message, retryAfterMs: undefined, details: undefined };
  }
  const { code, message, retryAfterMs, details } = toCodedError(reason);
  return { status: statusOf(code), code, message, retryAfterMs, details };
}

/** What HTTP itself refuses: a body that cannot be read. */
function isOfHttp(reason: unknown): reason is FastifyError {
  if (!(reason instanceof Error) || reason instanceof CodedError || reason instanceof HttpFault) return false;
  const { statusCode } = reason as Partial<FastifyError>;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}
