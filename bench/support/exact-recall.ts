import { exactSearch, MetricKind } from 'usearch';
import type { Client } from './client.ts';

const TOP = 10;
/** Cosines closer than this are a tie: either context is a right answer. */
const TIE = 1e-5;

export interface AskedVectors {
  /** Of the contexts, by position, one after another. */
  readonly vectors: Float32Array;
  readonly dimension: number;
  /** Ids that the server gave, by position. */
  readonly ids: readonly string[];
  readonly questions: readonly Float32Array[];
}

/** Share of the true nearest among the best that the receipts tell of, before recency and frequency move them. */
export async function exactRecall(client: Client, asked: AskedVectors): Promise<number> {
  const { vectors, dimension, ids, questions } = asked;
  const positions = new Map(ids.map((id, position) => [id, position]));
  const { distances } = exactSearch(vectors, joined(questions, dimension), dimension, TOP, MetricKind.IP, 0);
  let found = 0;
  for (const [number, embedding] of questions.entries()) {
    const { receipts = [] } = await client.query({ embedding, limit: TOP, explain: true });
    const nearest = receipts.toSorted((a, b) => b.scores.similarity - a.scores.similarity).slice(0, TOP);
    const least = 1 - (distances[number * TOP + TOP - 1] ?? Number.NaN) - TIE;
    for (const { id } of nearest) if (cosine(asked, positions.get(id) ?? 0, embedding) >= least) found++;
  }
  return found / (questions.length * TOP);
}

function cosine({ vectors, dimension }: AskedVectors, position: number, question: Float32Array): number {
  return question.reduce((sum, value, i) => sum + value * (vectors[position * dimension + i] ?? Number.NaN), 0);
}

export function joined(vectors: readonly Float32Array[], dimension: number): Float32Array {
  const all = new Float32Array(vectors.length * dimension);
  vectors.forEach((vector, i) => all.set(vector, i * dimension));
  return all;
}
