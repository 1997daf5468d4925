// Texts of the greatest length, on a real server: what one client sends holds nobody else up.

import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { World } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const CHARS = 250_000;

/** Hardly a word stands twice in it. */
function words(seed: number): string {
  let state = seed;
  let text = '';
  while (text.length < CHARS) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += `${(state % 100_000_000).toString(36)} `;
  }
  return text.slice(0, CHARS);
}

/** Pings that another client gets answered, one after the other, until the work is done. */
async function pingsDuring(client: Client, work: Promise<unknown>): Promise<number> {
  let isDone = false;
  const ended = work.finally(() => (isDone = true));
  let pings = 0;
  while (!isDone) {
    await client.ping();
    pings++;
  }
  await ended;
  return pings;
}

describe('the longest texts', () => {
  it('as queries, twenty at a time, let others in between a few thousand characters', {
    timeout: 300_000,
  }, async () => {
    const server = await world.serve(world.folder());
    const [asker, other] = [await server.connect({ sender: 'asker' }), await server.connect({ sender: 'other' })];
    await asker.store({ text: 'the harbour office opens at nine' });
    const queries = Array.from({ length: 20 }, (_, i) => asker.query({ query: words(i + 1) }, { timeoutMs: 280_000 }));
    // Each takes some sixty slices.
    expect(await pingsDuring(other, Promise.all(queries))).toBeGreaterThan(200);
    await asker.close();
    await other.close();
  });

  it.each(['CharacterBased', 'Exact'])(
    'are stored, counted (%s), found and compared',
    { timeout: 300_000 },
    async (estimator) => {
      const server = await world.serve(world.folder(), { HIRAG__TOKEN_ESTIMATOR: estimator });
      const client = await server.connect();
      const texts = [
        `pause${' '.repeat(CHARS)}end`,
        `pause ${'…'.repeat(CHARS)} end`,
        `pause a${'\u0301'.repeat(CHARS / 2)}${'\u0323'.repeat(CHARS / 2)}`,
        `pause ${words(99)}`,
      ];
      const short = await client.store({ text: 'pause now' });
      for (const text of texts) {
        const long = await client.store({ text });
        expect(long.token_count).toBeGreaterThan(short.token_count);
        const { contexts } = await client.query({ query: 'pause', max_tokens: 1_000_000, relevance_threshold: 0 });
        expect(contexts.map(({ id }) => id)).toEqual(expect.arrayContaining([long.id, short.id]));
        expect(await client.query({ query: text })).toMatchObject({ metadata: { degraded: [] } });
      }
      await client.close();
    },
  );
});
