// A context's place in its session: who came right before and after it, whatever their level.

import type { DocumentTable } from '../memory/document-table.ts';
import type { Owner } from '../memory/owner-table.ts';
import type { SearchScope } from './search-scope.ts';

export const NOBODY = -1;

/** The nearest living contexts before and after it; `NOBODY` where there is none, or it has no session. */
export function adjacent(documents: DocumentTable, ordinal: number, scope: SearchScope): { previous: number; next: number } {
  const owner = documents.ownerOf(ordinal);
  if (owner.sessionId === null) return { previous: NOBODY, next: NOBODY };
  const at = placeOf(owner, documents, ordinal);
  return { previous: memberAt(owner, walk(owner, documents, at, -1, scope)), next: memberAt(owner, walk(owner, documents, at, 1, scope)) };
}

/** Those of the `reach` contexts before and after each of `ordinals` that the scope lets through. */
export function neighboursOf(documents: DocumentTable, ordinals: Iterable<number>, reach: number, scope: SearchScope): Set<number> {
  const found = new Set<number>();
  if (reach === 0) return found;
  for (const ordinal of ordinals) {
    const owner = documents.ownerOf(ordinal);
    if (owner.sessionId === null) continue;
    const place = placeOf(owner, documents, ordinal);
    for (const direction of [-1, 1] as const) {
      let at = place;
      for (let step = 0; step < reach && at >= 0; step++) {
        at = walk(owner, documents, at, direction, scope);
        const neighbour = memberAt(owner, at);
        if (neighbour !== NOBODY && scope.sees(neighbour)) found.add(neighbour);
      }
    }
  }
  return found;
}

function placeOf(owner: Owner, documents: DocumentTable, ordinal: number): number {
  let at = owner.position(ordinal, documents);
  // Its own dead predecessors, of an earlier level or text, stand at the same place in the order.
  while (owner.members[at] !== ordinal) at++;
  return at;
}

/** The next place whose context lives and is shown; -1 past either end. */
function walk(owner: Owner, documents: DocumentTable, from: number, direction: -1 | 1, scope: SearchScope): number {
  for (let at = from + direction; at >= 0 && at < owner.memberCount; at += direction) {
    const ordinal = owner.members[at] as number;
    if (documents.levels[ordinal] !== 0 && scope.isShown(ordinal)) return at;
  }
  return -1;
}

function memberAt(owner: Owner, at: number): number {
  return at < 0 ? NOBODY : (owner.members[at] as number);
}
