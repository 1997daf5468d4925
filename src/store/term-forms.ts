import { languageForms } from '../base/text/stems.ts';
import type { QueryTerm } from './store.ts';

/** No index term holds it, and no word. */
const BETWEEN = '\n';

/** A term of a query in one string. */
export function joinTerm({ term, written }: QueryTerm): string {
  return written === undefined ? term : `${term}${BETWEEN}${written.join(BETWEEN)}`;
}

/** All the index terms that are the term of a query. `spoken`: the languages that there are texts of; absent: any. */
export function formsOf({ term, written = [] }: QueryTerm, spoken?: ReadonlySet<string>): string[] {
  return [...new Set([term, ...written.flatMap((word) => languageForms(word, spoken))])];
}

/** `formsOf` what was joined. */
export function formsOfJoined(joined: string, spoken?: ReadonlySet<string>): string[] {
  if (!joined.includes(BETWEEN)) return [joined];
  const [term, ...written] = joined.split(BETWEEN);
  return formsOf({ term: term as string, written, weight: 1 }, spoken);
}
