import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { VALUES_MAX } from '../../../src/protocol/body-limits.ts';
import {
  decodeBody,
  decodeReplyBody,
  encodeBody,
  encodeMessage,
  salvageRequestId,
} from '../../../src/protocol/codec.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { deriveKeys, TagSequence } from '../../../src/protocol/proof.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function fault(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${error.message.replace(/^[^:]*: /, '')}`;
    throw error;
  }
  return 'none';
}

function nested(levels: number): Buffer {
  return Buffer.concat([hex('81a161'), Buffer.alloc(levels - 1, 0x91), hex('c0')]);
}

describe('encodeBody', () => {
  it.each([
    ['times as uint64', { t: 1_700_000_000_000 }, '81a174cf0000018bcfe56800'],
    ['negative integers beyond 32 bits as int64', { t: -1_700_000_000_000 }, '81a174d3fffffe74301a9800'],
    ['fractions as float64', { t: 0.5 }, '81a174cb3fe0000000000000'],
    ['integers beyond 64 bits as float64', { t: 2 ** 64 }, '81a174cb43f0000000000000'],
    [
      'shortest integers',
      { a: [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1] },
      '81a16198007fcc80ccffcd0100cdffffce00010000ceffffffff',
    ],
    [
      'shortest negative integers',
      { a: [-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31)] },
      '81a16198ffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000',
    ],
    ['bytes as bin', { b: new Uint8Array([1, 2]) }, '81a162c4020102'],
    ['no field for undefined', { a: undefined, b: null }, '81a162c0'],
    ['a lone surrogate as U+FFFD', { a: '\ud800' }, '81a161a3efbfbd'],
    ['an empty map', {}, '80'],
  ])('writes %s', (_what, value, expected) => {
    expect(encodeBody(value).toString('hex')).toBe(expected);
  });

  it.each([
    ['NaN', NaN],
    ['infinity', -Infinity],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a date', new Date(0)],
    ['a map object', new Map()],
    ['undefined in an array', [undefined]],
  ])('refuses %s', (_what, value) => {
    expect(fault(() => encodeBody({ value }))).toMatch(/^BAD_REQUEST/);
    // The writer is as good as new afterwards.
    expect(encodeBody({ a: 1 }).toString('hex')).toBe('81a16101');
  });

  it('refuses a value that contains itself', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(fault(() => encodeBody(value))).toMatch(/^BAD_REQUEST/);
  });

  class Account {}

  it.each<[string, object, string, RegExp]>([
    ['a date in a map', { a: 1, payload: { when: new Date(0) } }, '/payload/when', /is a Date/],
    ['a bigint in a list', { list: [1, [2, 3n]] }, '/list/1/1', /bigint/],
    ['the first of two', { a: { b: NaN }, c: () => 1 }, '/a/b', /not finite/],
    ['a key with the characters of pointers', { 'a/b': { 'c~d': Symbol('x') } }, '/a~1b/c~0d', /symbol/],
    ['undefined in a list', { list: [1, undefined] }, '/list/1', /undefined/],
    ['an instance of a class', { owner: new Account() }, '/owner', /class Account/],
    [
      'an instance whose constructor is hidden',
      { owner: Object.assign(new Account(), { constructor: 1 }) },
      '/owner',
      /class/,
    ],
    ['a Map', { owner: new Map() }, '/owner', /class Map/],
    ['the whole', new Date(0), '/', /is a Date/],
  ])('names the place of %s', (_what, value, field, reason) => {
    expect(() => encodeBody(value)).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        details: { fields: [{ field, reason: expect.stringMatching(reason) as string }] },
      }),
    );
    expect(encodeBody({ a: 1 }).toString('hex')).toBe('81a16101');
  });

  it('gives memory that later messages do not touch', () => {
    const first = encodeBody({ text: 'a'.repeat(1_000) });
    const copy = Buffer.from(first);
    for (let i = 0; i < 200; i++) encodeBody({ text: 'b'.repeat(1_000 + i) });
    encodeBody({ text: 'c'.repeat(1_000_000) });
    expect(first.equals(copy)).toBe(true);
  });

  it.each([0, 1, 10, 31, 32, 84, 85, 86, 255, 256, 21_845, 21_846, 65_535, 65_536, 200_000])(
    'round-trips texts of %i characters of any width',
    (length) => {
      for (const character of ['a', '\u00e9', '\u20ac', '\u{1f600}']) {
        const value = { text: character.repeat(length), [character.repeat(Math.min(length, 300))]: 1 };
        expect(decodeBody(encodeBody(value))).toEqual(value);
      }
    },
  );

  it('makes the same frame in one piece as body, tag and frame one by one', () => {
    const keys = deriveKeys(Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3));
    const [one, other] = [new TagSequence(keys.clientToServer), new TagSequence(keys.clientToServer)];
    for (const size of [0, 10, 200, 300, 70_000]) {
      const value = { id: 1, text: 'x'.repeat(size) };
      const body = encodeBody(value);
      expect(encodeMessage(value, one).equals(encodeFrame(other.sign(body), body))).toBe(true);
      expect(encodeMessage(value, null).equals(encodeFrame(null, body))).toBe(true);
    }
  });
});

describe('decodeBody', () => {
  it('gives plain values', () => {
    const value = {
      a: [1, -1, 0.5, null, true, 'x', { b: {} }],
      big: 2 ** 53 - 1,
      small: -(2 ** 53 - 1),
      bin: new Uint8Array([1]),
    };
    const decoded = decodeBody(encodeBody(value));
    expect({ ...decoded, bin: new Uint8Array(decoded['bin'] as Uint8Array) }).toEqual(value);
  });

  it('reads any legal form of an integer', () => {
    expect(
      decodeBody(
        hex(
          '86 a161 cc01 a162 cd0001 a163 ce00000001 a164 cf0000000000000001 a165 d3ffffffffffffffff a166 cb3ff0000000000000',
        ),
      ),
    ).toEqual({
      a: 1,
      b: 1,
      c: 1,
      d: 1,
      e: -1,
      f: 1,
    });
  });

  it('takes 64-bit integers as far as a double holds them, and writes them as they came', () => {
    const exact: [string, number][] = [
      ['cf0020000000000000', 2 ** 53],
      ['cf0020000000000002', 2 ** 53 + 2],
      ['cf0040000000000004', 2 ** 54 + 4],
      ['cf1000000000000000', 2 ** 60],
      ['cf8000000000000000', 2 ** 63],
      ['cffffffffffffff800', 2 ** 64 - 2048],
      ['d3ffe0000000000001', -(2 ** 53 - 1)],
      ['d3ffe0000000000000', -(2 ** 53)],
      ['d3ffdffffffffffffe', -(2 ** 53 + 2)],
      ['d3ffdfffff00000000', -(2 ** 53 + 2 ** 32)],
      ['d38000000000000000', -(2 ** 63)],
    ];
    for (const [bytes, value] of exact) {
      expect(decodeBody(hex(`81a161${bytes}`)), bytes).toEqual({ a: value });
      expect(encodeBody({ a: value }).toString('hex')).toBe(`81a161${bytes}`);
    }
    for (const value of [2 ** 64, -(2 ** 64), 1e300])
      expect(decodeBody(encodeBody({ a: value }))).toEqual({ a: value });
  });

  it('agrees with arithmetic on which integers a double holds', () => {
    for (let bits = 50; bits < 64; bits++) {
      for (const offset of [0n, 1n, 2n, 3n, 4n, 1024n, 1025n, 2048n, 4096n, (1n << 32n) - 1n, 1n << 32n]) {
        for (const value of [
          (1n << BigInt(bits)) + offset,
          -(1n << BigInt(bits)) + offset,
          -(1n << BigInt(bits)) - offset,
        ]) {
          if (value < -(1n << 63n)) continue;
          const body = Buffer.from(value < 0n ? '81a161d30000000000000000' : '81a161cf0000000000000000', 'hex');
          body.writeBigUInt64BE(BigInt.asUintN(64, value), 4);
          if (BigInt(Number(value)) === value) expect(decodeBody(body)).toEqual({ a: Number(value) });
          else
            expect(
              fault(() => decodeBody(body)),
              String(value),
            ).toContain('BAD_REQUEST an integer that');
        }
      }
    }
  });

  it.each(['a'.repeat(70), '\u00e9'.repeat(70), '\u{1f600}'.repeat(70)])(
    'keeps a byte order mark at the start of a text',
    (tail) => {
      const value = { a: `\ufeff${tail}`, b: [`\ufeff${tail}`, '\ue000'], c: { [`\ufeff${tail}`]: 1 } };
      expect(decodeBody(encodeBody(value))).toEqual(value);
    },
  );

  it('finds the one character for the mark that the body leaves free, and refuses one that leaves none', () => {
    const used = Array.from({ length: 0x1000 }, (_, i) => String.fromCharCode(0xe000 + i));
    const spared = used.filter((_, i) => i !== 0x7c5);
    const value = { a: `\ufeff${'x'.repeat(20)}`, b: spared.join('') };
    expect(decodeBody(encodeBody(value))).toEqual(value);
    expect(fault(() => decodeBody(encodeBody({ ...value, b: used.join('') })))).toMatch(
      /^BAD_REQUEST .*byte order mark/,
    );
  });

  it('tells long names apart by any byte of theirs', () => {
    const name = 'k'.repeat(100);
    expect(decodeBody(encodeBody({ [`${name}a`]: 1, [`${name}b`]: 2 }))).toEqual({ [`${name}a`]: 1, [`${name}b`]: 2 });
    const key = Buffer.concat([hex('d965'), Buffer.from(`${name}a`)]);
    expect(fault(() => decodeBody(Buffer.concat([hex('82'), key, hex('01'), key, hex('02')])))).toBe(
      'BAD_REQUEST a repeated key',
    );
  });

  it.each([
    ['an array of 4 billion', 'ddffffffff', 'it ends before'],
    ['a map of 4 billion', 'dfffffffff', 'it ends before'],
    ['a string of 4 billion', '81a161dbffffffff', 'it ends before'],
    ['a bin of 4 billion', '81a161c6ffffffff', 'it ends before'],
    ['an ext type', '81a161d40000', 'an extension type'],
    ['a timestamp', '81a161d6ff00000000', 'an extension type'],
    ['a long ext type', '81a161c9ffffffff00', 'an extension type'],
    ['the unused byte', '81a161c1', 'the unused byte'],
    ['an integer key', '8101c0', 'a key that is not a string'],
    ['a bin key', '81c40161c0', 'a key that is not a string'],
    ['a repeated key', '82a161c0a161c0', 'a repeated key'],
    ['a key repeated in another form', '82a161c0d90161c0', 'a repeated key'],
    ['__proto__', '81a95f5f70726f746f5f5f80', 'the key __proto__'],
    ['2^53 + 1', '81a161cf0020000000000001', 'an integer that a float64'],
    ['2^54 + 2', '81a161cf0040000000000002', 'an integer that a float64'],
    ['the largest uint64', '81a161cfffffffffffffffff', 'an integer that a float64'],
    ['2^64 - 1024', '81a161cffffffffffffffc00', 'an integer that a float64'],
    ['the largest int64', '81a161d37fffffffffffffff', 'an integer that a float64'],
    ['-(2^53 + 1)', '81a161d3ffdfffffffffffff', 'an integer that a float64'],
    ['-(2^63 - 1)', '81a161d38000000000000001', 'an integer that a float64'],
    ['a NaN', '81a161cb7ff8000000000000', 'a number that is not finite'],
    ['a float32 infinity', '81a161caff800000', 'a number that is not finite'],
    ['text that is not UTF-8', '81a161a1ff', 'text that is not UTF-8'],
    ['a surrogate in UTF-8', '81a161a3eda080', 'text that is not UTF-8'],
    ['a key that is not UTF-8', '81a1ffc0', 'text that is not UTF-8'],
    ['bytes after the map', '80c0', 'bytes after'],
    ['nothing', '', 'it ends before'],
    ['a map without its value', '81a161', 'it ends before'],
    ['an array', '90', 'the body is not a map'],
    ['an integer', '01', 'the body is not a map'],
    ['a byte that starts a record in some decoders', '40', 'the body is not a map'],
  ])('refuses %s', (_what, bytes, reason) => {
    expect(fault(() => decodeBody(hex(bytes)))).toContain(`BAD_REQUEST ${reason}`);
    expect(fault(() => decodeReplyBody(hex(bytes)))).toContain(`BAD_REQUEST ${reason}`);
  });

  it('refuses a repeated key in a large map', () => {
    const keys = Array.from({ length: 100 }, (_, i) => [`k${i}`, i] as const);
    const good = encodeBody(Object.fromEntries(keys));
    expect(Object.keys(decodeBody(good)).length).toBe(100);
    const twice = Buffer.from(good);
    twice.write('k0', twice.indexOf('k1'));
    expect(fault(() => decodeBody(twice))).toContain('a repeated key');
  });

  it('allows the same key in maps inside one another and side by side', () => {
    const value = { a: { a: { a: 1 }, b: 2 }, b: [{ a: 1 }, { a: 2 }] };
    expect(decodeBody(encodeBody(value))).toEqual(value);
  });

  it('allows 32 levels and refuses the 33rd', () => {
    expect(decodeBody(nested(32))).toHaveProperty('a');
    expect(fault(() => decodeBody(nested(33)))).toContain('more than 32 levels');
  });

  it('allows more levels in a reply', () => {
    expect(decodeReplyBody(nested(40))).toHaveProperty('a');
    expect(fault(() => decodeReplyBody(nested(65)))).toContain('more than 64 levels');
  });

  it('refuses more values than the limit before it makes any', () => {
    const count = VALUES_MAX + 1;
    const bytes = Buffer.alloc(8 + count, 0xc0);
    hex('81a161dd').copy(bytes);
    bytes.writeUInt32BE(count, 4);
    expect(fault(() => decodeBody(bytes))).toContain(`more than ${VALUES_MAX} values`);
  });
});

describe('decodeReplyBody', () => {
  it('gives what a request would be, any number and text of it', () => {
    const texts = [
      '',
      'a',
      'long_term',
      'x'.repeat(32),
      'x'.repeat(33),
      'x'.repeat(70_000),
      '\u00e9',
      '\ufffd',
      '\ufeffa',
    ];
    const numbers = [
      0,
      127,
      128,
      255,
      256,
      65_535,
      65_536,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 53 - 1,
      2 ** 63,
      0.1,
      -0.1,
      1e300,
    ];
    const value = {
      numbers: [...numbers, ...numbers.map((number) => -number)],
      texts,
      longer: texts.map((text) => `\ufeff${text}${'\u{1f600}'.repeat(20)}`),
      kinds: [null, true, false, [], {}],
      2: 'a key of digits',
      ['k'.repeat(40)]: 1,
    };
    expect(decodeReplyBody(encodeBody(value))).toEqual(decodeBody(encodeBody(value)));
    expect(decodeReplyBody(encodeBody(value))).toEqual({
      ...value,
      numbers: value.numbers.map((number) => number + 0),
    });
    expect(decodeReplyBody(hex('81a161ca3e800000'))).toEqual({ a: 0.25 });
    expect(decodeReplyBody(new Uint8Array(hex('81a162c4020102')))).toEqual({ b: Buffer.of(1, 2) });
  });

  it('tells apart short texts that come in any order, however many', () => {
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 20_000; i++) {
        const value = { [`k${i}`]: `v${i}` };
        expect(decodeReplyBody(encodeBody(value))).toEqual(value);
      }
  });
});

describe('salvageRequestId', () => {
  it.each([
    ['the first field', { id: 7, bad: [] }, 7],
    ['a later field', { timestamp: 1_700_000_000_000, id: 70_000, bad: [] }, 70_000],
    ['no id', { bad: [] }, 0],
    ['an id that is a string', { id: 'x', bad: [] }, 0],
    ['a negative id', { id: -1, bad: [] }, 0],
    ['an id beyond 32 bits', { id: 2 ** 40, bad: [] }, 0],
  ])('reads %s', (_what, value, expected) => {
    const bytes = Buffer.concat([encodeBody(value), hex('c1')]);
    expect(salvageRequestId(bytes)).toBe(expected);
  });

  it('reads the id before a fault', () => {
    expect(salvageRequestId(hex('82a2696405a161c1'))).toBe(5);
    expect(salvageRequestId(hex('82a26964cf0000000000000005a161c1'))).toBe(5);
    expect(salvageRequestId(hex('82a161c1a2696405'))).toBe(0);
    expect(salvageRequestId(hex('dfffffffff'))).toBe(0);
    expect(salvageRequestId(new Uint8Array(0))).toBe(0);
  });
});
