// Who stands before and after a hit in its session. Without a session it is who stands in its run of turns.

import { followsInConversation, type Turn } from '../../base/text/turns.ts';
import type { Features, Found, Hit, HitRecord, Question, ScanRequest, StoreDriver } from '../driver.ts';

export interface Neighbour {
  readonly record: Found['record'];
  readonly features: Features;
}

/** The nearest first. */
export interface Surroundings {
  readonly before: readonly Neighbour[];
  readonly after: readonly Neighbour[];
}

export interface Around {
  readonly namespace: string;
  readonly question: Question;
  readonly nowMs: number;
  /** How many before and after it are wanted, besides the next one, of which it is told only who it is. */
  readonly reachOf: (hit: Hit) => number;
}

const NOBODY: Surroundings = { before: [], after: [] };

/** The surroundings of each hit, whatever level they are in; all in one round trip. */
export async function surroundings(
  driver: StoreDriver,
  hits: readonly Hit[],
  around: Around,
  signal: AbortSignal | undefined,
): Promise<Surroundings[]> {
  const standing = hits.filter(mayHaveNeighbours);
  const requests = standing.flatMap((hit) => [scanOf(hit, around, true), scanOf(hit, around, false)]);
  const pages = requests.length === 0 ? [] : await driver.scan(requests, signal);
  const found = new Map<Hit, Surroundings>();
  standing.forEach((hit, i) => {
    const before = neighboursIn(hit, pages[2 * i]?.found ?? []);
    const after = neighboursIn(hit, pages[2 * i + 1]?.found ?? []);
    found.set(hit, { before, after });
  });
  return hits.map((hit) => found.get(hit) ?? NOBODY);
}

/** A note that belongs to no session and that nobody speaks stands alone. */
function mayHaveNeighbours({ record, features }: Hit): boolean {
  return record.sessionId !== null || features.traits.speaker.length > 0;
}

function scanOf(hit: Hit, { namespace, question, nowMs, reachOf }: Around, descending: boolean): ScanRequest {
  const { agentId, sessionId } = hit.record;
  const limit = reachOf(hit) + 1;
  // Of the one beyond, only who it is counts, and whether it is a turn.
  const asked = limit === 1 ? { terms: [] } : question;
  const place = { order: 'creation', descending, after: hit.position } as const;
  return { namespace, agentId, sessionId, nowMs, limit, question: asked, ...place };
}

function neighboursIn(hit: Hit, found: readonly Found[]): Neighbour[] {
  const neighbours: Neighbour[] = [];
  let last: Neighbour | Hit = hit;
  for (const { record, features } of found) {
    if (features === undefined || (record.sessionId === null && !areTurns(last, { record, features }))) break;
    neighbours.push((last = { record, features }));
  }
  return neighbours;
}

type Said = { readonly record: Pick<HitRecord, 'createdAtMs'>; readonly features: Features };

function areTurns(one: Said, other: Said): boolean {
  const [earlier, later] = one.record.createdAtMs <= other.record.createdAtMs ? [one, other] : [other, one];
  return followsInConversation(turnOf(earlier), turnOf(later));
}

function turnOf({ record, features }: Said): Turn {
  return { hasSpeaker: features.traits.speaker.length > 0, createdAtMs: record.createdAtMs };
}
