import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Client, NewMessage } from '../../clients/typescript/src/index.ts';
import { World } from '../e2e/support/processes.ts';
import { type ChatAsked, ChatService } from '../support/chat-service.ts';

const world = new World();
let service: ChatService;
beforeEach(async () => {
  service = await ChatService.start();
});
afterEach(async () => {
  service.close();
  await world.cleanUp();
});

/** More of them: WINDOW_KILL_ROUNDS=50 vitest run test/fault/window-kill.test.ts */
const ROUNDS = Number(process.env['WINDOW_KILL_ROUNDS'] ?? 2);
const MAX_TOKENS = 600;
const SAID = 'words that take room '.repeat(8);

type Said = NewMessage & { id: string };

/**
 * Appends calls of its own until its server dies; what was under way then comes again to the next one, as it was. One that
 * empties its session does so every few calls.
 */
class Speaker {
  /** Ids of each call that was acknowledged, in order. */
  readonly acknowledged: string[][] = [];
  readonly sessionId: string;
  readonly #name: string;
  readonly #resets: boolean;
  #next = 0;
  #unanswered: readonly Said[] | null = null;

  constructor(name: string, sessionId: string, { resets = false } = {}) {
    this.#name = name;
    this.sessionId = sessionId;
    this.#resets = resets;
  }

  async speak(client: Client): Promise<void> {
    for (;;) {
      this.#unanswered ??= this.#exchange();
      const session = client.session(this.sessionId);
      await session.append(this.#unanswered, { timeoutMs: 60_000 });
      this.acknowledged.push(this.#unanswered.map(({ id }) => id));
      this.#unanswered = null;
      if (this.#resets && this.acknowledged.length % 3 === 0) await session.reset({}, { timeoutMs: 60_000 });
    }
  }

  #exchange(): Said[] {
    const name = `${this.#name}${this.#next++}`;
    const call = `call-${name}`;
    const message = (rest: NewMessage): Said => ({ ...rest, id: randomUUID() });
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

/** A card of each part, of what was said first in it. */
function summaries({ user }: ChatAsked): string {
  const { parts } = JSON.parse(user) as { parts: { n: number; messages: { text: string }[] }[] };
  return JSON.stringify({
    cards: parts.map(({ n, messages }) => ({ n, summary: `By the model: ${messages[0]?.text.slice(0, 100) ?? ''}` })),
  });
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

it('a kill at any moment loses nothing that was acknowledged, doubles nothing, and parts no call', async () => {
  const folder = world.folder();
  const speakers = [new Speaker('a', 's'), new Speaker('b', 's'), new Speaker('c', 'emptied', { resets: true })];
  const variables = { SUMMARY__PROVIDER: 'http', SUMMARY__API_URL: service.url, SUMMARY__MODEL: 'writer' };
  service.answer = summaries;
  for (let round = 0; round <= ROUNDS; round++) {
    const server = await world.serve(folder, variables);
    const clients = await Promise.all(speakers.map(() => server.connect({ sender: 'one' })));
    const [client] = clients as [Client, Client];
    for (const { acknowledged, sessionId } of speakers) {
      await client.session(sessionId).configure({ max_tokens: MAX_TOKENS });
      const ids = await told(client, sessionId);
      expect(new Set(ids).size).toBe(ids.length);
      const placeOf = new Map(ids.map((id, place) => [id, place]));
      const firsts = acknowledged.map((call) => placeOf.get(call[0]!));
      expect(firsts).toEqual(firsts.toSorted((a, b) => a! - b!));
      for (const call of acknowledged)
        expect(ids.slice(placeOf.get(call[0]!), placeOf.get(call[0]!)! + 4)).toEqual(call);
    }
    if (round === ROUNDS) break;
    const before = speakers.map(({ acknowledged }) => acknowledged.length);
    const speaking = speakers.map((speaker, i) => speaker.speak(clients[i]!).catch(() => undefined));
    while (speakers.some(({ acknowledged }, i) => acknowledged.length < before[i]! + 3)) await sleep(5);
    await sleep(Math.random() * 100);
    const ended = server.end('SIGKILL');
    await Promise.all(clients.map((one) => one.close({ timeoutMs: 0 })));
    await Promise.all([ended, ...speaking]);
  }
  expect(service.asked.length).toBeGreaterThan(0);
});
