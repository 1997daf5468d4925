// A context's place in its session: who came right before and after it, whatever their level. Without a
// session it is its place in a run of turns.

import { followsInConversation, type Turn } from '../../../base/text/turns.ts';
import { NOBODY } from '../../candidates.ts';
import type { DocumentTable, Moment } from '../memory/document-table.ts';
import type { Owner } from '../memory/owner-table.ts';
import type { SearchScope } from './search-scope.ts';

/** The nearest living contexts before and after it; `NOBODY` where there is none. */
export function adjacent(
  documents: DocumentTable,
  ordinal: number,
  moment: Moment,
): { previous: number; next: number } {
  const owner = documents.ownerOf(ordinal);
  const at = placeOf(owner, documents, ordinal);
  return {
    previous: memberAt(owner, walk(owner, documents, at, -1, moment)),
    next: memberAt(owner, walk(owner, documents, at, 1, moment)),
  };
}

/** Those of the `reach` contexts before and after each of `ordinals` that the scope lets through. */
export function neighboursOf(
  documents: DocumentTable,
  ordinals: Iterable<number>,
  reach: number,
  scope: SearchScope,
): Set<number> {
  const found = new Set<number>();
  if (reach === 0) return found;
  for (const ordinal of ordinals) {
    const owner = documents.ownerOf(ordinal);
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

/** The next place whose context lives and is shown; -1 past either end, and without a session past the conversation's. */
function walk(owner: Owner, documents: DocumentTable, from: number, direction: -1 | 1, moment: Moment): number {
  for (let at = from + direction; at >= 0 && at < owner.memberCount; at += direction) {
    const ordinal = owner.members[at] as number;
    if (documents.levels[ordinal] === 0 || !documents.isShown(ordinal, moment)) continue;
    return owner.sessionId !== null || areTurns(owner, documents, Math.min(from, at), Math.max(from, at)) ? at : -1;
  }
  return -1;
}

function areTurns(owner: Owner, documents: DocumentTable, earlier: number, later: number): boolean {
  return followsInConversation(turnAt(owner, documents, earlier), turnAt(owner, documents, later));
}

function turnAt(owner: Owner, documents: DocumentTable, at: number): Turn {
  const ordinal = owner.members[at] as number;
  return {
    hasSpeaker: documents.traitsOf(ordinal).speaker.length > 0,
    createdAtMs: documents.createdAtMs[ordinal] as number,
  };
}

function memberAt(owner: Owner, at: number): number {
  return at < 0 ? NOBODY : (owner.members[at] as number);
}
