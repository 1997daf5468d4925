import { LoopTurns } from '../../base/loop-turns.ts';
import { type ComparedText, comparedText, likenessOf } from '../../base/text/likeness.ts';
import type { Settings } from '../../config/settings.ts';

/** Answers before this one that are looked through for a run. */
const LOOKED_BACK_MAX = 128;
/** Of all requests together. */
const TURNS = new LoopTurns();

/**
 * Whether answers repeat others of their conversation, as sessions tell of it. Each text is taken apart once,
 * when it is first needed, and others have their turn between.
 */
export class AnswerGuard {
  /** The newest first. */
  readonly #before: readonly string[];
  readonly #compared: ComparedText[] = [];
  readonly #similarity: number;
  readonly #window: number;
  /** Of the answers before: how many of the last in a row repeat others. */
  #runBefore: number | null = null;

  /** `before`: what was answered in the conversation, oldest first. */
  constructor(
    before: readonly string[],
    { echoSimilarity, echoWindow }: Pick<Settings['window'], 'echoSimilarity' | 'echoWindow'>,
  ) {
    this.#before = before.slice(-LOOKED_BACK_MAX).reverse();
    this.#similarity = echoSimilarity;
    this.#window = echoWindow;
  }

  /** How many answers in a row, the last of them `answer`, each repeat one before it; 0: this one does not. */
  async runOf(answer: string): Promise<number> {
    if (answer.trim() === '' || !(await this.#repeats(await takenApart(answer), 0))) return 0;
    this.#runBefore ??= await this.#countRunBefore();
    return this.#runBefore + 1;
  }

  async #countRunBefore(): Promise<number> {
    let run = 0;
    while (run < this.#before.length && (await this.#repeats(await this.#at(run), run + 1))) run += 1;
    return run;
  }

  async #repeats(answer: ComparedText, from: number): Promise<boolean> {
    const to = Math.min(this.#before.length, from + this.#window);
    for (let place = from; place < to; place++)
      if (likenessOf(answer, await this.#at(place)) >= this.#similarity) return true;
    return false;
  }

  async #at(place: number): Promise<ComparedText> {
    return (this.#compared[place] ??= await takenApart(this.#before[place] ?? ''));
  }
}

async function takenApart(text: string): Promise<ComparedText> {
  await TURNS.nextForText(text.length);
  return comparedText(text);
}
