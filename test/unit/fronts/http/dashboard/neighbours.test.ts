import { describe, expect, it } from 'vitest';
import { neighboursOf, type Ask } from '../../../../../src/fronts/http/dashboard/neighbours.ts';

interface Turn {
  readonly id: string;
  readonly created_at: number;
  readonly session_id?: string;
}

const START_MS = 1_780_000_000_000;

/** Answers as the gate does over these turns, of which the later ones were stored later. */
function over(turns: readonly Turn[], pageMax = 100): { ask: Ask; asked: () => number } {
  let asked = 0;
  const ask: Ask = (type, payload) => {
    asked++;
    if (type === 'context.get') return Promise.resolve({ context: turns.find(({ id }) => id === payload['id'])! });
    const { filter, limit, cursor } = payload as {
      filter: { must: [{ range: { lte?: number; gte?: number } }] };
      limit: number;
      cursor?: string;
    };
    const { lte = Infinity, gte = 0 } = filter.must[0].range;
    const matching = turns
      .map((turn, place) => ({ turn, place }))
      .filter(({ turn }) => turn.created_at >= gte && turn.created_at <= lte)
      .sort((a, b) => b.turn.created_at - a.turn.created_at || b.place - a.place)
      .map(({ turn }) => turn);
    const start = Number(cursor ?? 0);
    const end = start + Math.min(limit, pageMax);
    return Promise.resolve({
      contexts: matching.slice(start, end),
      ...(end < matching.length ? { cursor: String(end) } : {}),
    });
  };
  return { ask, asked: () => asked };
}

function session(count: number, atMs: (place: number) => number): Turn[] {
  return Array.from({ length: count }, (_, i) => ({ id: String(i), created_at: START_MS + atMs(i), session_id: 's' }));
}

async function around(turns: readonly Turn[], id: number, pageMax?: number): Promise<[string[], string[]]> {
  const { before, after } = await neighboursOf(over(turns, pageMax).ask, 'home', String(id));
  return [before.map((turn) => turn.id), after.map((turn) => turn.id)];
}

describe('the turns around a context', () => {
  it.each<[string, (place: number) => number]>([
    ['at one time', () => 0],
    ['a millisecond apart', (place) => place],
    ['two of each time', (place) => Math.floor(place / 2)],
    ['seconds apart', (place) => 7_000 * place],
    ['months apart', (place) => 90 * 86_400_000 * place],
  ])('are those next to it where they are %s', async (_what, atMs) => {
    const turns = session(40, atMs);
    for (const pageMax of [100, 3]) {
      expect(await around(turns, 20, pageMax)).toEqual([
        ['15', '16', '17', '18', '19'],
        ['21', '22', '23', '24', '25'],
      ]);
      expect(await around(turns, 0, pageMax)).toEqual([[], ['1', '2', '3', '4', '5']]);
      expect(await around(turns, 38, pageMax)).toEqual([['33', '34', '35', '36', '37'], ['39']]);
    }
  });

  it('are found in a session of ten thousand that were stored in a row', async () => {
    const turns = session(10_000, (place) => place);
    const world = over(turns);
    const { after } = await neighboursOf(world.ask, 'home', '50');
    expect(after.map((turn) => turn.id)).toEqual(['51', '52', '53', '54', '55']);
    expect(world.asked()).toBeLessThan(10);
  });

  it('are none where there is no session, and none after it where too many have its time', async () => {
    expect(await around([{ id: '0', created_at: START_MS }], 0)).toEqual([[], []]);
    const crowd = session(10_000, () => 0);
    const world = over(crowd);
    const { before, after } = await neighboursOf(world.ask, 'home', '5');
    expect([before.length, after.length]).toEqual([0, 0]);
    expect(world.asked()).toBeLessThan(50);
  });
});
