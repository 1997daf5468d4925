// A namespace's index on its way into memory. It is read in steps, and what is committed between two of them it is told: what
// comes anew it will still read, as new entries are the highest; of what it has read already it learns the changes.

import type { Steps } from '../border/steps.ts';
import type { Effect } from '../database/effects.ts';
import type { NamespaceIndex } from './namespace-index.ts';

/** Changes that may wait until what is read of a file is settled. */
const WAITING_MAX = 50_000;

export class NamespaceLoading {
  /** Not to be searched before it is whole. */
  index: NamespaceIndex;
  readonly #steps: Steps<void>;
  /** null: changes are applied as they come. */
  #waiting: Effect[] | null = null;

  /** `read`: reads rows in the order of their entries, and in its last step up to the newest. */
  constructor(index: NamespaceIndex, read: (loading: NamespaceLoading) => Steps<void>) {
    this.index = index;
    this.#steps = read(this);
  }

  /** One step; true: the index is whole, as of now. */
  advance(): boolean {
    return this.#steps.next().done === true;
  }

  apply(effect: Effect): void {
    if (effect.kind === 'add') return;
    if (this.#waiting === null) this.#change(effect);
    else if (this.#waiting.length <= WAITING_MAX) this.#waiting.push(effect);
  }

  /** From here on changes wait: the index is not in a state to take them. */
  holdChanges(): void {
    this.#waiting = [];
  }

  /** Applies those that waited; false: there were too many, and the index is of no use. */
  takeChanges(): boolean {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    if (waiting.length > WAITING_MAX) return false;
    for (const effect of waiting) this.#change(effect);
    return true;
  }

  /** Begins anew with an index that holds nothing. */
  restart(index: NamespaceIndex): void {
    this.#waiting = null;
    this.index.release();
    this.index = index;
  }

  /** Not to be used after. */
  end(): void {
    this.#steps.return();
    this.index.release();
  }

  #change(effect: Effect): void {
    if (effect.kind !== 'move') return this.index.apply(effect);
    const { spaceId, from, oldEntry, document } = effect;
    this.index.apply({ kind: 'remove', spaceId, level: from, entry: oldEntry, terms: document.terms });
  }
}
