import { segmentWords } from './segment.ts';

/** What is compared of a text. */
const COMPARED_CHARS_MAX = 4_096;
/** Texts whose lengths differ by more are not the same answer. */
const LENGTH_RATIO_MIN = 0.8;

/** What a comparison needs of a text. */
export interface ComparedText {
  readonly text: string;
  readonly counts: ReadonlyMap<string, number>;
}

export function comparedText(text: string): ComparedText {
  return { text, counts: wordCounts(text) };
}

/** How alike two answers are, 0 to 1: the cosine of how often they have each word. */
export function likenessOf(one: ComparedText, other: ComparedText): number {
  if (!isOfOneLength(one.text, other.text)) return 0;
  let product = 0;
  for (const [word, count] of one.counts) product += count * (other.counts.get(word) ?? 0);
  const lengths = Math.sqrt(squares(one.counts) * squares(other.counts));
  return lengths === 0 ? Number(one.text === other.text) : Math.min(1, product / lengths);
}

function isOfOneLength({ length: one }: string, { length: other }: string): boolean {
  const longer = Math.max(one, other);
  return longer > 0 && Math.min(one, other) / longer >= LENGTH_RATIO_MIN;
}

function wordCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of segmentWords(text.slice(0, COMPARED_CHARS_MAX))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function squares(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count * count;
  return sum;
}
