import type { CallerDoor } from '../../api/caller.ts';
import { recentEntries } from '../../base/recent-entries.ts';
import { tagOfResponse } from './conversation-messages.ts';
import { objectOf } from './json-values.ts';
import type { TokenCaller } from './tokens.ts';

export interface ResponsePlace {
  readonly sessionId: string;
  /** Of the answer. */
  readonly messageId: string;
}

const KNOWN_MAX = 10_000;

/** Where answers stand that clients go on from (`previous_response_id`). */
export class ResponsePlaces {
  readonly #door: CallerDoor;
  readonly #timeoutMs: number;
  readonly #known = recentEntries<ResponsePlace>(KNOWN_MAX);

  constructor(door: CallerDoor, timeoutMs: number) {
    this.#door = door;
    this.#timeoutMs = timeoutMs;
  }

  /** Null: it is not among what the caller's agent has. Rejects where memory fails. */
  async find(caller: TokenCaller, address: string | undefined, responseId: string): Promise<ResponsePlace | null> {
    const known = this.#known.get(keyOf(caller, responseId));
    if (known !== undefined) return known;
    const filter = { must: [{ key: 'tags', match: { value: tagOfResponse(responseId) } }] };
    const payload = { agent_id: caller.agent, filter, limit: 1 };
    const options = { door: 'gateway', address, timeoutMs: this.#timeoutMs, isCounted: true } as const;
    const { contexts } = (await this.#door.ask(caller, 'context.list', payload, options)) as {
      readonly contexts: readonly unknown[];
    };
    const { id, session_id: sessionId } = objectOf(contexts[0]);
    if (typeof id !== 'string' || typeof sessionId !== 'string') return null;
    const place = { sessionId, messageId: id };
    this.note(caller, responseId, place);
    return place;
  }

  /** It is about to be stored: whoever goes on from it finds it already. */
  note(caller: TokenCaller, responseId: string, place: ResponsePlace): void {
    this.#known.set(keyOf(caller, responseId), place);
  }
}

function keyOf({ namespace, agent }: TokenCaller, responseId: string): string {
  return JSON.stringify([namespace, agent, tagOfResponse(responseId)]);
}
