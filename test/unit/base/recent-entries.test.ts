import { describe, expect, it } from 'vitest';
import { recentEntries } from '../../../src/base/recent-entries.ts';

describe('recent entries', () => {
  it('are as many as may be, of which the one goes that nobody used for longest', () => {
    const entries = recentEntries<number>(3);
    for (const [place, key] of ['a', 'b', 'c'].entries()) entries.set(key, place);
    expect(entries.get('a')).toBe(0);
    entries.set('d', 3);
    expect([...entries.keys()]).toEqual(['d', 'a', 'c']);
    entries.delete('a');
    for (let place = 0; place < 1_000; place++) entries.set(`e${place % 50}`, place);
    expect([...entries.values()]).toEqual([999, 998, 997]);
    expect(entries.size).toBe(3);
  });
});
