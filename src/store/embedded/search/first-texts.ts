import { bestFirst, TopList } from '../arrays/top-list.ts';
import type { FirstTextsBounds } from '../../first-texts.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { FoundDocuments } from './found-documents.ts';

/** Rows of the nearest of what was found whose texts fit together, the nearest first. */
export function firstTexts(
  { tokenCounts, seqs }: DocumentTable,
  { ordinals, dense }: FoundDocuments,
  texts: FirstTextsBounds | null,
): number[] {
  if (texts === null) return [];
  const nearest = new TopList(texts.count);
  dense.forEach((score, place) => {
    if (!Number.isNaN(score)) nearest.push(ordinals[place] as number, score);
  });
  let tokensLeft = texts.tokensMax;
  const rows: number[] = [];
  for (const { ordinal } of bestFirst(nearest.items())) {
    const tokens = tokenCounts[ordinal] as number;
    if (tokens > tokensLeft) continue;
    tokensLeft -= tokens;
    rows.push(seqs[ordinal] as number);
  }
  return rows;
}
