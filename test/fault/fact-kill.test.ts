import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { Client, Fact, NewFact } from '../../clients/typescript/src/index.ts';
import { World } from '../e2e/support/processes.ts';

const world = new World();
afterEach(() => world.cleanUp());

/** More of them: FACT_KILL_ROUNDS=50 vitest run test/fault/fact-kill.test.ts */
const ROUNDS = Number(process.env['FACT_KILL_ROUNDS'] ?? 1);
const START_MS = 1_700_000_000_000;

type Put = readonly (NewFact & { readonly id: string })[];

/** Moves somebody from place to place until the server dies; what was under way then is put again, as it was. */
class Teller {
  readonly subject: string;
  readonly acknowledged: Put[] = [];
  #unanswered: Put | null = null;

  constructor(subject: string) {
    this.subject = subject;
  }

  get unanswered(): Put {
    return this.#unanswered ?? [];
  }

  async tell(client: Client): Promise<void> {
    for (;;) {
      this.#unanswered ??= this.#next(this.acknowledged.length);
      await client.facts.put(this.#unanswered, {}, { timeoutMs: 60_000 });
      this.acknowledged.push(this.#unanswered);
      this.#unanswered = null;
    }
  }

  #next(turn: number): Put {
    const place = `place ${turn}`;
    const { subject } = this;
    const moved = { subject, predicate: 'lives in', object: place, single_valued: true, valid_from: START_MS + turn };
    return [
      { id: randomUUID(), ...moved },
      { id: randomUUID(), subject, predicate: 'has seen', object: place },
    ];
  }
}

async function all(client: Client, subject: string, more: object): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const fact of client.facts.list({ subject, ...more })) facts.push(fact);
  return facts;
}

it('a kill at any moment leaves each put of facts whole or not there, and one truth of what holds', async () => {
  const folder = world.folder();
  const tellers = [new Teller('Mara'), new Teller('Anna')];
  for (let round = 0; round <= ROUNDS; round++) {
    const server = await world.serve(folder);
    const clients = await Promise.all(tellers.map(() => server.connect({ sender: 'one' })));
    const [client] = clients as [Client, Client];
    for (const { subject, acknowledged, unanswered } of tellers) {
      const known = new Set((await all(client, subject, { include_past: true })).map(({ id }) => id));
      const half = unanswered.filter(({ id }) => known.has(id));
      expect([0, unanswered.length]).toContain(half.length);
      const puts = half.length === 0 ? acknowledged : [...acknowledged, unanswered];
      expect([...known].sort()).toEqual(puts.flatMap((put) => put.map(({ id }) => id)).sort());
      const holding = await all(client, subject, { predicate: 'lives in' });
      expect(holding.map(({ id }) => id)).toEqual(puts.slice(-1).map(([moved]) => moved?.id));
      if (puts.length === 0) continue;
      // The names are there with the facts: questions find them.
      const { facts = [] } = await client.query({ query: `where does ${subject} live?`, facts: true });
      expect(facts.map(({ id }) => id)).toContain(holding[0]?.id);
    }
    if (round === ROUNDS) break;
    const before = tellers.map(({ acknowledged }) => acknowledged.length);
    const telling = tellers.map((teller, i) => teller.tell(clients[i] as Client).catch(() => undefined));
    while (tellers.some(({ acknowledged }, i) => acknowledged.length < (before[i] as number) + 5)) await sleep(5);
    await sleep(Math.random() * 50);
    server.kill('SIGKILL');
    await server.ended;
    await Promise.all(clients.map((one) => one.close({ timeoutMs: 0 })));
    await Promise.all(telling);
  }
});
