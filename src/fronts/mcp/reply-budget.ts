import type { Context } from '../../protocol/messages.generated.ts';
import { CHARS_PER_TOKEN_MAX, cutText, quoted, toView, type MemoryView } from './memory-view.ts';

/** What a tool says, for models as text and for programs as an object: the same, twice. */
export interface Answer {
  readonly text: string;
  readonly structured: Readonly<Record<string, unknown>>;
}

/** What an answer makes of the memories that have room in it, and of how many have none. */
export type Frame = (views: readonly MemoryView[], omitted: number) => Answer;

/** How many tokens a text is taken to cost. */
export type CountTokens = (text: string) => number;

/** So much of a text is shown at least, or its memory is left out. */
const SHOWN_TOKENS_MIN = 40;
/** A head that takes more than this share of what there is loses its tags, session and agent. */
const HEAD_SHARE_MAX = 1 / 4;
/** Counts of parts do not quite add up to that of the whole: where it is over, it is tried with so much less. */
const NEXT_TRY = 0.9;

/** Keeps what is answered within a number of tokens: the text as well as the object, as a client shows a model one of the two. */
export class ReplyBudget {
  readonly maxTokens: number;
  readonly #count: CountTokens;

  constructor(maxTokens: number, countTokens: CountTokens) {
    this.maxTokens = maxTokens;
    this.#count = countTokens;
  }

  /** At most what the caller wants of it, and never more than there is. */
  within(maxTokens: number | undefined): ReplyBudget {
    return maxTokens === undefined || maxTokens >= this.maxTokens ? this : new ReplyBudget(maxTokens, this.#count);
  }

  tokensOf({ text, structured }: Answer): number {
    return Math.max(this.#count(text), this.#count(JSON.stringify(structured)));
  }

  /** Whether a text takes at most this share of it. */
  isWithin(text: string, share: number): boolean {
    return text.length <= this.maxTokens * CHARS_PER_TOKEN_MAX && this.#count(text) <= this.maxTokens * share;
  }

  fits(answer: Answer): boolean {
    return this.tokensOf(answer) <= this.maxTokens;
  }

  /**
   * As many memories, in their order, as have room with at least the beginning of their texts. Short texts are whole;
   * what they leave is shared by the long ones, which are cut and say so.
   */
  fit(contexts: readonly Context[], frame: Frame): Answer {
    let room = this.maxTokens - this.tokensOf(frame([], contexts.length));
    for (;;) {
      const views = this.#fill(contexts, room);
      const answer = frame(views, contexts.length - views.length);
      if (views.length === 0 || this.fits(answer)) return answer;
      room = Math.floor(room * NEXT_TRY);
    }
  }

  /** The part of a text from `offset` on that has room in an answer which `frame` makes of it. */
  part(text: string, offset: number, frame: (part: string) => Answer): Answer {
    let room = this.maxTokens - this.tokensOf(frame(''));
    const rest = text.slice(offset);
    for (;;) {
      const answer = frame(cutText(rest, room, (part) => this.#textTokens(part)));
      if (room <= 0 || this.fits(answer)) return answer;
      room = Math.floor(room * NEXT_TRY);
    }
  }

  #fill(contexts: readonly Context[], room: number): MemoryView[] {
    const chosen: { view: MemoryView; head: number; text: number }[] = [];
    let left = room;
    for (const context of contexts) {
      const view = this.#viewOf(context, room);
      const head = this.#headTokens(view);
      const text = this.#textTokens(view.text);
      left -= head + Math.min(text, SHOWN_TOKENS_MIN);
      if (left < 0) break;
      chosen.push({ view, head, text });
    }
    const forTexts = room - chosen.reduce((sum, { head }) => sum + head, 0);
    const each = fairShare(
      chosen.map(({ text }) => text),
      forTexts,
    );
    return chosen.map(({ view, text }) => (text <= each ? view : this.#cut(view, each)));
  }

  #viewOf(context: Context, room: number): MemoryView {
    const view = toView(context);
    return this.#headTokens(view) <= room * HEAD_SHARE_MAX ? view : toView(context, { isBare: true });
  }

  #cut(view: MemoryView, maxTokens: number): MemoryView {
    const text = cutText(view.text, maxTokens, (part) => this.#textTokens(part));
    return { ...view, text, next_offset: text.length, total_characters: view.text.length };
  }

  /** With room for the numbers that a cut adds. */
  #headTokens(view: MemoryView): number {
    const empty = { ...view, text: '', next_offset: view.text.length, total_characters: view.text.length };
    return Math.max(this.#count(quoted(empty, 99)), this.#count(JSON.stringify(empty)));
  }

  #textTokens(text: string): number {
    if (text.length > this.maxTokens * CHARS_PER_TOKEN_MAX) return Number.POSITIVE_INFINITY;
    return Math.max(this.#count(quoted({ text }, 0)), this.#count(JSON.stringify(text)));
  }
}

/** The most that each of `wants` may take, so that together they take no more than `room`. */
function fairShare(wants: readonly number[], room: number): number {
  let left = room;
  const ascending = wants.toSorted((a, b) => a - b);
  for (const [place, want] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - place));
    if (want > share) return share;
    left -= want;
  }
  return Number.POSITIVE_INFINITY;
}
