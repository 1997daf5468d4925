import { expect, it } from 'vitest';
import { decideTransfer } from '../../../src/store/transfer.ts';
import { NOW_MS, sampleRecord } from '../../contract/store-samples.ts';

it('a context whose metadata another store gives back in another order is the same', () => {
  const stored = { record: sampleRecord('one', { metadata: { a: 1, b: { c: 2, d: 3 } } }), entered: 1 };
  const taken = { record: sampleRecord('one', { metadata: { b: { d: 3, c: 2 }, a: 1 } }), entered: 1 };
  expect(decideTransfer(stored, taken, NOW_MS)).toEqual({ outcome: 'same', record: stored.record });
  const other = { record: sampleRecord('one', { metadata: { b: { d: 4, c: 2 }, a: 1 } }), entered: 1 };
  expect(decideTransfer(stored, other, NOW_MS).outcome).toBe('newer');
});
