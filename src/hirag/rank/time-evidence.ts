import type { AskedTime } from '../../base/text/asked-time.ts';
import { isWithin } from '../../base/text/dates.ts';
import { DATE_FLAG, type CandidateColumns } from '../../store/candidates.ts';

type Columns = Pick<CandidateColumns, 'flags' | 'createdAtMs'>;

/** Whether the candidate was created in the time, or tells of it. */
export function isOfTime({ flags, createdAtMs }: Columns, place: number, { spans }: AskedTime): boolean {
  return ((flags[place] as number) & DATE_FLAG) !== 0 || isWithin(spans, createdAtMs[place] as number);
}

/** The evidence with that of the time: what is of it needs the less from its words, the less the question says beside it. */
export function withTime(evidence: number, columns: Columns, place: number, time: AskedTime | undefined): number {
  if (time === undefined || evidence >= 1 || !isOfTime(columns, place, time)) return evidence;
  const found = Math.max(0, evidence);
  return found + time.share * (1 - found);
}
