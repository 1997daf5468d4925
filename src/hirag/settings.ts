import type { Level } from '../base/context.ts';
import { DEFAULT_FUSION, type FusionSettings } from './rank/similarity.ts';
import { DEFAULT_TOKEN_SETTINGS, type TokenSettings } from './write/tokens.ts';
import type { Priority } from './types.ts';

/** Parts of the final rank, scaled to sum 1; `level` multiplies the entry of `levelWeights`. */
export interface RankWeights {
  readonly similarity: number;
  readonly recency: number;
  readonly level: number;
  readonly frequency: number;
}

/** Everything about tiers and retrieval that an operator can turn. Each field names its bounds; names end in their unit. */
export interface HiragSettings {
  /** L1 is used; off: stores go to the next level that is on. */
  readonly l1Enabled: boolean;
  /** Contexts kept in L1 per (namespace, agent, session); older ones are demoted. 1..10,000. */
  readonly l1Size: number;
  /** L2 is used; off: what leaves L1 goes to L3. */
  readonly l2Enabled: boolean;
  /** Contexts kept in L2 per (namespace, agent); older ones go to L3, or are deleted where L3 is off. 1..1,000,000. */
  readonly l2Size: number;
  /** How long a context stays in L2, in seconds; 0: no lifetime. */
  readonly l2TtlSecs: number;
  /** What happens when that has passed: promoted to L3 (deleted where L3 is off), or deleted. */
  readonly l2Expiry: 'promote' | 'delete';
  /** L3 is used. */
  readonly l3Enabled: boolean;
  /** How long a context stays in L3, in seconds; 0: for ever. */
  readonly l3TtlSecs: number;

  /** Token budget of a query that names none. 1..1,000,000. */
  readonly maxContextTokens: number;
  /** Contexts that every level gets into an answer where they fit the budget, whatever its share. 0..100. */
  readonly minContextsPerLevel: number;
  /** How the budget is split over the levels. */
  readonly strategy: Priority;
  /** Contexts of an answer where the query names no `limit`. 1..1,000. */
  readonly queryLimit: number;
  /** Final scores below this are left out, 0..1; a query may name its own. */
  readonly relevanceThreshold: number;
  /**
   * Similarities below this are left out, 0..1, where the query names no threshold of its own. Neither this nor
   * `relevanceThreshold` takes away the best ranked `minContextsPerLevel` of a level.
   */
  readonly minSimilarity: number;
  /** Texts whose words agree to this share count as one, 0..1; 1: only equal ones do. */
  readonly nearDuplicateThreshold: number;

  readonly weights: RankWeights;
  /** How much a level counts by itself, 0..1 each. */
  readonly levelWeights: Readonly<Record<Level, number>>;
  /** Age at which recency has fallen to 1/e, in hours. > 0. */
  readonly recencyHours: number;

  /**
   * Candidates that the dense and the lexical side of each level bring at least, besides their neighbours: as many
   * as the answer can hold where that is more. 1..10,000.
   */
  readonly candidates: number;
  readonly fusion: FusionSettings;

  readonly tokens: TokenSettings;

  /** Access counts are written this often, in milliseconds. */
  readonly accessFlushMs: number;
  /** ... or when so many contexts have counts waiting. Four times as many are held at most, then counts are dropped. */
  readonly accessFlushEntries: number;
  /** Contexts that one step of the expiry sweep takes. 1..10,000. */
  readonly gcBatch: number;
}

export const DEFAULT_HIRAG_SETTINGS: HiragSettings = {
  l1Enabled: true,
  l1Size: 50,
  l2Enabled: true,
  l2Size: 200,
  l2TtlSecs: 3600,
  l2Expiry: 'promote',
  l3Enabled: true,
  l3TtlSecs: 0,
  maxContextTokens: 4000,
  minContextsPerLevel: 1,
  strategy: 'Balanced',
  queryLimit: 50,
  relevanceThreshold: 0.15,
  minSimilarity: 0.05,
  nearDuplicateThreshold: 0.9,
  weights: { similarity: 0.5, recency: 0.2, level: 0.2, frequency: 0.1 },
  levelWeights: { immediate: 1, short_term: 0.7, long_term: 0.5 },
  recencyHours: 24,
  candidates: 32,
  fusion: DEFAULT_FUSION,
  tokens: DEFAULT_TOKEN_SETTINGS,
  accessFlushMs: 1000,
  accessFlushEntries: 1000,
  gcBatch: 500,
};
