import { describe, expect, it } from 'vitest';
import { type RowScan, VectorRows } from '../../../../../src/store/embedded/arrays/vector-rows.ts';
import { dot, vectorOf } from '../../../../contract/store-samples.ts';

/** So long that a chunk holds 32 rows. */
const DIMENSION = 65_536;

describe('VectorRows', () => {
  it('scans over chunks, and stays dense when rows go', () => {
    const rows = new VectorRows(DIMENSION);
    const vectors = Array.from({ length: 80 }, (_, i) => {
      const vector = new Float32Array(DIMENSION);
      vector.set(vectorOf(`v-${i}`, 64), i);
      return vector;
    });
    const rowOf = new Map(vectors.map((vector, i) => [i, rows.add(i, vector)]));
    for (let i = 0; i < 80; i += 3) {
      const row = rowOf.get(i) as number;
      const moved = rows.remove(row);
      if (moved >= 0) rowOf.set(moved, row);
      rowOf.delete(i);
    }
    expect(rows.count).toBe(53);
    for (const [ordinal, row] of rowOf)
      expect(rows.vector(row).subarray(0, 200)).toEqual((vectors[ordinal] as Float32Array).subarray(0, 200));

    const query = vectors[40] as Float32Array;
    const odd = (ordinal: number) => ordinal % 2 === 1;
    const expected = [...rowOf.keys()]
      .filter(odd)
      .sort((a, b) => dot(query, vectors[b] as Float32Array) - dot(query, vectors[a] as Float32Array));
    const hits = [...rows.scan(query, 5, odd).hits].sort((a, b) => b.score - a.score);
    expect(hits.map(({ ordinal }) => ordinal)).toEqual(expected.slice(0, 5));
    expect(rows.scan(query, 1000, odd).hits).toHaveLength(expected.length);
    expect(rows.scan(query, 5, (ordinal) => ordinal === 79).hits).toMatchObject([{ ordinal: 79 }]);
    const { scores } = rows.scan(query, 5, odd);
    for (const [ordinal, row] of rowOf)
      expect(scores.get(row)).toBeCloseTo(dot(query, vectors[ordinal] as Float32Array), 4);
    rows.release();
    expect(rows.scan(query, 5, odd).hits).toEqual([]);
  });

  it('knows about every score, and the true ones of what it put first', () => {
    const dimension = 256;
    const rows = new VectorRows(dimension);
    const vectors = Array.from({ length: 400 }, (_, i) => vectorOf(`v-${i}`, dimension));
    vectors.forEach((vector, i) => rows.add(i, vector));
    const query = vectorOf('v-7', dimension);
    const { scores, about, hits } = rows.scan(query, 5, () => true);
    expect(vectors.filter((_, i) => scores.get(i) === undefined).length).toBeGreaterThan(300);
    for (const { ordinal, score } of hits) expect(scores.get(ordinal)).toBe(score);
    vectors.forEach((vector, i) => {
      expect(Math.abs((about[i] as number) - dot(query, vector))).toBeLessThan(0.01);
      if (scores.get(i) !== undefined) expect(scores.get(i)).toBeCloseTo(dot(query, vector), 5);
    });
  });

  it('finds the true nearest through eight bits, also among vectors that these cannot tell apart', () => {
    const dimension = 256;
    const rows = new VectorRows(dimension);
    const vectors = Array.from({ length: 600 }, (_, i) => {
      const vector = vectorOf(`v-${i}`, dimension);
      // Half of them are nearly the same, and some have a number that eight bits cut off.
      if (i % 2 === 1)
        return unit(vectorOf('alike', dimension).map((value, place) => value + (vector[place] as number) * 1e-4));
      if (i % 10 === 0) vector[i % dimension] = 3;
      return unit(vector);
    });
    vectors.forEach((vector, i) => rows.add(i, vector));
    for (const query of [
      vectorOf('alike', dimension),
      vectors[0] as Float32Array,
      vectorOf('v-2', dimension),
      vectorOf('other', dimension),
    ]) {
      const scores = vectors.map((vector) => dot(query, vector)).sort((a, b) => b - a);
      expect(bestScores(rows.scan(query, 20, () => true))).toEqual(
        scores.slice(0, 20).map((score) => expect.closeTo(score, 5) as number),
      );
      const thirds = vectors
        .filter((_, i) => i % 3 === 0)
        .map((vector) => dot(query, vector))
        .sort((a, b) => b - a);
      const someFound = bestScores(rows.scan(query, 20, (ordinal) => ordinal % 3 === 0));
      expect(someFound).toEqual(thirds.slice(0, 20).map((score) => expect.closeTo(score, 5) as number));
    }
  });
});

function bestScores({ hits }: RowScan): number[] {
  return hits.map(({ score }) => score).sort((a, b) => b - a);
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
