import type { JsonObject, Filter } from '../../../src/base/context.ts';
import { checkFilter } from '../../../src/store/filter.ts';
import { matchesFilter } from '../../../src/store/filter-match.ts';

/** A text in pieces of so many characters, each of them asked for in a context that holds them all. */
export function filterByPieces(text: string, chars: number): boolean {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += chars) pieces.push(`${at}${text.slice(at, at + chars)}`);
  return passes({ list: pieces }, { must: pieces.map((value) => ({ key: 'metadata.list', match: { value } })) });
}

function passes(metadata: JsonObject, filter: Filter): boolean {
  checkFilter(filter);
  return matchesFilter(
    { agentId: 'a', sessionId: null, level: 'immediate', metadata, tags: [], createdAtMs: 0, updatedAtMs: 0 },
    filter,
  );
}
