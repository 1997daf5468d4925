import type { FactInput, HeldFact } from './fact.ts';

/** How long the caller waits. */
export interface FactCallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface PutFactsInput {
  readonly namespace: string;
  readonly agentId: string;
  readonly facts: readonly FactInput[];
}

export interface PutFact {
  readonly id: string;
  /** False: it was there just so. */
  readonly created: boolean;
  /** Facts that hold no more since this one began, `RELATED_MAX` at most. */
  readonly superseded: readonly string[];
  /** Facts that name another object and hold at the same time, `RELATED_MAX` at most. */
  readonly conflicts: readonly string[];
}

/** Whose facts, and as of when. */
export interface FactScope {
  readonly namespace: string;
  /** Absent: every agent's. */
  readonly agentId?: string;
  /** Absent: now. */
  readonly asOfMs?: number;
  /** Absent: all that is known. */
  readonly knownAtMs?: number;
  /** Also what holds no more. */
  readonly includePast?: boolean;
}

export interface ListFactsInput extends FactScope {
  readonly subject?: string;
  readonly predicate?: string;
  readonly object?: string;
  readonly limit: number;
  /** At which a page ends early; one fact it always holds. */
  readonly bytesMax: number;
  readonly cursor?: string;
}

export interface FactPage {
  /** Those that began last first. */
  readonly facts: readonly HeldFact[];
  /** Absent: these were the last. */
  readonly cursor?: string;
}

export interface AroundInput extends FactScope {
  readonly entity: string;
  readonly depth: number;
  readonly limit: number;
  readonly bytesMax: number;
}

export interface FactAround {
  readonly held: HeldFact;
  /** Facts between it and the entity, with itself: 1 for one about the entity. */
  readonly distance: number;
}

export interface EntityAround {
  /** As the fact spells it that led to it. */
  readonly name: string;
  /** 0: the one that was asked for. */
  readonly distance: number;
}

export interface Around {
  /** The nearest first. */
  readonly facts: readonly FactAround[];
  readonly entities: readonly EntityAround[];
  /** There are more than these. */
  readonly truncated: boolean;
}

/** What is known of the world, behind one door. */
export interface FactMemory {
  /** All or none where one of them cannot be; `CONFLICT` for an id that says something else. */
  put(input: PutFactsInput, options?: FactCallOptions): Promise<PutFact[]>;
  list(input: ListFactsInput, options?: FactCallOptions): Promise<FactPage>;
  around(input: AroundInput, options?: FactCallOptions): Promise<Around>;
  /** Facts about what `question` names, those of each name by turns, those that began last first. */
  named(question: string, scope: FactScope, limit: number, options?: FactCallOptions): Promise<HeldFact[]>;
  /** How many were deleted: 0 or 1. `agentId`: only where it is that agent's. */
  delete(namespace: string, id: string, agentId?: string, options?: FactCallOptions): Promise<number>;
}
