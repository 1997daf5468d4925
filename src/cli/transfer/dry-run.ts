import { isoTimeOf } from './times.ts';
import type { PlacedFact } from './fact-uploader.ts';
import type { PlacedContext } from './uploader.ts';

/** Sessions and agents that are counted; of more it is said that there are more. */
const NAMES_MAX = 100_000;

/** What an import would store. */
export class DryRun {
  #contexts = 0;
  #facts = 0;
  readonly #sessions = new Set<string>();
  readonly #agents = new Set<string>();
  #earliestMs = Number.POSITIVE_INFINITY;
  #latestMs = 0;

  add(placed: PlacedContext | PlacedFact): void {
    if ('fact' in placed) {
      this.#facts += 1;
      return;
    }
    const { context } = placed;
    this.#contexts += 1;
    count(this.#sessions, context.session_id);
    count(this.#agents, context.agent_id);
    this.#earliestMs = Math.min(this.#earliestMs, context.created_at ?? Number.POSITIVE_INFINITY);
    this.#latestMs = Math.max(this.#latestMs, context.created_at ?? 0);
  }

  get counts(): object {
    return {
      contexts: this.#contexts,
      ...(this.#facts === 0 ? {} : { facts: this.#facts }),
      sessions: this.#sessions.size,
      agents: this.#agents.size,
      ...(this.#contexts === 0 ? {} : { earliest: isoTimeOf(this.#earliestMs), latest: isoTimeOf(this.#latestMs) }),
    };
  }

  describe(failed: number): string {
    const number = (count: number): string => (count >= NAMES_MAX ? 'more than ' : '') + count.toLocaleString('en');
    const parts = [
      `${this.#contexts.toLocaleString('en')} to store`,
      ...(this.#facts === 0 ? [] : [`${this.#facts.toLocaleString('en')} facts`]),
      `${number(this.#sessions.size)} sessions`,
      `${number(this.#agents.size)} agents`,
      ...(this.#contexts === 0 ? [] : [`from ${isoTimeOf(this.#earliestMs)} to ${isoTimeOf(this.#latestMs)}`]),
      `${failed.toLocaleString('en')} cannot be stored`,
    ];
    return `${parts.join(', ')}\n`;
  }
}

function count(names: Set<string>, name: string | undefined): void {
  if (name !== undefined && names.size < NAMES_MAX) names.add(name);
}
