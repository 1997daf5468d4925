// Who stands before and after a hit in its session. Without a session it is who stands in its run of turns.

import { followsInConversation, type Turn } from '../../base/text/turns.ts';
import type { Level } from '../../base/context.ts';
import type { Features, Found, Hit, HitRecord, Question, ScanPage, ScanRequest, StoreDriver } from '../driver.ts';
import { comparePositions } from './positions.ts';

export interface Neighbour {
  readonly record: Found['record'];
  readonly features: Features;
}

/** The nearest first, other hits among them. */
export interface Surroundings {
  readonly before: readonly (Neighbour | Hit)[];
  readonly after: readonly (Neighbour | Hit)[];
}

export interface Around {
  readonly namespace: string;
  /** Where they may be. */
  readonly levels: readonly Level[];
  readonly question: Question;
  readonly nowMs: number;
  /** How many before and after it are wanted, besides the next one, of which it is told only who it is. */
  readonly reachOf: (hit: Hit) => number;
}

const NOBODY: Surroundings = { before: [], after: [] };

/**
 * The surroundings of each hit, in whichever of the levels they are. Where a session has many hits, all of them are seen in
 * one stretch of it; what the stretches leave open takes a second round trip.
 */
export async function surroundings(
  driver: StoreDriver,
  hits: readonly Hit[],
  around: Around,
  signal: AbortSignal | undefined,
): Promise<Surroundings[]> {
  const standing = hits.filter(mayHaveNeighbours);
  const stretches = stretchesOf(standing);
  const stretched = new Set(stretches.flat());
  const alone = standing.filter((hit) => !stretched.has(hit));
  const scan = (requests: readonly ScanRequest[]): Promise<ScanPage[]> =>
    requests.length === 0 ? Promise.resolve([]) : driver.scan(requests, signal);
  const bothWays = (some: readonly Hit[]): ScanRequest[] =>
    some.flatMap((hit) => [scanOf(hit, around, true), scanOf(hit, around, false)]);

  const found = new Map<Hit, Surroundings>();
  const pages = await scan([...stretches.flatMap((stretch) => stretchScans(stretch, around)), ...bothWays(alone)]);
  stretches.forEach((stretch, i) => {
    const [before, after] = pages.slice(2 * i, 2 * i + 2) as [ScanPage, ScanPage];
    seenInStretch(stretch, before, after, around, found);
  });
  takePages(alone, pages.slice(2 * stretches.length), found);
  const open = [...stretched].filter((hit) => !found.has(hit));
  takePages(open, await scan(bothWays(open)), found);
  return hits.map((hit) => found.get(hit) ?? NOBODY);
}

/** Of fewer hits than this each is looked around by itself. */
const STRETCH_HITS_MIN = 3;

/** Those of one session, in the order of creation. */
function stretchesOf(hits: readonly Hit[]): Hit[][] {
  const owned = hits.filter(({ record }) => record.sessionId !== null);
  const groups = Map.groupBy(owned, ({ record }) => JSON.stringify([record.agentId, record.sessionId]));
  return [...groups.values()]
    .filter((group) => group.length >= STRETCH_HITS_MIN)
    .map((group) => group.sort((a, b) => comparePositions(a.position, b.position)));
}

/** What stands before the first of them; and from there on as much as looking around each would bring. */
function stretchScans(stretch: readonly Hit[], around: Around): [ScanRequest, ScanRequest] {
  const first = stretch[0] as Hit;
  const widest = stretch.reduce((most, hit) => (around.reachOf(hit) > around.reachOf(most) ? hit : most));
  const [back, forward] = [scanOf(widest, around, true), scanOf(widest, around, false)];
  const limit = 2 * stretch.length * forward.limit;
  return [
    { ...back, after: first.position },
    { ...forward, after: first.position, limit },
  ];
}

/** Leaves out the hits that the stretch does not reach, or that are not in it any more. */
function seenInStretch(
  stretch: readonly Hit[],
  before: ScanPage,
  after: ScanPage,
  { reachOf }: Around,
  found: Map<Hit, Surroundings>,
): void {
  const first = stretch[0] as Hit;
  const line: readonly (Found | Hit)[] = [...before.found.toReversed(), first, ...after.found];
  const places = new Map(line.map(({ record }, place) => [record.id, place]));
  for (const hit of stretch) {
    const place = places.get(hit.record.id);
    const count = reachOf(hit) + 1;
    if (place === undefined || (after.more && place + count >= line.length)) continue;
    found.set(hit, {
      before: neighboursIn(hit, line.slice(Math.max(0, place - count), place).toReversed()),
      after: neighboursIn(hit, line.slice(place + 1, place + 1 + count)),
    });
  }
}

/** Two pages for each of the hits. */
function takePages(hits: readonly Hit[], pages: readonly ScanPage[], found: Map<Hit, Surroundings>): void {
  hits.forEach((hit, i) => {
    const before = neighboursIn(hit, pages[2 * i]?.found ?? []);
    const after = neighboursIn(hit, pages[2 * i + 1]?.found ?? []);
    found.set(hit, { before, after });
  });
}

/** A note that belongs to no session and that nobody speaks stands alone. */
function mayHaveNeighbours({ record, features }: Hit): boolean {
  return record.sessionId !== null || features.traits.speaker.length > 0;
}

function scanOf(hit: Hit, { namespace, levels, question, nowMs, reachOf }: Around, descending: boolean): ScanRequest {
  const { agentId, sessionId } = hit.record;
  const limit = reachOf(hit) + 1;
  // Of the one beyond, only who it is counts, and whether it is a turn.
  const asked = limit === 1 ? { terms: [] } : question;
  const place = { order: 'creation', descending, after: hit.position } as const;
  return { namespace, levels, agentId, sessionId, nowMs, limit, question: asked, ...place };
}

function neighboursIn(hit: Hit, found: readonly (Found | Hit)[]): (Neighbour | Hit)[] {
  const neighbours: (Neighbour | Hit)[] = [];
  let last: Neighbour | Hit = hit;
  for (const one of found) {
    if (!hasFeatures(one) || (one.record.sessionId === null && !areTurns(last, one))) break;
    neighbours.push((last = one));
  }
  return neighbours;
}

function hasFeatures(one: Found | Hit): one is (Found & Neighbour) | Hit {
  return one.features !== undefined;
}

type Said = { readonly record: Pick<HitRecord, 'createdAtMs'>; readonly features: Features };

function areTurns(one: Said, other: Said): boolean {
  const [earlier, later] = one.record.createdAtMs <= other.record.createdAtMs ? [one, other] : [other, one];
  return followsInConversation(turnOf(earlier), turnOf(later));
}

function turnOf({ record, features }: Said): Turn {
  return { hasSpeaker: features.traits.speaker.length > 0, createdAtMs: record.createdAtMs };
}
