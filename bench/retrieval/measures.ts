import { CATEGORY_NAMES } from './conversations.ts';

/** Token budgets of the `recall_in_N_tokens` measures. */
export const TOKEN_BUDGETS = [500, 1_000, 2_000] as const;
const CUTOFFS = [5, 10, 20] as const;

/** What one strategy answered to one question, as ids of turns, best first. */
export interface Answer {
  readonly conversation: string;
  readonly category: number;
  readonly evidence: readonly string[];
  readonly ranked: readonly string[];
  /** Per budget, in the order of TOKEN_BUDGETS. */
  readonly withinBudget: readonly (readonly string[])[];
}

export interface Measures {
  questions: number;
  recall_at_5: number;
  recall_at_10: number;
  recall_at_20: number;
  recall_in_500_tokens: number;
  recall_in_1000_tokens: number;
  recall_in_2000_tokens: number;
  mrr: number;
}

/** Share of the evidence that is among `found`, 0..1. */
function evidenceRecall(evidence: readonly string[], found: readonly string[]): number {
  const present = new Set(found);
  return evidence.filter((id) => present.has(id)).length / evidence.length;
}

/** 1 / rank of the first evidence turn, 0 where none was found. */
function reciprocalRank(evidence: readonly string[], ranked: readonly string[]): number {
  const position = ranked.findIndex((id) => evidence.includes(id));
  return position === -1 ? 0 : 1 / (position + 1);
}

/** Means over the answers; NaN-free only where there is at least one. */
export function measure(answers: readonly Answer[]): Measures {
  const mean = (value: (answer: Answer) => number): number =>
    answers.reduce((sum, answer) => sum + value(answer), 0) / answers.length;
  const at = (k: number): number => mean((answer) => evidenceRecall(answer.evidence, answer.ranked.slice(0, k)));
  const within = (budget: number): number =>
    mean((answer) => evidenceRecall(answer.evidence, answer.withinBudget[budget] ?? []));
  return {
    questions: answers.length,
    recall_at_5: at(CUTOFFS[0]),
    recall_at_10: at(CUTOFFS[1]),
    recall_at_20: at(CUTOFFS[2]),
    recall_in_500_tokens: within(0),
    recall_in_1000_tokens: within(1),
    recall_in_2000_tokens: within(2),
    mrr: mean((answer) => reciprocalRank(answer.evidence, answer.ranked)),
  };
}

/** `measure` for each category that has questions, by the category's name. */
export function measureByCategory(answers: readonly Answer[]): Record<string, Measures> {
  const categories = [...new Set(answers.map((answer) => answer.category))].sort((a, b) => a - b);
  return Object.fromEntries(
    categories.map((category) => [
      CATEGORY_NAMES[category] ?? `category ${category}`,
      measure(answers.filter((answer) => answer.category === category)),
    ]),
  );
}

/** `measure` for each conversation, by its name. */
export function measureByConversation(answers: readonly Answer[]): Record<string, Measures> {
  const groups = Object.entries(Object.groupBy(answers, ({ conversation }) => conversation));
  return Object.fromEntries(groups.map(([name, some = []]) => [name, measure(some)]));
}

/** The value below which `share` (0..1) of the samples lie; nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Reciprocal-rank fusion (Cormack, Clarke and Buettcher 2009) with their k = 60. */
export function reciprocalRankFusion(rankings: readonly (readonly string[])[]): string[] {
  const scores = new Map<string, number>();
  for (const ranking of rankings) {
    ranking.forEach((id, index) => scores.set(id, (scores.get(id) ?? 0) + 1 / (60 + index + 1)));
  }
  return [...scores].sort((a, b) => b[1] - a[1]).map(([id]) => id);
}
