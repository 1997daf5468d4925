import type { ContextRecord } from '../../base/context.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import { type ComparedText, comparedText, likenessOf } from '../../base/text/likeness.ts';
import type { Guards } from './types.ts';
import type { WindowSettings } from './window-limits.ts';

export interface GuardInput {
  /** The session's last answers, oldest first. */
  readonly recent: readonly ContextRecord[];
  /** How many in a row repeated another. */
  readonly run: number;
  readonly answers: readonly ContextRecord[];
}

export interface Guarded {
  readonly recentIds: readonly string[];
  readonly run: number;
  /** Of the last answer. */
  readonly guards: Guards | undefined;
}

/** Whether an assistant says again what it has said. Each text is looked at once, and others have their turn between. */
export async function guardAnswers(
  { recent, run: runBefore, answers }: GuardInput,
  { echoSimilarity, echoWindow, boredomRun }: WindowSettings,
  turns: LoopTurns,
): Promise<Guarded> {
  const window: { readonly id: string; readonly text: ComparedText }[] = [];
  const look = async ({ id, text }: ContextRecord) => {
    await turns.nextForText(text.length);
    return { id, text: comparedText(text) };
  };
  for (const before of recent) window.push(await look(before));
  let run = runBefore;
  let guards: Guards | undefined;
  for (const answer of answers) {
    const said = await look(answer);
    const alike = window.map(({ id, text }) => ({ of: id, similarity: likenessOf(text, said.text) }));
    const best = alike.sort((a, b) => b.similarity - a.similarity)[0];
    const echo = best !== undefined && best.similarity >= echoSimilarity ? best : undefined;
    run = echo === undefined ? 0 : run + 1;
    guards = echo && { echo: { ...echo, run }, ...(run >= boredomRun && { boredom: { run } }) };
    window.push(said);
    if (window.length > echoWindow) window.shift();
  }
  return { recentIds: window.map(({ id }) => id), run, guards };
}
