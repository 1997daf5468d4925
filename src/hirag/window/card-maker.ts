import type { Clock } from '../../base/clock.ts';
import type { ContextRecord } from '../../base/context.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import type { ContextStore } from '../../store/store.ts';
import type { TokenEstimator } from '../write/token-estimator.ts';
import { extractiveSummary, type Original, readableOf } from './extractive-card.ts';
import { dateOf } from './memory-block.ts';
import { type CardedMessage, type CardText, isStill } from './session-body.ts';
import { speakerOf } from './speaker.ts';

export interface CardMakerDeps {
  readonly store: ContextStore;
  readonly tokens: TokenEstimator;
  readonly turns: LoopTurns;
  readonly clock: Clock;
}

/** A card of what is still there of its messages. */
export interface MadeCard {
  readonly text: CardText;
  readonly messages: readonly CardedMessage[];
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

const READ_AT_ONCE = 100;
/** About a MiB of texts. */
const READ_TOKENS_MAX = 250_000;

/** Makes cards, of originals and never of cards. */
export class CardMaker {
  readonly #deps: CardMakerDeps;
  readonly #cardTokens: number;

  /** `cardTokens`: what a card has at most, with what introduces it. */
  constructor(deps: CardMakerDeps, cardTokens: number) {
    this.#deps = deps;
    this.#cardTokens = cardTokens;
  }

  /** Null: nothing of them is there any more. `known`: records that need not be read again. */
  async make(
    namespace: string,
    messages: readonly CardedMessage[],
    known: ReadonlyMap<string, ContextRecord> = new Map(),
  ): Promise<MadeCard | null> {
    const there: CardedMessage[] = [];
    const originals: Original[] = [];
    let versions = 0;
    for (let from = 0; from < messages.length; ) {
      const part = messages.slice(from, endOfPart(messages, from));
      from += part.length;
      const records = await this.#read(namespace, part, known);
      for (const message of part) {
        const record = records.get(message.id);
        if (!isStill(message, record)) continue;
        there.push(message);
        versions += record.version;
        originals.push({
          speaker: speakerOf(record),
          text: readableOf(record.text, messages.length),
          atMs: record.createdAtMs,
        });
      }
    }
    if (there.length === 0) return null;
    const times = originals.map(({ atMs }) => atMs);
    const [firstAtMs, lastAtMs] = [Math.min(...times), Math.max(...times)];
    const title = cardTitle(there.length, firstAtMs, lastAtMs);
    const text = { ...(await this.#summary(namespace, title, originals)), versions };
    return { text, messages: there, firstAtMs, lastAtMs };
  }

  async #summary(namespace: string, title: string, originals: readonly Original[]) {
    const { store, tokens, turns } = this.#deps;
    const count = (texts: readonly string[]): Promise<number[]> => tokens.count(texts);
    const [titleTokens = 0] = await count([title]);
    const weights = async (terms: readonly string[]): Promise<number[]> => {
      const { documentCount, documentFrequencies } = await store.termStatistics(namespace, terms);
      return documentFrequencies.map((frequency) => inverseDocumentFrequency(documentCount, frequency));
    };
    const room = this.#cardTokens - titleTokens - 1;
    const said = await extractiveSummary(originals, room, { weights, count, turns });
    const summary = said === '' ? title : `${title}\n${said}`;
    const [total = this.#cardTokens] = await count([summary]);
    return { summary, tokens: total };
  }

  async #read(namespace: string, messages: readonly CardedMessage[], known: ReadonlyMap<string, ContextRecord>) {
    const ids = messages.map(({ id }) => id).filter((id) => !known.has(id));
    const found = await this.#deps.store.fetch(namespace, ids, this.#deps.clock.nowMs());
    const read = found.flatMap((record) => (record === null ? [] : [[record.id, record] as const]));
    return new Map([...known, ...read]);
  }
}

/** Behind the last of those that are read together from a place on: one at least, and no more than there is room for. */
export function endOfPart(messages: readonly CardedMessage[], from: number): number {
  let tokens = messages[from]?.tokens ?? 0;
  let end = from + 1;
  while (end < messages.length && end - from < READ_AT_ONCE) {
    tokens += messages[end]?.tokens ?? 0;
    if (tokens > READ_TOKENS_MAX) break;
    end++;
  }
  return end;
}

/** What introduces a card. */
export function cardTitle(messages: number, firstAtMs: number, lastAtMs: number): string {
  const [first, last] = [dateOf(firstAtMs), dateOf(lastAtMs)];
  const dates = first === last ? first : `${first} to ${last}`;
  return `[Summary of ${messages} earlier message${messages === 1 ? '' : 's'}, ${dates}]`;
}
