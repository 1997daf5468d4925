import type { Settings } from '../../config/settings.ts';

export type TokenSettings = Settings['hirag']['tokens'] & { readonly estimator: Settings['hirag']['tokenEstimator'] };

/** How many tokens a text is taken to cost. */
export interface TokenEstimator {
  /** One count (>= 1) per text, in order. */
  count(texts: readonly string[]): Promise<number[]>;
}
