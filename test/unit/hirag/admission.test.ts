import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS, type Level } from '../../../src/base/context.ts';
import { admit, type AdmissionRules } from '../../../src/hirag/admission.ts';
import type { Ranked } from '../../../src/hirag/answer.ts';
import { compareRank } from '../../../src/hirag/ranking.ts';

const RULES: AdmissionRules = { threshold: 0.2, minSimilarity: 0.1, keptPerLevel: 1 };

function scored(id: string, relevanceScore: number, similarity: number, level: Level = 'immediate'): Ranked {
  const scores = { similarity, lexical: 0, recency: 0, level: 0, frequency: 0 };
  return { id, level, createdAtMs: 0, tokenCount: 1, relevanceScore, scores };
}

function ids(candidates: Iterable<Ranked>): string[] {
  return [...candidates].map(({ id }) => id);
}

describe('a candidate', () => {
  it('needs both the score and the similarity', () => {
    const { admitted, belowThreshold } = admit(
      [scored('no score', 0.19, 0.5), scored('b', 0.2, 0.1), scored('no similarity', 0.8, 0.09), scored('a', 0.9, 0.5)],
      { ...RULES, keptPerLevel: 0 },
    );
    expect(ids(admitted)).toEqual(['a', 'b']);
    expect(ids(belowThreshold)).toEqual(['no score', 'no similarity']);
  });

  it('is kept for its level where it ranks among the best of it', () => {
    const { admitted, keptForLevel, belowThreshold } = admit(
      [scored('fit', 0.7, 0.5), scored('new', 0.5, 0), scored('l3 a', 0.1, 0, 'long_term'), scored('l3 b', 0.11, 0, 'long_term')],
      RULES,
    );
    expect(ids(admitted)).toEqual(['fit', 'l3 b']);
    expect([...keptForLevel]).toEqual(['l3 b']);
    expect(ids(belowThreshold)).toEqual(['new', 'l3 a']);
    expect(ids(admit([scored('fit', 0.3, 0.5), scored('new', 0.5, 0)], RULES).admitted)).toEqual(['new', 'fit']);
  });

  it('is admitted or not, in rank order, and the best of each level always are', () => {
    const level = fc.constantFrom(...LEVELS);
    const candidate = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }), level);
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 40 }), fc.nat(4), (facts, keptPerLevel) => {
        const candidates = facts.map(([score, similarity, on], i) => scored(String(i), score / 20, similarity / 20, on));
        const { admitted, keptForLevel, belowThreshold } = admit(candidates, { ...RULES, keptPerLevel });
        expect(ids([...admitted, ...belowThreshold]).sort()).toEqual(ids(candidates).sort());
        expect(ids(admitted)).toEqual(ids([...admitted].sort(compareRank)));
        for (const one of LEVELS) {
          const best = candidates.filter((other) => other.level === one).sort(compareRank).slice(0, keptPerLevel);
          for (const expected of best) expect(admitted).toContain(expected);
        }
        for (const one of admitted) {
          const fits = one.relevanceScore >= RULES.threshold && one.scores.similarity >= RULES.minSimilarity;
          expect(keptForLevel.has(one.id)).toBe(!fits);
        }
      }),
    );
  });
});
