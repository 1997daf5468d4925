import { badRequest, type CodedError } from '../base/errors.ts';

/** The body ends inside a value. */
export function endsEarly(): CodedError {
  return malformed('it ends before a length that it claims');
}

/** The bytes break a rule of section 1. */
export function malformed(what: string): CodedError {
  return badRequest(
    '/',
    `is not MessagePack as the protocol allows it: ${what}`,
    `the body is not MessagePack as the protocol allows it: ${what}`,
  );
}

/** The value is well formed, but no message. */
export function notAMap(): CodedError {
  return badRequest('/', 'is not a map', 'the body is not a map');
}
