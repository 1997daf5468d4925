// A context's place in its session: who came right before and after it, whatever their level.

import type { DocumentTable } from '../memory/document-table.ts';
import type { SearchScope } from './search-scope.ts';

export const BEFORE = -1;
export const AFTER = 1;

/** The nearest living context in that direction; -1 where there is none, or the context has no session. */
export function neighbourOf(documents: DocumentTable, ordinal: number, direction: -1 | 1, scope: SearchScope): number {
  const owner = documents.ownerOf(ordinal);
  if (owner.sessionId === null) return -1;
  let at = owner.position(ordinal, documents);
  while (owner.members[at] !== ordinal) at++;
  for (at += direction; at >= 0 && at < owner.memberCount; at += direction) {
    const neighbour = owner.members[at] as number;
    if (documents.levels[neighbour] !== 0 && scope.isShown(neighbour)) return neighbour;
  }
  return -1;
}

/** Those of the `reach` contexts before and after each of `ordinals` that the scope lets through. */
export function neighboursOf(documents: DocumentTable, ordinals: Iterable<number>, reach: number, scope: SearchScope): Set<number> {
  const found = new Set<number>();
  for (const ordinal of ordinals) {
    for (const direction of [BEFORE, AFTER] as const) {
      let neighbour = ordinal;
      for (let step = 0; step < reach; step++) {
        neighbour = neighbourOf(documents, neighbour, direction, scope);
        if (neighbour < 0) break;
        if (scope.sees(neighbour)) found.add(neighbour);
      }
    }
  }
  return found;
}
