import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Context } from '../../clients/typescript/src/index.ts';
import { World } from './support/processes.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const ROUNDS = 60;
const MINUTE_MS = 60_000;

const world = new World();
let one: Client;
let other: Client;

beforeAll(async () => {
  const server = await world.serve(world.folder(), {
    PROTOCOL_SECRET: SECRET,
    HIRAG__L2_TTL_SECS: '600',
    HIRAG__L3_TTL_SECS: '86400',
  });
  one = await server.connect({ secret: SECRET });
  other = await server.connect({ secret: SECRET });
});

afterAll(async () => {
  await one.close();
  await other.close();
  await world.cleanUp();
});

type Change = Omit<Parameters<Client['update']>[0], 'id'>;

/** Both at once, over one connection or two; the contexts of the replies, in this order, and what is stored then. */
async function atOnce(
  text: string,
  level: 'short_term' | 'long_term',
  changes: readonly [Change, Change],
  round: number,
): Promise<{ readonly replies: readonly [Context, Context]; readonly stored: Context }> {
  const { id } = await one.store({ text, level });
  const clients = round % 2 === 0 ? [one, one] : [one, other];
  const updates = changes.map((change, i) => (clients[i] as Client).update({ id, ...change }));
  const [first, second] = (await Promise.all(updates)) as [{ context: Context }, { context: Context }];
  const { context: stored } = await other.get({ id });
  return { replies: [first.context, second.context], stored };
}

describe('two updates of one context at once, both acknowledged', () => {
  it('a lifetime and a level both have effect', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const changes = [{ ttl_ms: MINUTE_MS }, { level: 'long_term' }] as const;
      const ordered = (round & 2) === 0 ? changes : ([changes[1], changes[0]] as const);
      const { replies, stored } = await atOnce(`note ${round}`, 'short_term', ordered, round);
      expect(replies.map(({ version }) => version).sort()).toEqual([2, 3]);
      expect(stored).toMatchObject({ level: 'long_term', version: 3 });
      expect(stored.expires_by).toBeUndefined();
      expect((stored.expires_at ?? 0) - stored.updated_at).toBeLessThanOrEqual(MINUTE_MS);
    }
  });

  it('two levels: each reply says what it did, and the later one holds', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const changes = [{ level: 'long_term' }, { level: 'short_term' }] as const;
      const { replies, stored } = await atOnce(`wanderer ${round}`, 'short_term', changes, round);
      expect(replies.map(({ level }) => level)).toEqual(['long_term', 'short_term']);
      const later = replies[0].version > replies[1].version ? replies[0] : replies[1];
      expect(stored).toMatchObject({ level: later.level, version: 3, expires_by: 'level' });
    }
  });

  it('a text to another and back: each reply says what it did, and the later one holds', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const text = `the walrus sleeps, ${round}`;
      const changes = [{ text: `a penguin swims, ${round}` }, { text }] as const;
      const { replies, stored } = await atOnce(text, 'long_term', changes, round);
      expect(replies.map((reply) => reply.text)).toEqual(changes.map((change) => change.text));
      const later = replies[0].version > replies[1].version ? replies[0] : replies[1];
      expect(stored).toMatchObject({ text: later.text, version: 3 });
    }
  });
});

describe('who set a lifetime', () => {
  it('is kept: what a level gave gives way in the next level, what a client asked for stays', async () => {
    const { id } = await one.store({ text: 'filed away', level: 'long_term' });
    expect((await one.get({ id })).context).toMatchObject({ expires_by: 'level' });
    const { context } = await one.update({ id, level: 'short_term' });
    expect(context).toMatchObject({ level: 'short_term', expires_by: 'level' });
    expect((context.expires_at ?? 0) - context.updated_at).toBeLessThanOrEqual(10 * MINUTE_MS);
    const asked = (await one.update({ id, ttl_ms: 30 * MINUTE_MS })).context;
    const moved = (await other.update({ id, level: 'long_term' })).context;
    expect(moved).toMatchObject({ level: 'long_term', expires_at: asked.expires_at });
    expect(moved.expires_by).toBeUndefined();
  });
});
