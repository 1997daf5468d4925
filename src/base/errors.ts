import { ERROR_TABLE, type ErrorCode } from './error-table.ts';

export type { ErrorCode } from './error-table.ts';

/** What a client may be shown about an error; keys are snake_case as on the wire. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface CodedErrorOptions {
  readonly details?: ErrorDetails;
  readonly retryAfterMs?: number;
  /** The code says that trying again may help; here it will not, until somebody mends the cause. */
  readonly permanent?: boolean;
  /** Logged, never sent. */
  readonly cause?: unknown;
}

/** The one error class: its code decides what the client is told and whether the connection survives. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;
  readonly retryAfterMs: number | undefined;
  readonly permanent: boolean;

  /** `message` is sent to the client: no internals, no texts, no secrets. */
  constructor(code: ErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
    this.permanent = options.permanent ?? false;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable && !this.permanent;
  }

  /** The same for a reply that has no room for more. */
  withoutDetails(): CodedError {
    return new CodedError(this.code, this.message, { permanent: this.permanent });
  }

  get closesConnection(): boolean {
    return ERROR_TABLE[this.code].closes;
  }
}

/** What is wrong with one field of a request; never its value. */
export interface FieldFault {
  /** JSON Pointer into the payload, or into the envelope where that is at fault; `/` is the whole. */
  readonly field: string;
  readonly reason: string;
}

/** The one way to a `BAD_REQUEST`: its `details` are `{fields}` wherever it comes from (wire protocol, section 6). */
export function badRequest(field: string, reason: string, message = `${field} ${reason}`): CodedError {
  return new CodedError('BAD_REQUEST', message, { details: { fields: [{ field, reason } satisfies FieldFault] } });
}

/** A start-up failure that the operator can mend: printed as message and remedy, exit code 1. */
export class StartupError extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StartupError';
    this.remedy = remedy;
  }
}

/** The data folder is another server's. */
export class FolderInUse extends StartupError {}

/** The error itself where it is coded, else `INTERNAL` with the original as cause. */
export function toCodedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return new CodedError('INTERNAL', 'internal error', { cause: error });
}
