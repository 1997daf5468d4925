import { expect, it } from 'vitest';
import { KeptVectors } from '../../../src/embedding/kept-vectors.ts';

it('gives copies, and uses the places again that were given back', () => {
  const kept = new KeptVectors(2);
  const places = Array.from({ length: 100 }, (_, i) => kept.add(Float32Array.of(i, -i)));
  const held = kept.at(places[70] as number);
  const { memoryBytes } = kept;
  for (let i = 0; i < 100; i += 2) kept.remove(places[i] as number);
  for (let i = 0; i < 100; i += 2) places[i] = kept.add(Float32Array.of(1_000 + i, i));
  expect(held).toEqual(Float32Array.of(70, -70));
  for (let i = 0; i < 100; i++)
    expect(kept.at(places[i] as number)).toEqual(i % 2 === 0 ? Float32Array.of(1_000 + i, i) : Float32Array.of(i, -i));
  expect(new Set(places).size).toBe(100);
  expect(kept.memoryBytes).toBe(memoryBytes);
  for (const place of places) kept.remove(place);
  expect(kept.memoryBytes).toBe(0);
});
