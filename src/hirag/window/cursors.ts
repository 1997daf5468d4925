import { badRequest } from '../../base/errors.ts';
import type { CardPlace } from './session-store.ts';

export function tellPlace(place: number): string {
  return String(place);
}

/** Throws `BAD_REQUEST` where it is no place. */
export function parsePlace(cursor: string): number {
  if (!/^\d{1,9}$/.test(cursor)) throw badCursor();
  return Number(cursor);
}

/** From the name of a card, which begins with its number. Throws `BAD_REQUEST` where it is none. */
export function parseCardPlace(cursor: string): CardPlace {
  const number = /^(\d{1,9})-[0-9a-f]{1,32}$/.exec(cursor)?.[1];
  if (number === undefined) throw badCursor();
  return { number: Number(number), name: cursor };
}

function badCursor(): Error {
  return badRequest('/cursor', 'is not a cursor of this list');
}
