// Which words mean about the same, by the vectors of the table: word-vectors/near-words.txt.zst has a line for each stem, its
// nearest ones with their cosines in hundredths behind it, the nearest first. `npm run distil` makes it after the table, and
// `node tools/distil/near-words.ts` alone.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { isStopWord, stemWord } from '../../src/base/text/analyzer.ts';
import { readWordTable, type WordTable } from '../../src/embedding/word-table.ts';

/** Of one stem. */
const NEAREST_MAX = 6;
const COSINE_MIN = 0.5;
const LEVEL = 19;

const folder = join(import.meta.dirname, '../../word-vectors');

interface Stems {
  readonly names: readonly string[];
  /** One unit vector after the other. */
  readonly vectors: Float32Array;
  readonly dimension: number;
}

const stems = stemsOf(await readWordTable());
const lines = stems.names
  .map((name, at) => [name, ...nearest(stems, at)].join(' '))
  .filter((line) => line.includes(' '));
const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
const packed = zstdCompressSync(Buffer.from(lines.join('\n')), { params });
writeFileSync(join(folder, 'near-words.txt.zst'), packed);
process.stdout.write(`${lines.length} stems have near ones: ${packed.length} bytes\n`);

/** A stem points where its words do together, each with the same weight. */
function stemsOf(table: WordTable): Stems {
  const sums = new Map<string, Float32Array>();
  for (const word of table.words()) {
    if (isStopWord(word)) continue;
    const stem = stemWord(word);
    const vector = new Float32Array(table.dimension);
    table.add(vector, table.rowOf(word), 1);
    const sum = sums.get(stem) ?? new Float32Array(table.dimension);
    const unit = 1 / lengthOf(vector);
    vector.forEach((value, i) => (sum[i] = (sum[i] as number) + value * unit));
    sums.set(stem, sum);
  }
  const vectors = new Float32Array(sums.size * table.dimension);
  [...sums.values()].forEach((sum, at) => {
    const unit = 1 / lengthOf(sum);
    sum.forEach((value, i) => (vectors[at * table.dimension + i] = value * unit));
  });
  return { names: [...sums.keys()], vectors, dimension: table.dimension };
}

function nearest({ names, vectors, dimension }: Stems, own: number): string[] {
  const best: { at: number; cosine: number }[] = [];
  let least = COSINE_MIN;
  for (let at = 0; at < names.length; at++) {
    if (at === own) continue;
    let cosine = 0;
    for (let i = 0, a = own * dimension, b = at * dimension; i < dimension; i++)
      cosine += (vectors[a + i] as number) * (vectors[b + i] as number);
    if (cosine < least) continue;
    best.push({ at, cosine });
    best.sort((a, b) => b.cosine - a.cosine || a.at - b.at);
    if (best.length > NEAREST_MAX) least = (best.pop(), best.at(-1)?.cosine ?? least);
  }
  return best.map(({ at, cosine }) => `${names[at] as string}:${Math.round(cosine * 100)}`);
}

function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum) || 1;
}
