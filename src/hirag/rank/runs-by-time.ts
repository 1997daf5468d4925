// Contexts that nothing but their time puts side by side: no session, and no name of who speaks. They may be turns of one
// conversation, or facts that a program stored one after another. Which of the two, the question's own hits say: in a
// conversation what stands beside a hit is one itself more often than by chance.

import { DIRECT_FLAG, NOBODY, TIME_ONLY_FLAG, type CandidateColumns } from '../../store/candidates.ts';

/** How many times as often as by chance a hit has another beside it, where neighbours count least, */
const LIFT_MIN = 0.8;
/** and from where on they count in full: medians are 1.1 for turns in random order and 2.2 for conversations. */
const LIFT_MAX = 1.8;
/** What few hits are taken for, as much as one pair that chance would make of them. */
const LIFT_USUAL = 1.7;
const WEIGHT_MIN = 0.3;

/** What neighbours count that stand there by time alone, 0.3 to 1. `searched`: contexts that might have been hits. */
export function weightOfTimeOnly({ flags, count, previous, next }: CandidateColumns, searched: number): number {
  const isHit = (place: number): boolean => place < count && ((flags[place] as number) & DIRECT_FLAG) !== 0;
  let hits = 0;
  let pairs = 0;
  let both = 0;
  let some = false;
  for (let place = 0; place < count; place++) {
    if (!isHit(place)) continue;
    hits++;
    if (((flags[place] as number) & TIME_ONLY_FLAG) === 0) continue;
    some = true;
    for (const beside of [previous[place] as number, next[place] as number]) {
      if (beside === NOBODY) continue;
      pairs++;
      if (isHit(beside)) both++;
    }
  }
  if (!some || searched === 0) return 1;
  const chance = Math.min(1, hits / searched);
  const lift = (both + LIFT_USUAL) / (pairs * chance + 1);
  const weight = Math.min(1, Math.max(WEIGHT_MIN, (lift - LIFT_MIN) / (LIFT_MAX - LIFT_MIN)));
  // Where nearly all are hits, it says nothing who stands beside one.
  return 1 - (1 - weight) * (1 - chance);
}
