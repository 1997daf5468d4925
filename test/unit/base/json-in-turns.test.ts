import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFaults } from '../../../src/base/json-faults.ts';
import { NoJson, readJsonInTurns, TooMuchJson, type JsonBounds } from '../../../src/base/json-in-turns.ts';
import { LoopTurns } from '../../../src/base/loop-turns.ts';

class CountedTurns extends LoopTurns {
  taken = 0;

  override next(): Promise<void> {
    this.taken += 1;
    return super.next();
  }
}

const BOUNDS = { valuesMax: 1_000_000, depthMax: 1_000 };
const read = (text: string, bounds: JsonBounds = BOUNDS) => readJsonInTurns(text, bounds, new LoopTurns());

describe('a JSON text that is read in turns', () => {
  it('is what the parser of the runtime makes of it, or is no JSON for both', async () => {
    const json = fc.json({ maxDepth: 4 });
    const changed = fc.tuple(
      json,
      fc.nat(),
      fc.constantFrom('"', '\\', ',', ':', '[', ']', '{', '}', '0', 'e', '-', ' ', '\n', 'u', ''),
    );
    await fc.assert(
      fc.asyncProperty(changed, async ([text, at, by]) => {
        const place = at % (text.length + 1);
        const bent = text.slice(0, place) + by + text.slice(place + 1);
        let expected: unknown;
        try {
          expected = JSON.parse(bent);
        } catch {
          await expect(read(bent)).rejects.toBeInstanceOf(NoJson);
          return;
        }
        const { value, depth, fault } = await read(bent);
        expect(value).toStrictEqual(expected);
        const { depth: scanned, faults } = findJsonFaults(bent);
        expect([depth, fault]).toEqual([scanned, faults[0]?.reason ?? null]);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['plain', 'x'],
    ['escapes', '\\n'],
    ['quotes', '\\"'],
    ['backslashes', '\\\\'],
    ['characters by number', '\\u00e9'],
    ['pairs by number', '\\ud83d\\ude00'],
    ['characters of two units', '😀'],
  ])('has strings of any length: %s', async (_, unit) => {
    for (const shift of ['', 'a', 'ab', 'abc', 'abcd', 'abcde']) {
      const text = `{"a":"${shift}${unit.repeat(40_000)}","b":1}`;
      expect((await read(text)).value).toEqual(JSON.parse(text));
    }
  });

  it('tells where values of the outermost map stand, and items of its lists', async () => {
    const text = '{ "a" : [ 1, {"b":[2]} , "c" ], "a\\n": 4, "d": [ ], "a": [5 ,[6]] }';
    const { members } = await read(text);
    const shown = [...members].map(([name, { from, to, items }]) => [
      name,
      text.slice(from, to),
      items.map((item) => text.slice(item.from, item.to)),
    ]);
    expect(shown).toEqual([
      ['a', '[5 ,[6]]', ['5', '[6]']],
      ['a\n', '4', []],
      ['d', '[ ]', []],
    ]);
  });

  it('tells where a marked member stands in each item', async () => {
    const text =
      '{"a":[{"content":"x"},{"b":{"content":1}},{"b":[{"content":1}],"content":[2],"c":3},4,{}],"content":5,"d":{"content":6}}';
    const { members } = await read(text, { ...BOUNDS, marked: 'content' });
    const marked = members.get('a')?.items.map((item) => item.marked && text.slice(item.marked.from, item.marked.to));
    expect(marked).toEqual(['"x"', undefined, '[2]', undefined, undefined]);
    expect(members.get('d')?.items).toEqual([]);
  });

  it('keeps __proto__ a key, and says that it is there', async () => {
    const { value, fault } = await read('{"__proto__":{"x":1}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(fault).toContain('__proto__');
  });

  it.each([
    '',
    ' ',
    '{',
    '[1',
    '"a',
    '"\\',
    '"\\u12',
    '[1,]',
    '{"a":1,}',
    '{"a" 1}',
    '{1:2}',
    '[}',
    '01',
    '1 2',
    '"\n"',
    'nul',
    '+1',
    '.5',
    '\ufeff{}',
  ])('is none where it is %j', async (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    await expect(read(text)).rejects.toBeInstanceOf(NoJson);
  });

  it('ends where there is more in it than may be', async () => {
    await expect(read('[1,2,3]', { valuesMax: 3, depthMax: 9 })).rejects.toBeInstanceOf(TooMuchJson);
    await expect(read('[[[1]]]', { valuesMax: 9, depthMax: 2 })).rejects.toBeInstanceOf(TooMuchJson);
    await expect(read(`[${'1'.repeat(2_000)}]`)).rejects.toBeInstanceOf(TooMuchJson);
  });

  it.each(['0,', '{},', '"a",', '"\\n",', ' ', '{"a":[]},', `"${'x'.repeat(1_000)}",`])(
    'lets others have a turn every few thousand characters of %j',
    async (unit) => {
      const turns = new CountedTurns();
      const text = `[${unit.repeat(Math.ceil(400_000 / unit.length))}0]`;
      expect((await readJsonInTurns(text, BOUNDS, turns)).value).toEqual(JSON.parse(text));
      expect(turns.taken).toBeGreaterThan(20);
    },
  );
});
