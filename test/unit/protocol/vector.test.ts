import { expect, it } from 'vitest';
import { vectorCopier, vectorFromBytes, vectorToBytes } from '../../../src/protocol/vector.ts';

it('copies the vectors of a request beside one another, wherever their bytes lie', () => {
  const vectors = [Float32Array.of(1, -2.5), Float32Array.of(0, 3), Float32Array.of(7, 8)];
  const body = Buffer.concat([Buffer.of(0x81), ...vectors.map(vectorToBytes)]);
  const copier = vectorCopier(body.length - 1);
  const copies = vectors.map((_, i) => copier(body.subarray(1 + 8 * i, 9 + 8 * i)));
  body.fill(0xff);
  expect(copies).toEqual(vectors);
  expect(new Set(copies.map(({ buffer }) => buffer)).size).toBe(1);
});

it('reads one vector alone', () => {
  expect(vectorFromBytes(vectorToBytes(Float32Array.of(0.5, -1)))).toEqual(Float32Array.of(0.5, -1));
});
