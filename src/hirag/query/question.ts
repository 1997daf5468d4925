import { throwIfAborted } from '../../base/abort.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import { analyzeQuery, type QueryAnalysis, type WeightedTerm } from '../../base/text/analyzer.ts';
import type { NamedDate } from '../../base/text/dates.ts';
import { slicesOf } from '../../base/text/slices.ts';

/** Different words of a question, and those of them that may be names: more of them is what no language has. */
const TERMS_MAX = 65_536;
const NAMES_MAX = 4_096;
/** Each costs every candidate, and a text of so many dates is about none of them. */
const DATES_MAX = 64;

/** What a question asks for: all of its words, however long it is. Long ones in slices, between which others get their turn. */
export async function analyzeQuestion(
  text: string,
  turns: LoopTurns,
  signal: AbortSignal | undefined,
): Promise<QueryAnalysis> {
  const terms = new Map<string, WeightedTerm>();
  const names = new Set<string>();
  const dates = new Map<string, NamedDate>();
  let asksWhen = false;
  let core = text;
  for (const slice of slicesOf(text)) {
    if (slice.length < text.length) await turns.next();
    throwIfAborted(signal);
    const part = analyzeQuery(slice);
    for (const term of part.terms) {
      const known = terms.get(term.term);
      if (known !== undefined) terms.set(term.term, joined(known, term));
      else if (terms.size < TERMS_MAX) terms.set(term.term, term);
    }
    for (const name of part.names) if (names.size < NAMES_MAX) names.add(name);
    asksWhen ||= part.asksWhen;
    // What has several is too long for a request.
    if (slice.length === text.length) ({ core } = part);
    for (const date of part.dates) dates.set(`${date.year}-${date.month}-${date.day}`, date);
  }
  return { terms: [...terms.values()], names, dates: [...dates.values()].slice(0, DATES_MAX), asksWhen, core };
}

function joined(one: WeightedTerm, other: WeightedTerm): WeightedTerm {
  const written = [...new Set([...(one.written ?? []), ...(other.written ?? [])])];
  return { term: one.term, ...(written.length > 0 && { written }), weight: Math.max(one.weight, other.weight) };
}
