// Hits without copies, from a driver that knows none of them: more are asked for where copies left too few.

import type { Hit, LevelHits } from '../driver.ts';

/** Each asks for so many times as many as the one before. */
const GROWTH = 8;
const ROUNDS_MAX = 3;

/** `count` hits of each level at most: of those whose texts say the same the youngest, in the place of the best. */
export async function distinctHits(
  count: number,
  ask: (count: number) => Promise<readonly LevelHits[]>,
): Promise<LevelHits[]> {
  let asked = count;
  for (let round = 1; ; round++) {
    const levels = await ask(asked);
    const distinct = levels.map((level) => ({ ...level, hits: withoutCopies(level.hits) }));
    const lacksSome = levels.some((level, i) => {
      return level.hits.length >= asked && (distinct[i] as LevelHits).hits.length < count;
    });
    if (!lacksSome || round === ROUNDS_MAX)
      return distinct.map((level) => ({ ...level, hits: level.hits.slice(0, count) }));
    asked *= GROWTH;
  }
}

function withoutCopies(hits: readonly Hit[]): Hit[] {
  const byText = new Map<number, Hit>();
  for (const hit of hits) {
    const { textKey } = hit.features;
    const known = byText.get(textKey);
    if (known === undefined || hit.record.createdAtMs > known.record.createdAtMs) byText.set(textKey, hit);
  }
  return [...byText.values()];
}
