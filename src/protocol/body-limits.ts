import { TEXT_CHARS_MAX } from '../base/wire-limits.ts';

/** Section 1: nesting of a request's body; the envelope is level 1. */
export const NESTING_MAX = 32;
/**
 * Values in one request's body. A batch of 1,000 contexts with every tag and a hundred metadata fields each has
 * fewer; a frame full of empty maps would take a hundred times its size.
 */
export const VALUES_MAX = 262_144;

export interface ScanLimits {
  /** Maps and arrays inside one another. */
  readonly nestingMax: number;
  /** Values of any kind; keys are not counted. */
  readonly valuesMax: number;
  /** Of one text, keys included. */
  readonly textBytesMax: number;
}

/** No field takes a text that is longer in UTF-8: it is not decoded to find that out, which takes a tenth of a second for a whole frame of it. */
const TEXT_BYTES_MAX = 4 * TEXT_CHARS_MAX;

/** What a server accepts. */
export const REQUEST_LIMITS: ScanLimits = {
  nestingMax: NESTING_MAX,
  valuesMax: VALUES_MAX,
  textBytesMax: TEXT_BYTES_MAX,
};
/** What a client accepts: a reply holds a context a few levels deeper than the request that stored it. */
export const REPLY_NESTING_MAX = 2 * NESTING_MAX;
