import type { RankedContext, Receipt } from '../../../src/protocol/messages.generated.ts';
import type { QueryDefaults, Rank } from '../api/login.ts';
import { count, plural, score } from '../format/numbers.ts';
import type { Asked } from './question.ts';

/** One that was ranked, in the answer or left out of it. */
export interface Candidate {
  readonly receipt: Receipt;
  /** In the answer, from 1; null: left out. */
  readonly place: number | null;
  /** Of those in the answer the query brings the whole. */
  readonly context: RankedContext | null;
}

export const PARTS = ['similarity', 'recency', 'level', 'frequency'] as const;
export type Part = (typeof PARTS)[number];

export const PART_MEANINGS: Readonly<Record<Part | 'lexical', string>> = {
  similarity: 'how well the text fits, by its words and its vector',
  lexical: 'how well its words fit; this is within the similarity and not weighed again',
  recency: 'how new it is',
  level: 'which level it is in',
  frequency: 'how often it was returned before',
};

/** Those in the answer in its order, then what was left out, the best first. */
export function candidatesOf({ reply }: Asked): Candidate[] {
  const places = new Map(reply.contexts.map((context, index) => [context.id, { place: index + 1, context }]));
  return (reply.receipts ?? [])
    .map((receipt) => {
      const own = receipt.outcome === 'included' ? places.get(receipt.id) : undefined;
      return { receipt, place: own?.place ?? null, context: own?.context ?? null };
    })
    .sort(
      (a, b) =>
        standingOf(a) - standingOf(b) ||
        b.receipt.relevance_score - a.receipt.relevance_score ||
        (a.receipt.id < b.receipt.id ? -1 : 1),
    );
}

/** What has to do with the question stands before what has not, however new that is. */
function standingOf({ place, receipt }: Candidate): number {
  return place ?? (receipt.outcome === 'below_threshold' ? 1e9 + 1 : 1e9);
}

/** What a part brings to the score; see docs/retrieval.md, section 4. */
export function contribution(receipt: Receipt, part: Part, rank: Rank): number {
  return receipt.scores[part] * rank.weights[part] * shareOf(receipt, part, rank);
}

/** How `contribution` comes about. */
export function contributionWords(receipt: Receipt, part: Part, rank: Rank): string {
  const share = shareOf(receipt, part, rank);
  const factors = [receipt.scores[part], rank.weights[part], ...(share === 1 ? [] : [share])].map(score);
  return `${factors.join(' × ')} = ${score(contribution(receipt, part, rank))}`;
}

function shareOf({ scores }: Receipt, part: Part, { weights, ranking }: Rank): number {
  if (part === 'similarity' || ranking === 'additive') return 1;
  const others = weights.recency + weights.level + weights.frequency;
  return others === 0 ? 1 : scores.similarity ** Math.min(1, weights.similarity / others);
}

/** What became of it and why, with the numbers that decided. */
export function outcomeWords({ receipt, place }: Candidate, asked: Asked, defaults: QueryDefaults): string {
  const { reply, maxTokens, threshold } = asked;
  const left = maxTokens - reply.total_tokens;
  switch (receipt.outcome) {
    case 'included':
      return place === null ? 'in the answer' : `in the answer, no. ${place}`;
    case 'over_budget':
      return `left out: over budget: ${plural(receipt.token_count, 'token')} did not fit in the ${count(left)} left`;
    case 'over_limit':
      return `left out: over the limit: the answer already held ${plural(asked.limit, 'context')}`;
    case 'duplicate':
      return 'left out: it says the same as another candidate, which stands for both';
    case 'past':
      return 'left out: it does not hold any more';
    case 'below_threshold':
      if (threshold !== null && receipt.relevance_score < threshold)
        return `left out: below the threshold: its score ${score(receipt.relevance_score)} is under ${score(threshold)}`;
      return `left out: hardly to do with it: similarity ${score(receipt.scores.similarity)}, and ${score(leastSimilarity(asked, defaults))} is asked for`;
  }
}

function leastSimilarity({ reply, threshold }: Asked, defaults: QueryDefaults): number {
  const standsIn = reply.metadata.below_threshold === true;
  return standsIn || threshold !== null
    ? defaults.min_similarity
    : Math.max(defaults.min_similarity, defaults.relevance_threshold);
}

/** The two apart, in one sentence. */
export function differenceWords(first: Receipt, second: Receipt, rank: Rank): string {
  const gap = first.relevance_score - second.relevance_score;
  if (Math.abs(gap) < 0.0005) return 'Both score the same.';
  const [higher, sign] = gap > 0 ? ['first', 1] : ['second', -1];
  const gains = PARTS.map((part) => ({
    part,
    gain: sign * (contribution(first, part, rank) - contribution(second, part, rank)),
  })).sort((a, b) => b.gain - a.gain);
  const [most, next] = gains;
  const named = [most, next]
    .filter((each) => each !== undefined && each.gain > 0.0005)
    .map((each) => `${each?.part ?? ''} (+${score(each?.gain ?? 0)})`);
  return `The ${higher} scores ${score(Math.abs(gap))} higher${named.length === 0 ? '' : `, by its ${named.join(' and its ')}`}.`;
}
