// Generated from proto-spec/errors.json by `npm run generate`; do not edit.

export interface ErrorRule {
  readonly retryable: boolean;
  /** The connection is closed after the reply. */
  readonly closes: boolean;
}

export const ERROR_TABLE = {
  BAD_FRAME: { retryable: false, closes: true },
  FRAME_TOO_LARGE: { retryable: false, closes: true },
  UNSUPPORTED_PROTOCOL: { retryable: false, closes: true },
  AUTH_FAILED: { retryable: false, closes: true },
  AUTH_TIMEOUT: { retryable: false, closes: true },
  SLOW_CONSUMER: { retryable: false, closes: true },
  TIMESTAMP_OUT_OF_RANGE: { retryable: false, closes: false },
  BAD_REQUEST: { retryable: false, closes: false },
  UNKNOWN_TYPE: { retryable: false, closes: false },
  FORBIDDEN: { retryable: false, closes: false },
  NOT_FOUND: { retryable: false, closes: false },
  CONFLICT: { retryable: false, closes: false },
  PAYLOAD_TOO_LARGE: { retryable: false, closes: false },
  RATE_LIMITED: { retryable: true, closes: false },
  OVERLOADED: { retryable: true, closes: false },
  DEADLINE_EXCEEDED: { retryable: true, closes: false },
  EMBEDDING_UNAVAILABLE: { retryable: true, closes: false },
  STORE_UNAVAILABLE: { retryable: true, closes: false },
  SHUTTING_DOWN: { retryable: true, closes: false },
  INTERNAL: { retryable: false, closes: false },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_TABLE;
