import { CodedError, type ErrorCode } from '../errors.ts';

/** Something of a backend that a later attempt may not meet: it is down, slow or busy. */
export class PassingFault extends CodedError {
  /** `retryAfterMs`: how long the backend asks to be left alone. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.name = 'PassingFault';
  }
}
