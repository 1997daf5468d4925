import type { Seeded } from './seeded.ts';

/** Bytes that readers of MessagePack, of lengths and of text stumble over. */
const HEADS = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xff].concat(
  Array.from({ length: 32 }, (_, i) => 0xc0 + i),
);
/** Four bytes that claim much, in front of little. */
const LENGTHS = ['ffffffff', '7fffffff', '80000000', '00ffffff', '0000ffff', '00010000', '00000000', '00a00001'].map(
  (hex) => Buffer.from(hex, 'hex'),
);
const PIECES = [
  ...['ddffffffff', 'dfffffffff', 'c6ffffffff', 'dbffffffff', 'c7ff00', 'd6ff00000000', 'cb7ff8000000000000'],
  ...[
    'cfffffffffffffffff',
    'd38000000000000000',
    'ca7f800000',
    'a95f5f70726f746f5f5f',
    'a3efbbbf',
    'a2c328',
    'a3eda080',
  ],
].map((hex) => Buffer.from(hex, 'hex'));
const JSON_PIECES = [
  '"__proto__":1,',
  '\\u0000',
  '\\ud800',
  '1e999',
  '[[[[[[[[',
  '{"a":',
  '"',
  '\\',
  'null',
  '-',
  '\0',
].map((text) => Buffer.from(text));
const RUN_MAX = 4_096;

type Change = (bytes: Buffer, at: number, random: Seeded, others: readonly Uint8Array[]) => Buffer;

const CHANGES: readonly Change[] = [
  (bytes, at, random) => withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8))),
  (bytes, at, random) => withByte(bytes, at, random.below(256)),
  (bytes, at, random) => withByte(bytes, at, random.pick(HEADS)),
  (bytes, at, random) => spliced(bytes, at, 4, random.pick(LENGTHS)),
  (bytes, at, random) => spliced(bytes, at, random.below(6), random.pick(PIECES)),
  (bytes, at, random) => spliced(bytes, at, random.below(6), random.pick(JSON_PIECES)),
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.subarray(at),
  (bytes, at, random) => spliced(bytes, at, random.below(bytes.length - at + 1), Buffer.alloc(0)),
  (bytes, at, random) => spliced(bytes, at, 0, bytes.subarray(at, at + random.below(64))),
  (bytes, at, random) => spliced(bytes, at, 0, Buffer.alloc(random.below(RUN_MAX), random.pick(HEADS))),
  (bytes, at, random) => spliced(bytes, at, 0, random.bytes(random.below(16))),
  (bytes, at, random, others) => {
    const other = random.pick(others);
    return spliced(bytes, at, bytes.length - at, other.subarray(random.below(other.length)));
  },
];

const CHANGES_MAX = 5;

/** `bytes` after one change or some: flipped, cut, repeated, claiming too much, or going on as another of `others`. */
export function mutated(bytes: Uint8Array, random: Seeded, others: readonly Uint8Array[]): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.below(CHANGES_MAX); left > 0; left--)
    changed = random.pick(CHANGES)(changed, random.below(changed.length + 1), random, others);
  return changed;
}

function withByte(bytes: Buffer, at: number, byte: number): Buffer {
  const changed = Buffer.from(bytes);
  if (at < changed.length) changed[at] = byte;
  return changed;
}

function spliced(bytes: Buffer, at: number, removed: number, added: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}
