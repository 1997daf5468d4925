/** Tiers of the hierarchy: L1, L2 and L3, by their names on the wire. */
export const LEVELS = ['immediate', 'short_term', 'long_term'] as const;
export type Level = (typeof LEVELS)[number];

/** How a token budget is split over the levels, by name. */
export const STRATEGIES = ['Balanced', 'Recent', 'Deep'] as const;
/** A named strategy, or three shares (L1, L2, L3) that are scaled to sum 1. */
export type Priority = (typeof STRATEGIES)[number] | readonly [number, number, number];

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** What happens when `expiresAtMs` has passed: the context is deleted, or promoted to the next level. */
export type ExpiryAction = 'delete' | 'promote';

/** Who set a lifetime: a level's gives way to that of the next level, a client's stays wherever the context goes. */
export type ExpirySetter = 'client' | 'level';

/** One remembered text, as the tiers and the store know it. */
export interface ContextRecord {
  /** UUID, unique within its namespace. */
  readonly id: string;
  readonly namespace: string;
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly level: Level;
  readonly text: string;
  readonly tokenCount: number;
  readonly metadata: JsonObject;
  readonly tags: readonly string[];
  /** 1 at first, plus one with each update. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number | null;
  readonly expiryAction: ExpiryAction;
  /** `level` where there is none. */
  readonly expirySetBy: ExpirySetter;
  /** How often a query or a get returned it; kept in batches, so it may lag by a flush interval. */
  readonly accessCount: number;
}

/** Condition on one field. `key` is `tags`, `created_at`, `updated_at`, `agent_id`, `session_id`, `level` or `metadata.<path>`. */
export type FilterCondition =
  | { readonly key: string; readonly match: { readonly value: string | number | boolean } }
  | { readonly key: string; readonly match: { readonly any: readonly (string | number)[] } }
  | {
      readonly key: string;
      readonly range: { readonly gt?: number; readonly gte?: number; readonly lt?: number; readonly lte?: number };
    }
  | { readonly is_empty: { readonly key: string } }
  | Filter;

/** All of `must`, none of `must_not`, and at least one of `should` where it is given and not empty. */
export interface Filter {
  readonly must?: readonly FilterCondition[];
  readonly should?: readonly FilterCondition[];
  readonly must_not?: readonly FilterCondition[];
}
