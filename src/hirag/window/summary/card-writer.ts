import type { Clock } from '../../../base/clock.ts';
import type { ContextStore } from '../../../store/store.ts';
import type { TokenEstimator } from '../../write/token-estimator.ts';
import { SENTENCE_END } from '../extractive-card.ts';
import { messageOf } from '../message.ts';
import { speakerName } from '../speaker.ts';
import { cardTitle } from '../card-maker.ts';
import { type CardedMessage, type CardText, isStill, type LiveItem } from '../session-body.ts';
import type { SessionStore } from '../session-store.ts';
import type { QuotedCard } from './prompt.ts';
import type { SummaryTask } from './task-store.ts';

/** A card that is still as it was first made, with the messages that it stands for. */
export interface OpenCard extends QuotedCard {
  readonly task: SummaryTask;
  /** Of it, when it was read: made anew meanwhile it is another one. */
  readonly versions: number;
  /** Stands before every summary. */
  readonly title: string;
}

export interface CardWriterDeps {
  readonly store: ContextStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenEstimator;
  readonly cardTokens: number;
  readonly clock: Clock;
}

/** Reads what cards stand for, and puts new summaries in the places of the first ones. */
export class CardWriter {
  readonly #deps: CardWriterDeps;

  constructor(deps: CardWriterDeps) {
    this.#deps = deps;
  }

  /** Null: it is not there any more, or a model has made it already. */
  async open(task: SummaryTask): Promise<OpenCard | null> {
    const found = await this.#read(task);
    if (found === null) return null;
    const ids = found.messages.map(({ id }) => id);
    const records = await this.#deps.store.fetch(task.namespace, ids, this.#deps.clock.nowMs());
    const messages = found.messages.flatMap((carded, place) => {
      const record = records[place] ?? null;
      const message = record === null ? null : messageOf(record);
      if (record === null || message === null || !isStill(carded, record)) return [];
      const name = speakerName(message.name);
      const speaker = name === undefined ? message.role : `${message.role} ${name}`;
      return [{ id: record.id, speaker, text: record.text, atMs: record.createdAtMs }];
    });
    if (messages.length === 0) return null;
    const times = messages.map(({ atMs }) => atMs);
    const title = cardTitle(messages.length, Math.min(...times), Math.max(...times));
    return { task, messages, versions: found.card.versions, title };
  }

  /** False: nothing of it has room, or the card is gone. Compare-and-set, of the card or of the session that holds it. */
  async replace({ task, title, versions }: OpenCard, summary: string, madeBy: string): Promise<boolean> {
    const fitting = await this.#fitting(title, summary);
    if (fitting === null) return false;
    const made = { ...fitting, madeBy };
    const isSame = (card: CardText): boolean => card.versions === versions && card.madeBy === undefined;
    if (!task.isInPlace)
      return this.#deps.sessions.changeCard(task, task.card, (card) => (isSame(card) ? { ...card, ...made } : null));
    let isThere = false;
    await this.#deps.sessions.change(task, (body) => {
      const renewed = (item: LiveItem): LiveItem => {
        const { messages, card } = item;
        if (card === undefined || messages[0]?.id !== task.card || !isSame(card)) return item;
        isThere = true;
        return { messages, card: { ...card, ...made } };
      };
      isThere = false;
      const live = body.live.map(renewed);
      return isThere ? { ...body, live } : null;
    });
    return isThere;
  }

  async #read(task: SummaryTask): Promise<{ messages: readonly CardedMessage[]; card: CardText } | null> {
    if (!task.isInPlace) {
      const card = await this.#deps.sessions.card(task, task.card);
      return card === null || card.madeBy !== undefined ? null : { messages: card.messages, card };
    }
    const { body } = await this.#deps.sessions.read(task);
    const item = body.live.find(({ messages, card }) => card !== undefined && messages[0]?.id === task.card);
    return item?.card === undefined || item.card.madeBy !== undefined
      ? null
      : { messages: item.messages, card: item.card };
  }

  /** As many whole sentences as have room, else words. */
  async #fitting(title: string, summary: string): Promise<{ summary: string; tokens: number } | null> {
    const { tokens, cardTokens } = this.#deps;
    for (const parts of [summary.split(SENTENCE_END), summary.split(' ')]) {
      const within = async (count: number): Promise<{ summary: string; tokens: number } | null> => {
        const text = `${title}\n${parts.slice(0, count).join(' ')}`;
        const [total = Infinity] = await tokens.count([text]);
        return total <= cardTokens ? { summary: text, tokens: total } : null;
      };
      let [from, to] = [0, parts.length];
      let best = await within(to);
      if (best !== null) return best;
      while (to - from > 1) {
        const middle = (from + to) >> 1;
        const fits = await within(middle);
        if (fits === null) to = middle;
        else [from, best] = [middle, fits];
      }
      if (best !== null) return best;
    }
    return null;
  }
}
