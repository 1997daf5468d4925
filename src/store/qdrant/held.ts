// What is held of one context while changes are applied to it: what was read, and what is to be written.

import { LEVELS, type ContextRecord, type Level } from '../../base/context.ts';
import { applyPatch, isOver, meets } from '../apply-patch.ts';
import type { Change, ChangeResult, NewContext, TextVectors, Unembedded } from '../store.ts';
import { freedBy } from '../supersession.ts';
import { decideTransfer } from '../transfer.ts';
import {
  derivedText,
  numbersOf,
  passageNumbers,
  recordOf,
  type DerivedText,
  type FoundPoint,
  type TextPayload,
} from './points.ts';

/** A point and the level in whose collection it lies. */
export interface Copy {
  readonly level: Level;
  readonly point: FoundPoint;
}

/** A text with what is made of it. */
export interface Content {
  readonly payload: TextPayload;
  readonly dense: readonly number[];
  readonly unembedded: Unembedded | null;
  /** Of further passages. */
  readonly passages: readonly (readonly number[])[];
}

/** A change of one context; a delete of many ids is so many of these. */
export type Step =
  | { readonly op: 'put'; readonly context: NewContext }
  | Extract<Change, { readonly op: 'update' | 'transfer' }>
  | { readonly op: 'delete'; readonly namespace: string; readonly id: string; readonly onlyIf: DeleteCondition };
type DeleteCondition = Extract<Change, { readonly op: 'delete' }>['onlyIf'];

export class Held {
  readonly pointId: string;
  /** As it is in the database; undefined: there is none. */
  readonly stored: Copy | undefined;
  /** Copies that an interrupted move has left; they go. */
  readonly stale: readonly Copy[];
  /** As it is to be; null: gone. */
  record: ContextRecord | null;
  /** Where it is not the stored one. */
  content: Content | undefined;
  /** It was put, in place of what is stored where there is something. */
  isNew = false;
  /** When it came into its level, where another store has said so. */
  entered: number | undefined;

  readonly #derived: ReadonlyMap<string, DerivedText>;

  /** `derived`: of texts that may come. */
  constructor(pointId: string, copies: readonly Copy[], derived: ReadonlyMap<string, DerivedText>) {
    this.pointId = pointId;
    this.#derived = derived;
    const sorted = copies.toSorted(newestFirst);
    [this.stored, ...this.stale] = sorted as [Copy | undefined, ...Copy[]];
    this.record = this.stored === undefined ? null : recordOf(this.stored.point.payload, this.stored.level);
  }

  /** Does what the step says to the context as the steps before have left it. */
  take(step: Step, nowMs: number): ChangeResult {
    if (step.op === 'put') return this.#put(step.context, nowMs);
    if (step.op === 'update') return this.#update(step, nowMs);
    if (step.op === 'transfer') return this.#transfer(step, nowMs);
    const isMeant = this.record !== null && meets(this.record, step.onlyIf ?? {}, this.#unembedded);
    const freed = isMeant ? freedBy(this.record) : [];
    if (isMeant) this.record = null;
    return { op: 'delete', deletedIds: isMeant ? [step.id] : [], ...(freed.length === 0 ? {} : { freed }) };
  }

  get #unembedded(): Unembedded | undefined {
    return (this.content ?? this.stored?.point.payload)?.unembedded ?? undefined;
  }

  #put({ record, ...vectors }: NewContext, nowMs: number): ChangeResult {
    const existing = this.record !== null && !isOver(this.record, nowMs) ? this.record : null;
    if (existing !== null && existing.text !== record.text) return { op: 'put', conflict: true };
    if (existing !== null) return { op: 'put', created: false, record: existing };
    this.record = record;
    this.isNew = true;
    this.entered = undefined;
    this.content = this.#contentOf(record, vectors);
    return { op: 'put', created: true, record };
  }

  #transfer({ context, entered }: Extract<Change, { readonly op: 'transfer' }>, nowMs: number): ChangeResult {
    const { record: existing } = this;
    const known =
      existing === null ? null : { record: existing, entered: this.entered ?? this.stored?.point.payload.entered ?? 0 };
    const { outcome, record } = decideTransfer(known, { record: context.record, entered }, nowMs);
    const before = existing === null ? {} : { before: existing.level };
    if (outcome === 'created' || outcome === 'replaced') {
      this.record = record;
      this.isNew ||= outcome === 'created';
      this.entered = entered;
      this.content = this.#contentOf(record, context);
    }
    return { op: 'transfer', outcome, record, ...before };
  }

  #update(change: Extract<Change, { readonly op: 'update' }>, nowMs: number): ChangeResult {
    const { patch, ifVersion, onlyIf = {} } = change;
    const before = this.record;
    const isGone = before === null || (change.updatedAtMs !== undefined && isOver(before, nowMs));
    if (isGone || !meets(before, onlyIf, this.#unembedded)) return { op: 'update', failed: 'not_found' };
    const { version } = before;
    if (ifVersion !== undefined && ifVersion !== version) return { op: 'update', failed: 'version_conflict', version };
    const record = applyPatch(before, change);
    this.record = record;
    if (record.level !== before.level) this.entered = undefined;
    const isReworded = patch.text !== undefined && record.text !== before.text;
    const vectors = isReworded ? patch.text : patch.vectors;
    if (vectors !== undefined) this.content = this.#contentOf(record, vectors);
    return { op: 'update', record };
  }

  #contentOf({ text, tokenCount }: ContextRecord, { vector, passages = [], unembedded }: TextVectors): Content {
    return {
      payload: { ...(this.#derived.get(text) ?? derivedText(text)), token_count: tokenCount },
      dense: numbersOf(vector),
      passages: passageNumbers(passages),
      unembedded: unembedded ?? null,
    };
  }
}

/**
 * Which of two copies counts, everywhere. The higher version is what a client was told last; of one version the one
 * that came into its level later is where the context was being moved to.
 */
export function newestFirst(a: Copy, b: Copy): number {
  const [one, other] = [a.point.payload, b.point.payload];
  return (
    other.version - one.version || other.entered - one.entered || LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level)
  );
}

/** The copy of each point that counts. */
export function newestOfEach(copies: readonly Copy[]): Copy[] {
  const newest = new Map<string, Copy>();
  for (const copy of copies) {
    const known = newest.get(copy.point.id);
    if (known === undefined || newestFirst(copy, known) < 0) newest.set(copy.point.id, copy);
  }
  return [...newest.values()];
}
