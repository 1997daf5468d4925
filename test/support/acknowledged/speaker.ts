import { ContextManagerError, type Client, type NewMessage } from '../../../clients/typescript/src/index.ts';
import { uuidV4, type Random } from '../../../src/base/random.ts';
import type { Acknowledger, Findings } from './findings.ts';

const SAID = 'words that take room '.repeat(8);
const CALL = { timeoutMs: 60_000 };
/** Of one that empties its session. */
const CALLS_BETWEEN_RESETS = 3;

type Said = NewMessage & { id: string };

export interface SpeakerOptions {
  /** It empties its session every few calls. */
  readonly resets?: boolean;
  readonly random: Random;
}

/** Appends calls of its own to a session until its server dies; what was under way then comes again to the next one, as it was. */
export class Speaker implements Acknowledger {
  /** Ids of each call that was acknowledged, in order. */
  readonly acknowledged: string[][] = [];
  readonly sessionId: string;
  readonly #name: string;
  readonly #options: SpeakerOptions;
  #next = 0;
  #unanswered: readonly Said[] | null = null;

  constructor(name: string, sessionId: string, options: SpeakerOptions) {
    this.#name = name;
    this.sessionId = sessionId;
    this.#options = options;
  }

  async work(client: Client, findings: Findings): Promise<void> {
    for (;;) {
      this.#unanswered ??= this.#exchange();
      const session = client.session(this.sessionId);
      await session.append(this.#unanswered, CALL);
      this.acknowledged.push(this.#unanswered.map(({ id }) => id));
      findings.count('append', this.#unanswered.length);
      this.#unanswered = null;
      if (this.#options.resets !== true || this.acknowledged.length % CALLS_BETWEEN_RESETS !== 0) continue;
      await session.reset({}, CALL);
      findings.count('reset');
    }
  }

  /** Each call is there once, whole, and in its place; those of others may stand between two, never within one. */
  async check(client: Client, findings: Findings): Promise<void> {
    const ids = await told(client, this.sessionId).catch((error: unknown) => {
      // Nothing was said in it yet, or all of that is lost.
      if (error instanceof ContextManagerError && error.code === 'NOT_FOUND') return [];
      throw error;
    });
    const placeOf = new Map(ids.map((id, place) => [id, place]));
    const unanswered = this.#unanswered?.map(({ id }) => id) ?? [];
    if (unanswered.some((id) => placeOf.has(id))) this.#checkCall(unanswered, ids, placeOf, findings);
    let before = -1;
    for (const call of this.acknowledged) {
      const place = this.#checkCall(call, ids, placeOf, findings);
      if (place === null) continue;
      if (place < before) findings.add('torn', `${this.#name}: ${call[0]} stands before what was said earlier`);
      before = place;
    }
    if (placeOf.size < ids.length) findings.add('doubled', `${this.#name}: a message of ${this.sessionId}`);
  }

  #checkCall(
    call: readonly string[],
    ids: readonly string[],
    placeOf: ReadonlyMap<string, number>,
    findings: Findings,
  ): number | null {
    const place = placeOf.get(call[0] as string);
    const missing = call.filter((id) => !placeOf.has(id));
    for (const id of missing) findings.add('lost', `${this.#name}: message ${id} of ${this.sessionId}`);
    if (place === undefined || missing.length > 0) return null;
    const isTogether = call.every((id, i) => ids[place + i] === id);
    if (!isTogether) findings.add('torn', `${this.#name}: the call that begins with ${call[0]}`);
    return place;
  }

  #exchange(): Said[] {
    const name = `${this.#name}${this.#next++}`;
    const call = `call-${name}`;
    const message = (rest: NewMessage): Said => ({ ...rest, id: uuidV4(this.#options.random) });
    return [
      message({ role: 'user', content: `${name}: ${SAID}` }),
      message({
        role: 'assistant',
        content: null,
        tool_calls: [{ id: call, type: 'function', function: { name: 'f', arguments: '{}' } }],
      }),
      message({ role: 'tool', tool_call_id: call, content: `${name} found ${SAID}` }),
      message({ role: 'assistant', content: `${name} is done` }),
    ];
  }
}

/** Ids of all that cards and the window tell, in their order. */
async function told(client: Client, sessionId: string): Promise<string[]> {
  const session = client.session(sessionId);
  const ids: string[] = [];
  let cursor: string | undefined;
  const cards: string[] = [];
  for (;;) {
    const { session: known, cursor: next } = await session.get({ cursor });
    cards.push(...known.cards.map(({ card_id: card }) => card));
    cursor = next;
    if (cursor !== undefined) continue;
    for (const card of cards.toReversed()) for await (const { id } of session.expand(card)) ids.push(id);
    return [...ids, ...known.live.map(({ id }) => id)];
  }
}
