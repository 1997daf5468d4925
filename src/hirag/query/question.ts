import { throwIfAborted } from '../../base/abort.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import { analyzeQuery, type QueryAnalysis, type WeightedTerm } from '../../base/text/analyzer.ts';
import type { NamedDate } from '../../base/text/dates.ts';

/** Characters analysed in one go: some milliseconds. No more than `findDates` looks at. */
const SLICE_CHARS = 4_000;
/** How far from a slice's end a place to cut is looked for. */
const CUT_CHARS_MAX = 256;
/** Each costs every candidate, and a text of so many dates is about none of them. */
const DATES_MAX = 64;

/** Best first: behind a line or a sentence, behind whatever is part of no word. Lone surrogates are halves of letters. */
const CUTS = [/[\n.!?。！？]/u, /[^\p{L}\p{M}\p{N}\p{Cs}'’.,]/u];

/** What a question asks for: all of its words, however long it is. Long ones in slices, between which others get their turn. */
export async function analyzeQuestion(
  text: string,
  turns: LoopTurns,
  signal: AbortSignal | undefined,
): Promise<QueryAnalysis> {
  const terms = new Map<string, WeightedTerm>();
  const names = new Set<string>();
  const dates = new Map<string, NamedDate>();
  for (const slice of slicesOf(text)) {
    if (slice.length < text.length) await turns.next();
    throwIfAborted(signal);
    const part = analyzeQuery(slice);
    for (const term of part.terms) if (term.weight > (terms.get(term.term)?.weight ?? 0)) terms.set(term.term, term);
    for (const name of part.names) names.add(name);
    for (const date of part.dates) dates.set(`${date.year}-${date.month}-${date.day}`, date);
  }
  return { terms: [...terms.values()], names, dates: [...dates.values()].slice(0, DATES_MAX) };
}

function* slicesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const limit = start + SLICE_CHARS;
    if (limit >= text.length) {
      yield text.slice(start);
      return;
    }
    const cut = cutBefore(text, limit);
    const end = cut ?? limit - (isLowSurrogate(text, limit) ? 1 : 0);
    yield text.slice(start, end);
    // A run without a place to cut is most likely written without spaces: its words are pairs of characters.
    start = cut ?? end - (isLowSurrogate(text, end - 1) ? 2 : 1);
  }
}

function cutBefore(text: string, limit: number): number | undefined {
  for (const place of CUTS) {
    for (let end = limit; end > limit - CUT_CHARS_MAX; end--) if (place.test(text[end - 1] as string)) return end;
  }
  return undefined;
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
