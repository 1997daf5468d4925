import { createHash } from 'node:crypto';
import type { WholeContext } from '../../store/generic/walk-store.ts';

/** A context that a question is made of. */
export interface Sampled {
  readonly namespace: string;
  readonly agentId: string;
  readonly question: string;
  readonly vector: Float32Array;
}

interface Ticket {
  readonly number: string;
  readonly sampled: Sampled;
}

const WORDS_MAX = 12;
const CHARS_MAX = 160;

/**
 * Some of the contexts that it is shown: those whose ids hash lowest with the seed, so that the same contexts are chosen in
 * whatever order and however often they come.
 */
export class Sample {
  readonly #size: number;
  readonly #seed: string;
  #tickets: Ticket[] = [];

  constructor(size: number, seed: string) {
    this.#size = size;
    this.#seed = seed;
  }

  show({ record, vector, unembedded }: WholeContext): void {
    if (this.#size === 0 || unembedded !== undefined) return;
    const { namespace, id, agentId, text } = record;
    const number = createHash('sha256').update(`${this.#seed}\0${namespace}\0${id}`).digest('hex');
    const last = this.#tickets.at(-1);
    if (this.#tickets.length === this.#size && last !== undefined && number >= last.number) return;
    const question = questionOf(text);
    if (question === '') return;
    const place = this.#placeOf(number);
    if (this.#tickets[place]?.number === number) return;
    this.#tickets.splice(place, 0, { number, sampled: { namespace, agentId, question, vector: vector.slice() } });
    if (this.#tickets.length > this.#size) this.#tickets.pop();
  }

  get chosen(): readonly Sampled[] {
    return this.#tickets.map(({ sampled }) => sampled);
  }

  #placeOf(number: string): number {
    let [low, high] = [0, this.#tickets.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#tickets[middle] as Ticket).number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Some words from the middle of a text, as somebody would ask who remembers a part of it. */
export function questionOf(text: string): string {
  const third = Math.floor(text.length / 3);
  const from = text.length <= CHARS_MAX ? 0 : Math.max(0, text.indexOf(' ', third) + 1 || third);
  const words = text
    .slice(from, from + CHARS_MAX)
    .trim()
    .split(/\s+/);
  return words.slice(0, WORDS_MAX).join(' ').toWellFormed();
}
