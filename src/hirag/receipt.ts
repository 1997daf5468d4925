import type { Level } from '../base/context.ts';

export interface ScoreParts {
  readonly similarity: number;
  readonly lexical: number;
  readonly recency: number;
  readonly level: number;
  readonly frequency: number;
}

export type ReceiptOutcome = 'included' | 'below_threshold' | 'over_budget' | 'duplicate' | 'over_limit' | 'past';

export interface Receipt {
  readonly id: string;
  readonly level: Level;
  readonly scores: ScoreParts;
  readonly relevanceScore: number;
  readonly tokenCount: number;
  readonly outcome: ReceiptOutcome;
}
