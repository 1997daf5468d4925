// A namespace's index on its way into memory. It is read in steps, and what is committed between two of them it is told: what
// comes anew it will still read, as new entries are the highest; of what it has read already it learns the changes.

import type { Steps } from '../border/steps.ts';
import type { Effect } from '../database/effects.ts';
import type { NamespaceIndex } from './namespace-index.ts';

export class NamespaceLoading {
  /** Not to be searched before it is whole. */
  readonly index: NamespaceIndex;
  readonly #steps: Steps<void>;

  /** `steps`: they read rows in the order of their entries, and the last of them up to the newest. */
  constructor(index: NamespaceIndex, steps: Steps<void>) {
    this.index = index;
    this.#steps = steps;
  }

  /** One step; true: the index is whole, as of now. */
  advance(): boolean {
    return this.#steps.next().done === true;
  }

  apply(effect: Effect): void {
    if (effect.kind === 'add') return;
    if (effect.kind !== 'move') return this.index.apply(effect);
    const { spaceId, from, oldEntry, document } = effect;
    this.index.apply({ kind: 'remove', spaceId, level: from, entry: oldEntry, terms: document.terms });
  }

  /** Not to be used after. */
  end(): void {
    this.#steps.return();
    this.index.release();
  }
}
