import type { Client } from './client.ts';
import type { LargeNamespace } from './large-namespace.ts';

const TOP = 10;
/** Cosines closer than this are a tie: either context is a right answer. */
const TIE = 1e-5;

/**
 * Share of the exact ten nearest vectors that the server's vector side found, over the first questions.
 * Asked with the embedding alone, and read from the receipts, where the candidates stand before recency and
 * frequency move them.
 */
export async function vectorRecall(large: LargeNamespace, client: Client, count: number): Promise<number> {
  const positions = new Map(large.ids.map((id, position) => [id, position]));
  const vectors = await large.floor.call('vectorsOfQueries', { count });
  const exact = await large.floor.call('exact', { count });
  let found = 0;
  for (const [query, embedding] of vectors.entries()) {
    const { receipts = [] } = await client.query({ embedding, limit: TOP, explain: true });
    const nearest = receipts
      .toSorted((a, b) => b.scores.similarity - a.scores.similarity)
      .slice(0, TOP)
      .flatMap(({ id }) => positions.get(id) ?? []);
    const cosines = await large.floor.call('cosines', { query, positions: nearest });
    const least = exact[query]?.cosines.at(-1) ?? Number.NaN;
    found += cosines.filter((cosine) => cosine >= least - TIE).length;
  }
  return found / (count * TOP);
}
