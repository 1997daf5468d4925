import { ERROR_TABLE, type ErrorCode } from '../../../src/base/error-table.ts';
import type { ErrorPayload } from '../../../src/protocol/messages.generated.ts';

/**
 * Codes that arise in the client.
 * - `CONNECTION_FAILED`: no connection could be made.
 * - `CONNECTION_LOST`: the connection ended before the reply came.
 * - `TIMEOUT`: the call's time is over.
 * - `ABORTED`: its signal fired.
 * - `QUEUE_FULL`: too many calls wait for a connection.
 * - `CLOSED`: the client was closed.
 * - `PROTOCOL_ERROR`: what came is not what a server of this protocol sends.
 */
export type ClientErrorCode =
  | 'CONNECTION_FAILED'
  | 'CONNECTION_LOST'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'QUEUE_FULL'
  | 'CLOSED'
  | 'PROTOCOL_ERROR';

/** Codes of the protocol and of the client; a newer server may send others. */
export type ContextManagerErrorCode = ErrorCode | ClientErrorCode | (string & Record<never, never>);

/** What an error says beside its code and message. */
export interface ContextManagerErrorOptions {
  /** Default: false. */
  readonly retryable?: boolean;
  /** In milliseconds. Default: the server asks for no pause. */
  readonly retryAfterMs?: number;
  /** Default: none. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What it came of. Default: nothing else. */
  readonly cause?: unknown;
}

/** The one error of this package. Its stack is that of the call that failed. */
export class ContextManagerError extends Error {
  /** What went wrong, for programs: one of the protocol's codes or of the client's. */
  readonly code: ContextManagerErrorCode;
  /** The same call may be made again, and nothing is done twice. */
  readonly retryable: boolean;
  /** How long the server asks to wait before that, in milliseconds. Undefined: it does not say. */
  readonly retryAfterMs: number | undefined;
  /**
   * What belongs to it: `fields` of a `BAD_REQUEST`, each with `field` and `reason`; `address` of the server, or
   * `addresses` of several, each with `address`, `code` and `reason`; `sent`, whether the request may have arrived.
   */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ContextManagerErrorCode, message: string, options: ContextManagerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ContextManagerError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** A server's error reply. */
export function fromPayload(payload: Partial<ErrorPayload>): ContextManagerError {
  const code = typeof payload.code === 'string' ? payload.code : 'INTERNAL';
  const known = code in ERROR_TABLE ? ERROR_TABLE[code as ErrorCode].retryable : false;
  return new ContextManagerError(code, typeof payload.message === 'string' ? payload.message : code, {
    retryable: payload.retryable ?? known,
    ...(typeof payload.retry_after_ms === 'number' ? { retryAfterMs: payload.retry_after_ms } : {}),
    ...(payload.details === undefined ? {} : { details: payload.details }),
  });
}

/** Anything thrown on the way of a call, as the error that its caller gets. */
export function toClientError(error: unknown): ContextManagerError {
  if (error instanceof ContextManagerError) return error;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in ERROR_TABLE) {
    const details = 'details' in error ? (error.details as Readonly<Record<string, unknown>> | undefined) : undefined;
    return new ContextManagerError(error.code, error.message, {
      cause: error,
      ...(details === undefined ? {} : { details }),
    });
  }
  return new ContextManagerError('PROTOCOL_ERROR', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** Why a request could not be encoded; places are told as the server tells them, from its payload on. */
export function unsendable(error: unknown): ContextManagerError {
  const { code, message, details, cause } = toClientError(error);
  const fields = details?.['fields'];
  if (!Array.isArray(fields)) return toClientError(error);
  const inPayload = (place: string): string => place.replace(/^\/payload(?=\/)/, '');
  const told = (fields as { field: string; reason: string }[]).map(({ field, reason }) => ({
    field: field === '/payload' ? '/' : inPayload(field),
    reason,
  }));
  return new ContextManagerError(code, `the payload: ${inPayload(message)}`, { details: { fields: told }, cause });
}

/** Where a call was made: taken at the call, turned into text only where it fails. */
export interface CallSite {
  readonly stack?: string;
}

/** Taken by a public method: its own frame is the first, which `atCallSite` leaves out. */
export function captureCallSite(): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, captureCallSite);
  return site;
}

/** The line of the error itself, and that of the public method. */
const LINES_ABOVE_CALLER = 2;

/** Gives an error the stack of the call; an error that several calls share is copied for each. */
export function atCallSite(error: ContextManagerError, site: CallSite | null): ContextManagerError {
  const own = new ContextManagerError(error.code, error.message, {
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.details === undefined ? {} : { details: error.details }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
  const frames = site?.stack?.split('\n').slice(LINES_ABOVE_CALLER);
  if (frames !== undefined && frames.length > 0) own.stack = [`${own.name}: ${own.message}`, ...frames].join('\n');
  return own;
}
