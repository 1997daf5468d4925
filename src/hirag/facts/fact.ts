import type { JsonObject } from '../../base/context.ts';
import { foldName } from '../../base/text/names.ts';

/** What somebody says of the world: a subject, how it stands, and to what. */
export interface FactInput {
  /** A UUID; absent: one is made. */
  readonly id?: string;
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  /** Absent: from now on. */
  readonly validFromMs?: number;
  /** The first moment at which it holds no more; absent: it has no end of its own. */
  readonly validUntilMs?: number;
  /** Whether a subject has one object of this predicate at a time. */
  readonly singleValued?: boolean;
  readonly sourceIds?: readonly string[];
  /** 0..1. */
  readonly confidence?: number;
  readonly metadata?: JsonObject;
}

export interface FactNames {
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
}

/** A fact as it is kept. It never changes: what ends it is found where it is read. */
export interface Fact {
  readonly id: string;
  readonly namespace: string;
  readonly agentId: string;
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  readonly validFromMs: number;
  readonly validUntilMs: number | null;
  readonly singleValued: boolean;
  readonly sourceIds: readonly string[];
  readonly confidence: number | null;
  readonly metadata: JsonObject;
  readonly recordedAtMs: number;
  /** Its names in the form in which they are compared. */
  readonly folded: FactNames;
  /** Its place among those that one server recorded in the same millisecond. */
  readonly turn: number;
}

/** A fact with what a later one makes of it. */
export interface HeldFact {
  readonly fact: Fact;
  /** It holds in `[validFromMs, endMs)`; null: without end. */
  readonly endMs: number | null;
  /** The fact that ended it, before an end of its own. */
  readonly supersededBy: string | null;
}

/** Facts of one agent that say the same kind of thing about the same subject. */
export interface FactGroup {
  readonly agentId: string;
  readonly subject: string;
  readonly predicate: string;
}

/** Its names are folded. */
export function groupOf({ agentId, folded: { subject, predicate } }: Fact): FactGroup {
  return { agentId, subject, predicate };
}

export function foldedNames({ subject, predicate, object }: FactNames): FactNames {
  return { subject: foldName(subject), predicate: foldName(predicate), object: foldName(object) };
}

export function groupKey({ agentId, subject, predicate }: FactGroup): string {
  return JSON.stringify([agentId, subject, predicate]);
}

type FactPlace = Pick<Fact, 'id' | 'validFromMs' | 'recordedAtMs' | 'turn'>;

/** Negative: `a` comes before `b`, by when they began, and of those that began together by when they were recorded. */
export function compareFacts(a: FactPlace, b: FactPlace): number {
  return (
    a.validFromMs - b.validFromMs ||
    a.recordedAtMs - b.recordedAtMs ||
    a.turn - b.turn ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** `next`: the single-valued fact of the group behind it that ends it, if any. */
export function heldUntil(fact: Fact, next: Pick<Fact, 'id' | 'validFromMs'> | null): HeldFact {
  const { validUntilMs } = fact;
  if (next === null || (validUntilMs !== null && validUntilMs <= next.validFromMs))
    return { fact, endMs: validUntilMs, supersededBy: null };
  return { fact, endMs: next.validFromMs, supersededBy: next.id };
}

export function holdsAt({ fact, endMs }: HeldFact, atMs: number): boolean {
  return fact.validFromMs <= atMs && (endMs === null || atMs < endMs);
}

/** Whether there is a moment at which both hold. */
export function overlap(a: HeldFact, b: HeldFact): boolean {
  const from = Math.max(a.fact.validFromMs, b.fact.validFromMs);
  return from < Math.min(a.endMs ?? Infinity, b.endMs ?? Infinity);
}
