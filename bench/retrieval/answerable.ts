import type { Client } from '../../clients/typescript/src/index.ts';
import { COVERAGE_WEAK_MIN, COVERAGE_YES_MIN } from '../../src/hirag/query/answerable.ts';
import type { Conversation } from './conversations.ts';

/** What a conversation's memory said of a question. */
interface Asked {
  readonly isOwn: boolean;
  readonly coverage: number;
}

export interface AnswerableReport {
  /** Questions of the conversations themselves, and of another one. */
  readonly own: number;
  readonly foreign: number;
  /** Mean of the shares told right of each kind, where everything but `no` counts as answerable. */
  readonly balanced_accuracy: number;
  /** Shares of each kind by verdict. */
  readonly verdicts: Readonly<Record<'own' | 'foreign', Readonly<Record<'yes' | 'weak' | 'no', number>>>>;
  /** The threshold that would tell best, and what it would reach. */
  readonly best: { readonly threshold: number; readonly balanced_accuracy: number };
}

/** Asks each conversation's memory its own questions and those of the next one. They are stored under their names. */
export async function measureAnswerable(
  client: Client,
  conversations: readonly Conversation[],
): Promise<AnswerableReport> {
  const asked: Asked[] = [];
  for (const [i, { name, questions }] of conversations.entries()) {
    const { questions: others } = conversations[(i + 1) % conversations.length] as Conversation;
    for (const [isOwn, list] of [
      [true, questions],
      [false, others],
    ] as const)
      for (const { question } of list) {
        const { metadata } = await client.query({ query: question, namespace: name });
        asked.push({ isOwn, coverage: metadata.answerable.coverage });
      }
  }
  return reportOf(asked);
}

function reportOf(asked: readonly Asked[]): AnswerableReport {
  const own = asked.filter(({ isOwn }) => isOwn);
  const foreign = asked.filter(({ isOwn }) => !isOwn);
  const thresholds = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const [best = 0] = thresholds.toSorted(
    (a, b) => balancedAccuracy(own, foreign, b) - balancedAccuracy(own, foreign, a),
  );
  return {
    own: own.length,
    foreign: foreign.length,
    balanced_accuracy: balancedAccuracy(own, foreign, COVERAGE_WEAK_MIN),
    verdicts: { own: verdictsOf(own), foreign: verdictsOf(foreign) },
    best: { threshold: best, balanced_accuracy: balancedAccuracy(own, foreign, best) },
  };
}

function balancedAccuracy(own: readonly Asked[], foreign: readonly Asked[], threshold: number): number {
  return (shareFrom(own, threshold) + 1 - shareFrom(foreign, threshold)) / 2;
}

function shareFrom(asked: readonly Asked[], threshold: number): number {
  return asked.filter(({ coverage }) => coverage >= threshold).length / asked.length;
}

function verdictsOf(asked: readonly Asked[]): Record<'yes' | 'weak' | 'no', number> {
  const yes = shareFrom(asked, COVERAGE_YES_MIN);
  const weak = shareFrom(asked, COVERAGE_WEAK_MIN) - yes;
  return { yes, weak, no: 1 - yes - weak };
}

export function answerableLines({
  own,
  foreign,
  balanced_accuracy: accuracy,
  verdicts,
  best,
}: AnswerableReport): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const line = (kind: 'own' | 'foreign'): string => {
    const { yes, weak, no } = verdicts[kind];
    return `  ${kind === 'own' ? `own (${own})` : `of another (${foreign})`}: yes ${percent(yes)}, weak ${percent(weak)}, no ${percent(no)}`;
  };
  return [
    'metadata.answerable, asked a conversation its own questions and those of another one',
    line('own'),
    line('foreign'),
    `  balanced accuracy: ${percent(accuracy)} (coverage from ${COVERAGE_WEAK_MIN} on; best ${percent(best.balanced_accuracy)} from ${best.threshold} on)`,
    '',
  ].join('\n');
}
