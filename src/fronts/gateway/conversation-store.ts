import type { AskOptions, CallerDoor } from '../../api/caller.ts';
import { CodedError } from '../../base/errors.ts';
import { sessionKeyOf, type Place } from './conversation-messages.ts';

/** What is asked of the memory to store what was said. */
export interface StoreStep {
  readonly type: 'session.append' | 'context.store_batch';
  readonly payload: Record<string, unknown>;
}

export interface StoreBounds {
  /** Requests of which something is being stored or waits for it. */
  readonly requestsMax: number;
  /** Of their texts together. */
  readonly unitsMax: number;
}

const BOUNDS: StoreBounds = { requestsMax: 4_096, unitsMax: 64 * 1024 * 1024 };
const RETRY_MS = 500;
/** What has been said is stored, if it takes a while. */
const STORE_TIMEOUT_MS = 30_000;

/** Stores what was said, one after the other in a session. Of a request it keeps nothing but what is to be stored. */
export class ConversationStore {
  readonly #door: Pick<CallerDoor, 'ask'>;
  readonly #bounds: StoreBounds;
  /** What is being stored in sessions: whoever asks next is to find it there. */
  readonly #storing = new Map<string, Promise<unknown>>();
  #requests = 0;
  #units = 0;

  constructor(door: Pick<CallerDoor, 'ask'>, bounds = BOUNDS) {
    this.#door = door;
    this.#bounds = bounds;
  }

  /** Rejects where memory fails, and at once with `OVERLOADED` where too much waits. */
  async store(place: Place, steps: readonly StoreStep[]): Promise<void> {
    const { requestsMax, unitsMax } = this.#bounds;
    const units = steps.reduce((sum, { payload }) => sum + unitsOf(payload), 0);
    if (this.#requests >= requestsMax || this.#units + units > unitsMax)
      throw new CodedError('OVERLOADED', 'as much as may waits to be stored', { retryAfterMs: RETRY_MS });
    this.#requests += 1;
    this.#units += units;
    const key = sessionKeyOf(place);
    const { caller, address } = place;
    const before = this.#storing.get(key) ?? Promise.resolve();
    const storing = before.then(() => this.#ask(caller, address, steps));
    const settled = Promise.allSettled([storing]);
    this.#storing.set(key, settled);
    try {
      await storing;
    } finally {
      this.#requests -= 1;
      this.#units -= units;
      if (this.#storing.get(key) === settled) this.#storing.delete(key);
    }
  }

  /** What is being stored where a request goes on; undefined: nothing. */
  storingAt(place: Place): Promise<unknown> | undefined {
    return this.#storing.get(sessionKeyOf(place));
  }

  /** Resolves when nothing is being stored any more. */
  async idle(): Promise<void> {
    while (this.#storing.size > 0) await Promise.all(this.#storing.values());
  }

  /** Sessions in which something is being stored. */
  get sessions(): number {
    return this.#storing.size;
  }

  async #ask(caller: Place['caller'], address: string | undefined, steps: readonly StoreStep[]): Promise<void> {
    // What was said is stored although whoever said it has gone.
    const options: AskOptions = { door: 'gateway', address, timeoutMs: STORE_TIMEOUT_MS, isCounted: true };
    for (const { type, payload } of steps) await this.#door.ask(caller, type, payload, options);
  }
}

/** Of all texts in it, and a little for what else there is. */
export function unitsOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, each) => sum + unitsOf(each), 1);
}
