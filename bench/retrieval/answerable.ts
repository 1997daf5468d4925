import type { Client } from '../../clients/typescript/src/index.ts';
import type { Conversation } from './conversations.ts';

type Verdict = 'yes' | 'weak' | 'no';

/** What a conversation's memory said of a question. */
interface Asked {
  readonly isOwn: boolean;
  readonly verdict: Verdict;
}

export interface AnswerableReport {
  /** Questions of the conversations themselves, and of another one. */
  readonly own: number;
  readonly foreign: number;
  /** Mean of the shares told right of each kind, where everything but `no` counts as answerable. */
  readonly balanced_accuracy: number;
  /** Shares of each kind by verdict. */
  readonly verdicts: Readonly<Record<'own' | 'foreign', Readonly<Record<Verdict, number>>>>;
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
        asked.push({ isOwn, verdict: metadata.answerable.verdict });
      }
  }
  return reportOf(asked);
}

function reportOf(asked: readonly Asked[]): AnswerableReport {
  const own = asked.filter(({ isOwn }) => isOwn);
  const foreign = asked.filter(({ isOwn }) => !isOwn);
  const verdicts = { own: verdictsOf(own), foreign: verdictsOf(foreign) };
  return {
    own: own.length,
    foreign: foreign.length,
    balanced_accuracy: (1 - verdicts.own.no + verdicts.foreign.no) / 2,
    verdicts,
  };
}

function verdictsOf(asked: readonly Asked[]): Record<Verdict, number> {
  const shareOf = (verdict: Verdict): number => asked.filter((each) => each.verdict === verdict).length / asked.length;
  return { yes: shareOf('yes'), weak: shareOf('weak'), no: shareOf('no') };
}

export function answerableLines({ own, foreign, balanced_accuracy: accuracy, verdicts }: AnswerableReport): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const line = (kind: 'own' | 'foreign'): string => {
    const { yes, weak, no } = verdicts[kind];
    return `  ${kind === 'own' ? `own (${own})` : `of another (${foreign})`}: yes ${percent(yes)}, weak ${percent(weak)}, no ${percent(no)}`;
  };
  return [
    'metadata.answerable, asked a conversation its own questions and those of another one',
    line('own'),
    line('foreign'),
    `  balanced accuracy: ${percent(accuracy)}`,
    '',
  ].join('\n');
}
