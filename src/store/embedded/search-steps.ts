// Searches in steps. A search itself is one step: what it compares must not change meanwhile. Where its filter has to be
// worked out for more contexts than a step has time for, that goes in steps of its own, and the search begins anew.

import type { LevelNumber } from './border/rows.ts';
import type { Pace, Steps } from './border/steps.ts';
import type { NamespaceIndex } from './memory/namespace-index.ts';
import type { NamespaceIndexes } from './namespace-indexes.ts';
import { FilterCheck } from './search/filter-check.ts';
import type { FilterReader } from './search/filter-reader.ts';
import { SearchScope, type Seen } from './search/search-scope.ts';

type Request = Seen & { readonly levels: readonly LevelNumber[] };

export class SearchSteps {
  readonly #reader: FilterReader;
  readonly #indexes: NamespaceIndexes;
  readonly #pace: Pace;

  /** `pace`: of the steps in which it is called. */
  constructor(reader: FilterReader, indexes: NamespaceIndexes, pace: Pace) {
    this.#reader = reader;
    this.#indexes = indexes;
    this.#pace = pace;
  }

  /** `search` is handed the request's filter; where there is one it may be called several times, and its last result counts. */
  *run<T>(
    spaceId: number,
    request: Request,
    byVector: boolean,
    search: (index: NamespaceIndex, filter: FilterCheck | null) => T,
  ): Steps<T> {
    for (;;) {
      yield* this.#indexes.load(spaceId, byVector ? request.levels : []);
      const index = this.#indexes.use(spaceId);
      const result =
        request.filter === null
          ? { found: search(index, null) }
          : yield* this.#filtered(
              spaceId,
              index,
              request,
              new FilterCheck(this.#reader, index, spaceId, request.filter),
              search,
            );
      if (result === null) continue;
      this.#indexes.used(spaceId);
      return result.found;
    }
  }

  /** null: the index has failed, and another one stands in its place. */
  *#filtered<T>(
    spaceId: number,
    index: NamespaceIndex,
    request: Request,
    check: FilterCheck,
    search: (index: NamespaceIndex, filter: FilterCheck) => T,
  ): Steps<{ readonly found: T } | null> {
    const release = this.#indexes.hold(spaceId, index, check);
    try {
      for (let attempts = 1; this.#indexes.isCurrent(spaceId, index); attempts++) {
        const result = check.attempt(attempts, () => search(index, check));
        if (result !== null) return result;
        for (const level of request.levels) {
          const scope = new SearchScope(index, request, level, null);
          yield* check.decideLevel(level, (ordinal) => scope.owns(ordinal), this.#pace);
        }
      }
      return null;
    } finally {
      release();
    }
  }
}
