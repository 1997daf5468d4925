/** Tiers of the hierarchy: L1, L2 and L3, by their names on the wire. */
export const LEVELS = ['immediate', 'short_term', 'long_term'] as const;
/** A tier of the memory: L1, L2 or L3. */
export type Level = (typeof LEVELS)[number];

/** How a token budget is split over the levels, by name. */
export const STRATEGIES = ['Balanced', 'Recent', 'Deep'] as const;
/** A named strategy, or three shares (L1, L2, L3) that are scaled to sum 1. */
export type Priority = (typeof STRATEGIES)[number] | readonly [number, number, number];

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
/** A map of such values, by names. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** What happens when `expiresAtMs` has passed: the context is deleted, or promoted to the next level. */
export type ExpiryAction = 'delete' | 'promote';

/** Who set a lifetime: a level's gives way to that of the next level, a client's stays wherever the context goes. */
export type ExpirySetter = 'client' | 'level';

/** One context says that another one holds no more. */
export interface Supersession {
  /** Id of the context that does. */
  readonly by: string;
  /** From when on: its `validFrom`. */
  readonly fromMs: number;
  /** When the server learned of it. */
  readonly recordedAtMs: number;
}

/** When a context holds, and what the server knows since when: what is absent follows from `createdAtMs`. */
export interface ContextTimes {
  /** When the server stored it; absent: at `createdAtMs`. */
  readonly recordedAtMs?: number;
  /** From when on it holds in the world; absent: from `createdAtMs`. */
  readonly validFromMs?: number;
  /** Its own end, the moment itself not included; absent: it has none. Others may end it sooner (`superseded`). */
  readonly validUntilMs?: number;
  /** Ids of the contexts that hold no more since this one does. */
  readonly supersedes?: readonly string[];
  /** By contexts that are there. */
  readonly superseded?: readonly Supersession[];
}

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
  /** `level` where there is none. `client` without an end: it stays, whatever the levels that it comes into say. */
  readonly expirySetBy: ExpirySetter;
  /** How often a query or a get returned it; kept in batches, so it may lag by a flush interval. */
  readonly accessCount: number;
  /** Absent: nothing but `createdAtMs` says when it holds. */
  readonly times?: ContextTimes;
}

/** A context without what makes it heavy. */
export type ContextOutline = Omit<ContextRecord, 'text' | 'metadata' | 'tags'>;

/** Condition on one field. `key` is `tags`, `created_at`, `updated_at`, `valid_from`, `valid_until`, `agent_id`, `session_id`, `level` or `metadata.<path>`. */
export type FilterCondition =
  /** It equals the value; a list has it among its items. */
  | { readonly key: string; readonly match: { readonly value: string | number | boolean } }
  /** It equals one of up to 1,000 values. */
  | { readonly key: string; readonly match: { readonly any: readonly (string | number)[] } }
  /** It is a number within all bounds, of which one at least is given. Times are milliseconds since the Unix epoch. */
  | {
      readonly key: string;
      readonly range: { readonly gt?: number; readonly gte?: number; readonly lt?: number; readonly lte?: number };
    }
  /** It is absent, null or an empty list. */
  | { readonly is_empty: { readonly key: string } }
  | Filter;

/** All of `must`, none of `must_not`, and at least one of `should` where it is given and not empty. */
export interface Filter {
  /** Every one of them holds. At most 256 conditions in the whole filter. */
  readonly must?: readonly FilterCondition[];
  /** One of them holds, at least; an empty list says nothing. */
  readonly should?: readonly FilterCondition[];
  /** None of them holds. */
  readonly must_not?: readonly FilterCondition[];
}
