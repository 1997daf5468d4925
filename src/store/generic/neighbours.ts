// Who stands before and after a hit in its session. Without a session it is who stands in its run of turns.

import { followsInConversation, type Turn } from '../../base/text/turns.ts';
import type { Filter, Level } from '../../base/context.ts';
import type {
  Features,
  Found,
  Hit,
  HitRecord,
  Neighbour,
  Question,
  ScanPage,
  ScanRequest,
  StoreDriver,
  Surroundings,
} from '../driver.ts';
import { matchesFilter } from '../filter-match.ts';
import type { TimeView } from '../times.ts';
import { comparePositions } from './positions.ts';

export interface Around {
  readonly namespace: string;
  /** Where they may be. */
  readonly levels: readonly Level[];
  readonly question: Question;
  readonly filter?: Filter;
  readonly time?: TimeView;
  readonly nowMs: number;
  /** How many before and after it are wanted, besides the next one, of which it is told only who it is. */
  readonly reachOf: (hit: Hit) => number;
}

/** One of a line of contexts, as a scan, the driver's own way, or the search for hits has found it. */
type Standing = Found | Neighbour | Hit;

const NOBODY: Surroundings = { before: [], after: [] };

/**
 * The surroundings of each hit, in whichever of the levels they are, as far as what stands there belongs together. Where the
 * driver cannot tell, and a session has many hits, all of them are seen in one stretch of it; what the stretches leave open
 * takes a second round trip.
 */
export async function surroundings(
  driver: StoreDriver,
  hits: readonly Hit[],
  around: Around,
  signal: AbortSignal | undefined,
): Promise<Surroundings[]> {
  const found = await toldByDriver(driver, hits, around, signal);
  const untold = hits.filter((hit) => !found.has(hit));
  const stretches = stretchesOf(untold);
  const stretched = new Set(stretches.flat());
  const alone = untold.filter((hit) => !stretched.has(hit));
  const scan = (requests: readonly ScanRequest[]): Promise<ScanPage[]> =>
    requests.length === 0 ? Promise.resolve([]) : driver.scan(requests, signal);
  const bothWays = (some: readonly Hit[]): ScanRequest[] =>
    some.flatMap((hit) => [scanOf(hit, around, true), scanOf(hit, around, false)]);

  const pages = await scan([...stretches.flatMap((stretch) => stretchScans(stretch, around)), ...bothWays(alone)]);
  stretches.forEach((stretch, i) => {
    const [before, after] = pages.slice(2 * i, 2 * i + 2) as [ScanPage, ScanPage];
    seenInStretch(stretch, before, after, around, found);
  });
  takePages(alone, pages.slice(2 * stretches.length), around, found);
  const open = [...stretched].filter((hit) => !found.has(hit));
  takePages(open, await scan(bothWays(open)), around, found);
  return hits.map((hit) => found.get(hit) ?? NOBODY);
}

async function toldByDriver(
  driver: StoreDriver,
  hits: readonly Hit[],
  { reachOf, ...around }: Around,
  signal: AbortSignal | undefined,
): Promise<Map<Hit, Surroundings>> {
  const found = new Map<Hit, Surroundings>();
  if (driver.around === undefined || hits.length === 0) return found;
  const places = hits.map((hit) => ({ hit, count: reachOf(hit) + 1 }));
  const told = await driver.around({ ...around, places }, signal);
  told.forEach((line, i) => {
    const hit = hits[i] as Hit;
    if (line === null) return;
    found.set(hit, { before: neighboursIn(hit, line.before, around), after: neighboursIn(hit, line.after, around) });
  });
  return found;
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
  around: Around,
  found: Map<Hit, Surroundings>,
): void {
  const first = stretch[0] as Hit;
  const line: readonly Standing[] = [...before.found.toReversed(), first, ...after.found];
  const places = new Map(line.map(({ record }, place) => [record.id, place]));
  for (const hit of stretch) {
    const place = places.get(hit.record.id);
    const count = around.reachOf(hit) + 1;
    if (place === undefined || (after.more && place + count >= line.length)) continue;
    found.set(hit, {
      before: neighboursIn(hit, line.slice(Math.max(0, place - count), place).toReversed(), around),
      after: neighboursIn(hit, line.slice(place + 1, place + 1 + count), around),
    });
  }
}

/** Two pages for each of the hits. */
function takePages(
  hits: readonly Hit[],
  pages: readonly ScanPage[],
  around: Around,
  found: Map<Hit, Surroundings>,
): void {
  hits.forEach((hit, i) => {
    const before = neighboursIn(hit, pages[2 * i]?.found ?? [], around);
    const after = neighboursIn(hit, pages[2 * i + 1]?.found ?? [], around);
    found.set(hit, { before, after });
  });
}

function scanOf(
  hit: Hit,
  { namespace, levels, question, time, nowMs, reachOf }: Around,
  descending: boolean,
): ScanRequest {
  const { agentId, sessionId } = hit.record;
  const limit = reachOf(hit) + 1;
  // Of the one beyond, only who it is counts, and whether it is a turn.
  const asked = limit === 1 ? { terms: [] } : question;
  const place = { order: 'creation', descending, after: hit.position } as const;
  return { namespace, levels, agentId, sessionId, nowMs, limit, question: asked, ...place, ...(time && { time }) };
}

function neighboursIn(hit: Hit, line: readonly Standing[], { filter }: Pick<Around, 'filter'>): Neighbour[] {
  const neighbours: Neighbour[] = [];
  let last: Said = hit;
  for (const one of line) {
    const { features, record } = one;
    if (features === undefined) break;
    const said = { record, features };
    if (record.sessionId === null && !areTurns(last, said)) break;
    neighbours.push({ ...said, passes: isThrough(one, filter) });
    last = said;
  }
  return neighbours;
}

function isThrough(one: Standing, filter: Filter | undefined): boolean {
  if ('passes' in one) return one.passes;
  // Hits are hits because they got through.
  return filter === undefined || !('text' in one.record) || matchesFilter(one.record, filter);
}

type Said = { readonly record: Pick<HitRecord, 'createdAtMs'>; readonly features: Features };

function areTurns(one: Said, other: Said): boolean {
  const [earlier, later] = one.record.createdAtMs <= other.record.createdAtMs ? [one, other] : [other, one];
  return followsInConversation(turnOf(earlier), turnOf(later));
}

function turnOf({ record, features }: Said): Turn {
  return { hasSpeaker: features.traits.speaker.length > 0, createdAtMs: record.createdAtMs };
}
