import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '../../src/base/random.ts';
import { NO_KEYS } from '../../src/store/embedded/border/opening-settings.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { openVectors } from '../../src/store/embedded/database/sealed-values.ts';
import { toNumbers } from '../../src/store/embedded/database/stored-passages.ts';
import { openEmbeddedReembedding } from '../../src/store/embedded/reembedding/embedded-reembedding.ts';
import type { EmbedTexts } from '../../src/store/reembedding.ts';
import { put, sample } from '../contract/store-samples.ts';
import { DIMENSION, openAt } from './store-setup.ts';

export const NEW_MODEL = { id: 'model-b', dimension: 2_048 };

/** The vector of a text begins with its length, and those of further passages, where it has some, with one more each. */
export const embed: EmbedTexts = (texts) => {
  const vectorOf = (first: number) => new Float32Array(NEW_MODEL.dimension).fill(first, 0, 1);
  return Promise.resolve(
    texts.map(({ text }) => ({
      vector: vectorOf(text.length),
      passages: Array.from({ length: passagesOf(text) }, (_, i) => vectorOf(text.length + i + 1)),
    })),
  );
};

/** Of every tenth text. */
function passagesOf(text: string): number {
  return text.endsWith('7') ? 2 : 0;
}

export async function storeMany(folder: string, count: number): Promise<void> {
  const store = await openAt(folder);
  for (let from = 0; from < count; from += 500) {
    const names = Array.from({ length: Math.min(500, count - from) }, (_, i) => `context-${from + i}`);
    await store.write(names.map((name) => put(sample(name, DIMENSION))));
  }
  await store.close();
}

export async function reembed(folder: string): Promise<void> {
  const reembedding = openEmbeddedReembedding({ dataDir: folder, to: NEW_MODEL, seal: NO_KEYS, random: systemRandom });
  await reembedding?.pass({ embed, batchTexts: 100 });
  await reembedding?.close();
}

/** By what the vectors are, and how many of them are not. */
export function vectorsIn(folder: string): { readonly model: string; readonly count: number; readonly wrong: number } {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  try {
    const { value } = database.prepare(`SELECT value FROM meta WHERE key = 'embedding_id'`).get() as { value: string };
    const rows = database
      .prepare(`SELECT c.seq, c.text, v.vector, p.vectors AS passages FROM contexts AS c
        LEFT JOIN vectors AS v ON v.seq = c.seq LEFT JOIN passages AS p ON p.seq = c.seq`)
      .all() as unknown as VectorRow[];
    const wrong = rows.filter(value === NEW_MODEL.id ? isNotNew : isNotOld);
    return { model: value, count: rows.length, wrong: wrong.length };
  } finally {
    database.close();
  }
}

interface VectorRow {
  readonly seq: number;
  readonly text: string;
  readonly vector: Uint8Array | null;
  readonly passages: Uint8Array | null;
}

function isNotOld({ seq, vector, passages }: VectorRow): boolean {
  return vector === null || openVectors(null, 'vectors', seq, vector).length !== DIMENSION * 4 || passages !== null;
}

function isNotNew({ seq, text, vector, passages }: VectorRow): boolean {
  const { dimension } = NEW_MODEL;
  const stored = [
    ['vectors', vector],
    ['passages', passages],
  ] as const;
  const numbers = stored.flatMap(([table, bytes]) =>
    bytes === null ? [] : Array.from(toNumbers(openVectors(null, table, seq, bytes))),
  );
  const firsts = numbers.filter((_, i) => i % dimension === 0);
  const expected = Array.from({ length: passagesOf(text) + 1 }, (_, i) => text.length + i);
  return numbers.length !== expected.length * dimension || firsts.join() !== expected.join();
}
