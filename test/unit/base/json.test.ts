import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameJson, jsonStringEnd, parseJson } from '../../../src/base/json.ts';

describe('parseJson', () => {
  it('reads a key with an escape as it is, whatever was read before', () => {
    for (const key of ['\\', 'a\\', '\\\\']) parseJson(JSON.stringify({ h: [], [key]: 0 }));
    JSON.parse('{"h":[],"\\\\":0}');
    JSON.parse('{"h":[],"a\\\\":0}');
    for (const key of ['"', '\n', '\r', '\t', '\b', '\f', '\0', 'a"', 'a\n', '\\', '\u2028']) {
      expect(parseJson(JSON.stringify({ h: 1, [key]: 2 }))).toEqual({ h: 1, [key]: 2 });
    }
    expect(parseJson('{"h":1,"\\u0041":2}')).toEqual({ h: 1, A: 2 });
  });

  it('reads what JSON.stringify writes', () => {
    const key = fc.oneof(fc.constantFrom('\\', '"', '\n', '\\n', '__proto__', '', 'a', ': ,', '"]}'), fc.string());
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.dictionary(key, fc.jsonValue()),
        fc.nat(2),
        (value, map, indent) => {
          const texts = [
            JSON.stringify({ value, map }, null, indent),
            JSON.stringify([map, value, '\\"'], null, indent),
          ];
          for (const text of texts) expect(JSON.stringify(parseJson(text), null, indent)).toBe(text);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });

  it('keeps a key named __proto__ as a key', () => {
    const value = parseJson('{"\\n":1,"__proto__":{"a":1}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['\n', '__proto__']);
  });

  it.each(['', '{', '{"a":1,}', '{"\\n":1 "b":2}', '{"\\q":1}', '[1 2]', '{"\\n":01}', '"\\'])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it('takes time in proportion to the text', () => {
    const text = JSON.stringify({
      ['\\'.repeat(200_000)]: '"\\'.repeat(500_000),
      list: Array.from({ length: 200_000 }, () => '\\'),
    });
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });
});

it('jsonStringEnd counts backslashes', () => {
  expect(jsonStringEnd('"a\\"b" ', 1)).toBe(6);
  expect(jsonStringEnd('"a\\\\" ', 1)).toBe(5);
  expect(jsonStringEnd('"\\\\\\"', 1)).toBe(5);
});

describe('isSameJson', () => {
  it('goes by what is said, not by the order of keys', () => {
    expect(isSameJson({ a: [1, { b: 2, c: null }], d: 'x' }, { d: 'x', a: [1, { c: null, b: 2 }] })).toBe(true);
    expect(isSameJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(isSameJson({ a: null }, {})).toBe(false);
    expect(isSameJson({ a: undefined }, {})).toBe(true);
    expect(isSameJson(undefined, null)).toBe(false);
    expect(isSameJson(JSON.parse('{"__proto__":1}'), {})).toBe(false);
  });
});
