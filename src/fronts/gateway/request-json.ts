import type { JsonMember } from '../../base/json-in-turns.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import { VALUES_MAX } from '../../protocol/body-limits.ts';
import { readLongJson, textInTurns } from '../../protocol/json-body.ts';

/** A request's JSON object: as it was written, what it says, and where in the text its values stand. */
export interface RequestJson {
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly members: ReadonlyMap<string, JsonMember>;
}

/** As many values as a request of the wire may hold: more than any conversation does. */
const BOUNDS = { valuesMax: VALUES_MAX, depthMax: 10_000, marked: 'content' };
/** Messages, or other items, of a request that is looked into: more are passed on as they come. */
export const ITEMS_MAX = 20_000;

/** Read in slices, between which others have their turn. Rejects with `BAD_REQUEST`. */
export async function requestJson(bytes: Uint8Array, turns: LoopTurns): Promise<RequestJson> {
  const text = await textInTurns(bytes, turns);
  const { value, members } = await readLongJson(text, turns, BOUNDS);
  return { text, body: value, members };
}

/** The list of that name, where it can be looked into. */
export function listIn({ members }: RequestJson, name: string): JsonMember | null {
  const list = members.get(name);
  return list === undefined || list.items.length > ITEMS_MAX ? null : list;
}

/** After so many items, or characters of them, others have their turn. */
const PACE_ITEMS = 128;
const PACE_UNITS = 65_536;

/** Tells when a walk over items is to pause. */
export class Pace {
  #items = 0;
  #units = 0;

  isDue(units: number): boolean {
    this.#items += 1;
    this.#units += units;
    if (this.#items < PACE_ITEMS && this.#units < PACE_UNITS) return false;
    this.#items = 0;
    this.#units = 0;
    return true;
  }
}

const PIECE_UNITS = 262_144;

/** UTF-8 of a text of any length. */
export async function bytesInTurns(text: string, turns: LoopTurns): Promise<Buffer> {
  if (text.length <= PIECE_UNITS) return Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + PIECE_UNITS, text.length);
    // Both halves of a pair go together.
    if (to < text.length && (text.charCodeAt(to) & 0xfc00) === 0xdc00) to -= 1;
    pieces.push(Buffer.from(text.slice(from, to)));
    from = to;
    await turns.next();
  }
  return Buffer.concat(pieces);
}
