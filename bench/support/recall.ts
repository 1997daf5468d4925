import type { Client } from './client.ts';
import type { LargeNamespace } from './large-namespace.ts';

const TOP = 10;
/** Cosines closer than this are a tie: either context is a right answer. */
const TIE = 1e-5;

/** Too little to change any order, and enough for a vector to be zero nowhere. */
const HARDLY_ANYTHING = 1e-9;

/** As embedding services make vectors: zero nowhere. The server then searches its graph, not the columns of what is not zero. */
export function nowhereZero(vectors: readonly Float32Array[]): Float32Array[] {
  return vectors.map((vector) => vector.map((value) => (value === 0 ? HARDLY_ANYTHING : value)));
}

/**
 * Share of the exact ten nearest vectors that the server's vector side found, over the first questions.
 * Asked with the embedding alone, and read from the receipts, where the candidates stand before recency and
 * frequency move them. `asAsked`: what becomes of the vectors before they are sent.
 */
export async function vectorRecall(
  large: LargeNamespace,
  client: Client,
  count: number,
  asAsked = (vectors: readonly Float32Array[]): readonly Float32Array[] => vectors,
): Promise<number> {
  const positions = new Map(large.ids.map((id, position) => [id, position]));
  const vectors = asAsked(await large.floor.call('vectorsOfQueries', { count }));
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
