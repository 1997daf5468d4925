// Contexts whose vectors are still to be made, page by page.

import type { ContextRecord } from '../base/context.ts';

export interface PendingRequest {
  readonly limit: number;
  /** Of texts and what belongs to them, at which the page ends early; one context it always holds. */
  readonly bytesMax: number;
  /** `next` of an earlier page. */
  readonly after?: readonly (string | number)[];
}

export interface PendingPage {
  readonly records: readonly ContextRecord[];
  /** Absent: these were the last. */
  readonly next?: readonly (string | number)[];
}
