// What a driver's `apply` says of changes that it has not made, where it knows it of each.

import { CodedError } from '../base/errors.ts';
import type { ChangeResult } from './store.ts';

/** The database does not take this one change, for what is to be written. It takes others. */
export class ContentRefused extends CodedError {
  /** `cause`: what the database says is wrong. */
  constructor({ code, message, cause }: CodedError) {
    super(code, message, { permanent: true, cause });
    this.name = 'ContentRefused';
  }
}

/** By the places of the changes: what became of each. */
export type Outcomes = (ChangeResult | CodedError)[];

/** Of several changes some failed; the others are done. It reads as the first of its errors. */
export class ChangesFailed extends CodedError {
  readonly outcomes: Readonly<Outcomes>;

  constructor(first: CodedError, outcomes: Readonly<Outcomes>) {
    const { retryAfterMs, permanent } = first;
    super(first.code, first.message, {
      permanent,
      cause: first,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.name = 'ChangesFailed';
    this.outcomes = outcomes;
  }
}
