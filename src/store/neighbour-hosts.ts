// Which of a search's hits bring their neighbours. Every driver chooses the same ones, also among hits that are equally good:
// those of texts that hold the same words often are.

/** Scores of two drivers are the same up to here. */
const SCORE_STEPS = 1e4;

export interface HostChoice {
  /** Of its side of the search. */
  readonly score: number;
  readonly createdAtMs: number;
  readonly id: string;
}

/** The `count` best of one side of one level; of equally good ones the youngest. `choiceOf` is asked only where there are more. */
export function hostsAmong<T>(hits: readonly T[], count: number, choiceOf: (hit: T) => HostChoice): readonly T[] {
  if (hits.length <= count) return hits;
  const chosen = hits.map((hit) => ({ hit, choice: choiceOf(hit) }));
  return chosen
    .sort((a, b) => compareChoices(a.choice, b.choice))
    .slice(0, count)
    .map(({ hit }) => hit);
}

function compareChoices(a: HostChoice, b: HostChoice): number {
  const byScore = Math.round(b.score * SCORE_STEPS) - Math.round(a.score * SCORE_STEPS);
  return byScore || b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1);
}
