// What is decoded and checked in slices is decoded and checked as it would be at once, wherever the pauses come.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { decodeRequest, encodeBody, salvageRequestId, SlicedDecoding } from '../../../src/protocol/codec.ts';
import { createValidators } from '../../../src/protocol/messages.ts';
import { Seeded } from '../../fuzz/support/seeded.ts';
import { mutated } from '../../fuzz/support/byte-mutations.ts';

function outcomeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return [error.code, error.message, error.details];
  }
}

function toEnd<T>(slices: Generator<void, T>): T {
  for (;;) {
    const { done, value } = slices.next();
    if (done === true) return value;
  }
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 30 }).map((end) => `\ufeff${'x'.repeat(20)}${end}`),
);
const { body } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.oneof(text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 30 }),
    tie('body'),
  ),
  body: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    tie('value'),
    { maxKeys: 40, noNullPrototype: true },
  ),
})) as { readonly body: fc.Arbitrary<object> };

describe('a body that is decoded in slices', () => {
  it('is the body that it is at once, wherever it is cut', () => {
    fc.assert(
      fc.property(body, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 300 }), (value, values, bytes) => {
        const encoded = encodeBody({ id: 7, ...value });
        expect(toEnd(new SlicedDecoding(encoded, values, bytes).run())).toEqual(decodeRequest(encoded));
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 300) },
    );
  });

  it('is refused as it would be at once, under the same id', () => {
    const random = new Seeded(1, 1);
    const whole = encodeBody({
      id: 7,
      payload: { contexts: [{ text: 'a', tags: ['b', 'c'], metadata: { a: [1, {}] } }] },
    });
    for (let run = 0; run < 2_000; run++) {
      const bytes = mutated(whole, random, [whole]);
      const sliced = new SlicedDecoding(bytes, 1 + random.below(5), 1 + random.below(20));
      expect(outcomeOf(() => toEnd(sliced.run()))).toEqual(outcomeOf(() => decodeRequest(bytes)));
      expect(sliced.requestId).toBe(salvageRequestId(bytes));
    }
  });

  it('stops every few thousand values', () => {
    const contexts = Array.from({ length: 1_000 }, () => ({
      text: 'x',
      tags: Array(64).fill('t'),
      metadata: { a: 1 },
    }));
    const slices = [...new SlicedDecoding(encodeBody({ id: 1, payload: { contexts } })).run()];
    expect(slices.length).toBeGreaterThan(10);
  });
});

describe('a text that no field takes', () => {
  it('is refused before it is decoded', () => {
    const bytes = encodeBody({ id: 7, payload: { text: 'я'.repeat(524_289) } });
    expect(outcomeOf(() => decodeRequest(bytes))).toMatchObject(['PAYLOAD_TOO_LARGE', /1048576 bytes/, {}]);
    expect(salvageRequestId(bytes)).toBe(7);
    expect(decodeRequest(encodeBody({ text: '😀'.repeat(262_144) })).valueCount).toBe(1);
  });
});

describe('a payload that is checked in slices', () => {
  const validators = createValidators();
  const context = { text: 'x', id: '018F0000-0000-7000-8000-00000000000A', tags: ['a'], metadata: { a: [1, 2] } };
  const many = (...last: readonly unknown[]): object => ({
    contexts: [...Array.from({ length: 200 }, () => structuredClone(context)), ...last],
  });

  it.each([
    ['that keeps its schema', many()],
    ['with a wrong item at the end', many({ text: 1 })],
    ['with an unknown field in an item', many({ text: 'x', nothing: 1 })],
    ['with metadata that are too long', many({ text: 'x', metadata: { a: 'x'.repeat(70_000) } })],
    ['with metadata of bytes', many({ text: 'x', metadata: { a: new Uint8Array(2) } })],
    ['with a name that holds NUL', many({ text: 'x', metadata: { 'a\0': 1 } })],
    ['with an item that is no object', many(1)],
    ['with an unknown field beside the list', { ...many(), nothing: 1 }],
    ['with too many items', { contexts: Array.from({ length: 1_001 }, () => context) }],
    ['with a fault in the first item', { contexts: [{}, ...Array.from({ length: 200 }, () => context)] }],
    ['without a list', { contexts: 1 }],
    ['with a list of one', { contexts: [{}] }],
  ])('%s comes to the same', (_what, payload) => {
    const [sliced, whole] = [structuredClone(payload), structuredClone(payload)];
    toEnd(validators.payloadSlices('context.store_batch', sliced));
    expect(outcomeOf(() => validators.payload('context.store_batch', sliced))).toEqual(
      outcomeOf(() => validators.payload('context.store_batch', whole)),
    );
    expect(sliced).toEqual(whole);
  });

  it('is checked whole where nobody knows its type', () => {
    expect([...validators.payloadSlices('no such type', many())]).toEqual([]);
  });
});
