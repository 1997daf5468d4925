import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { systemRandom } from '../../src/base/random.ts';
import { World } from '../e2e/support/processes.ts';
import { Findings } from '../support/acknowledged/findings.ts';
import { Speaker } from '../support/acknowledged/speaker.ts';
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

/** A card of each part, of what was said first in it. */
function summaries({ user }: ChatAsked): string {
  const { parts } = JSON.parse(user) as { parts: { n: number; messages: { text: string }[] }[] };
  return JSON.stringify({
    cards: parts.map(({ n, messages }) => ({ n, summary: `By the model: ${messages[0]?.text.slice(0, 100) ?? ''}` })),
  });
}

it('a kill at any moment loses nothing that was acknowledged, doubles nothing, and parts no call', async () => {
  const folder = world.folder();
  const random = systemRandom;
  const speakers = [
    new Speaker('a', 's', { random }),
    new Speaker('b', 's', { random }),
    new Speaker('c', 'emptied', { random, resets: true }),
  ];
  const findings = new Findings();
  const variables = { SUMMARY__PROVIDER: 'http', SUMMARY__API_URL: service.url, SUMMARY__MODEL: 'writer' };
  service.answer = summaries;
  for (let round = 0; round <= ROUNDS; round++) {
    const server = await world.serve(folder, variables);
    const clients = await Promise.all(speakers.map(() => server.connect({ sender: 'one' })));
    const [client] = clients as [Client, Client];
    for (const speaker of speakers) {
      await client.session(speaker.sessionId).configure({ max_tokens: MAX_TOKENS });
      await speaker.check(client, findings);
    }
    expect(findings.faults).toEqual([]);
    if (round === ROUNDS) break;
    const before = speakers.map(({ acknowledged }) => acknowledged.length);
    const speaking = speakers.map((speaker, i) => speaker.work(clients[i]!, findings).catch(() => undefined));
    while (speakers.some(({ acknowledged }, i) => acknowledged.length < before[i]! + 3)) await sleep(5);
    await sleep(Math.random() * 100);
    const ended = server.end('SIGKILL');
    await Promise.all(clients.map((one) => one.close({ timeoutMs: 0 })));
    await Promise.all([ended, ...speaking]);
  }
  expect(service.asked.length).toBeGreaterThan(0);
});
