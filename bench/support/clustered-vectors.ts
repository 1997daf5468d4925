import { seedAt, seededRandom, type SeededRandom } from '../../src/base/seeded-random.ts';

const CLUSTERS = 1_000;
/** Of a vector's length: how far it lies from the middle of its cluster, as the vectors of a sentence model do. */
const SPREAD = 0.6;

/** Vectors of length 1 as an embedding service gives them: zero nowhere, and in clusters. The same for the same seed. */
export interface ClusteredVectors {
  vector(position: number): Float32Array;
}

export function createClusteredVectors(seed: number, dimension: number): ClusteredVectors {
  const centres = Array.from({ length: CLUSTERS }, (_, number) =>
    direction(seededRandom(seedAt(seed, number)), dimension),
  );
  return {
    vector(position) {
      const random = seededRandom(seedAt(seed ^ 0x2f6e2b1d, position));
      const centre = centres[Math.floor(random() * CLUSTERS)] ?? new Float32Array(dimension);
      const away = direction(random, dimension);
      return unit(centre.map((value, index) => value + SPREAD * (away[index] ?? 0)));
    },
  };
}

/** Even over all directions: normal numbers, by the method of Box and Muller. */
function direction(random: SeededRandom, dimension: number): Float32Array {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return unit(Float32Array.from({ length: dimension }, normal));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
