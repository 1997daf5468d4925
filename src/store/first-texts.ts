// Texts that come with what a search finds: where they are those of the answer, it costs one trip to the store.

import type { ContextRecord } from '../base/context.ts';

export interface FirstTextsBounds {
  readonly count: number;
  readonly tokensMax: number;
}

export interface FirstTextsAsked {
  /**
   * Of the candidates nearest to `vector` so many may bring their records along, those that fit into `tokensMax` together.
   * Absent: none. A driver need not.
   */
  readonly texts?: FirstTextsBounds;
}

export interface FirstTexts {
  /** By id, what `fetch` would have given at the request's `nowMs`. Absent: nobody's came along. */
  readonly records?: ReadonlyMap<string, ContextRecord>;
}
