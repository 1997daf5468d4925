interface ExactQuestion {
  readonly dimension: number;
  /** The first so many vectors are searched. */
  readonly contexts: number;
  /** Place of the one that is asked with. */
  readonly question: number;
  readonly top: number;
}

/** Positions of the vectors of length 1 that are nearest to one of them, nearest first, by comparing with each that `belongs`. */
export function exactNearest(
  vectors: Float32Array,
  { dimension, contexts, question, top }: ExactQuestion,
  belongs: (position: number) => boolean,
): Uint32Array {
  const asked = vectors.subarray(question * dimension, (question + 1) * dimension);
  const best: { position: number; cosine: number }[] = [];
  for (let position = 0; position < contexts; position++) {
    if (!belongs(position)) continue;
    let cosine = 0;
    for (let at = 0, from = position * dimension; at < dimension; at++)
      cosine += (asked[at] as number) * (vectors[from + at] as number);
    if (best.length === top && cosine <= (best.at(-1)?.cosine ?? -1)) continue;
    const place = best.findIndex((other) => other.cosine < cosine);
    best.splice(place === -1 ? best.length : place, 0, { position, cosine });
    if (best.length > top) best.pop();
  }
  return Uint32Array.from(best, ({ position }) => position);
}

/** Share of all that is nearest which was found. */
export function shareFound(found: readonly (readonly number[])[], exact: readonly Uint32Array[]): number {
  let hits = 0;
  let wanted = 0;
  for (const [question, nearest] of exact.entries()) {
    const positions = new Set(found[question]);
    wanted += nearest.length;
    for (const position of nearest) if (positions.has(position)) hits++;
  }
  return hits / wanted;
}
