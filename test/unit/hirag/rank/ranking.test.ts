import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS } from '../../../../src/base/context.ts';
import { compareRank, finalScore, scoreParts, type RankFacts } from '../../../../src/hirag/rank/ranking.ts';
import { DEFAULTS } from '../../../support/settings.ts';

const SETTINGS = DEFAULTS.hirag;
const NOW_MS = 1_700_000_000_000;
const DAY_MS = 86_400_000;

function facts(changes: Partial<RankFacts> = {}): RankFacts {
  return { level: 'immediate', createdAtMs: NOW_MS, accessCount: 0, ...changes };
}

function scoreWith(changes: Partial<RankFacts>, similarity: number, settings: typeof SETTINGS): number {
  const some = facts(changes);
  const parts = scoreParts(some, { similarity, lexical: 0 }, NOW_MS, settings);
  return finalScore(parts.similarity, parts.recency, some.level, parts.frequency, settings);
}

const score = (changes: Partial<RankFacts>, similarity: number, settings = SETTINGS): number =>
  scoreWith(changes, similarity, settings);

const anyFacts = fc.record({
  id: fc.uuid(),
  level: fc.constantFrom(...LEVELS),
  createdAtMs: fc.integer({ min: 0, max: 2 * NOW_MS }),
  accessCount: fc.nat(),
});
const anySimilarity = fc.double({ min: -2, max: 3 });

describe('the final score', () => {
  it('weighs similarity 0.7, and recency and level 0.15 each in proportion to it', () => {
    expect(score({ accessCount: 100 }, 1)).toBeCloseTo(1);
    expect(score({}, 0)).toBe(0);
    expect(score({}, 0.5)).toBeCloseTo(0.5);
    expect(score({ level: 'long_term', createdAtMs: 0, accessCount: 100 }, 0.5)).toBeCloseTo(0.5 * (0.7 + 0.15 * 0.5));
  });

  it('orders what fits equally by age and level, and lifts nothing that does not fit', () => {
    const old: Partial<RankFacts> = { level: 'long_term', createdAtMs: 0 };
    expect(score({}, 0.4)).toBeGreaterThan(score(old, 0.4));
    expect(score(old, 0.4)).toBeGreaterThan(score({}, 0.3));
  });

  it('goes by the others the more, the less the similarity is told to count', () => {
    const weights = { similarity: 0.1, recency: 0.9, level: 0, frequency: 0 };
    const settings = { ...SETTINGS, weights };
    expect(score({}, 0.2, settings)).toBeGreaterThan(score({ createdAtMs: NOW_MS - DAY_MS }, 1, settings));
    expect(score({}, 0, { ...SETTINGS, weights: { ...weights, similarity: 0 } })).toBe(1);
  });

  it('adds similarity 0.5, recency 0.2, level 0.2 and frequency 0.1, where it is told so', () => {
    const weights = { similarity: 0.5, recency: 0.2, level: 0.2, frequency: 0.1 };
    const score = (changes: Partial<RankFacts>, similarity: number) =>
      scoreWith(changes, similarity, { ...SETTINGS, ranking: 'additive', weights });
    expect(score({ accessCount: 100 }, 1)).toBeCloseTo(1);
    expect(score({}, 0)).toBeCloseTo(0.2 + 0.2);
    expect(score({ createdAtMs: NOW_MS - DAY_MS }, 0.5)).toBeCloseTo(0.25 + 0.2 / Math.E + 0.2);
    expect(score({ level: 'short_term', createdAtMs: 0 }, 0)).toBeCloseTo(0.2 * 0.7);
    expect(score({ level: 'long_term', createdAtMs: 0 }, 0)).toBeCloseTo(0.2 * 0.5);
    expect(score({ createdAtMs: 0, accessCount: 9 }, 0)).toBeCloseTo(0.2 + 0.1 * (Math.log(10) / Math.log(101)));
  });

  it('takes its weights, level weights and decay from the settings', () => {
    const settings = {
      ...SETTINGS,
      weights: { similarity: 0, recency: 3, level: 1, frequency: 0 },
      levelWeights: { immediate: 0.2, short_term: 1, long_term: 1 },
      recencyHours: 1,
    };
    expect(score({ createdAtMs: NOW_MS - 3_600_000 }, 1, settings)).toBeCloseTo(0.75 / Math.E + 0.25 * 0.2);
  });

  it('lies in 0..1, also for dates in the future and similarities that are none', () => {
    fc.assert(
      fc.property(anyFacts, anySimilarity, (some, similarity) => {
        const result = score(some, similarity);
        expect(result).toBeGreaterThanOrEqual(0);
        expect(result).toBeLessThanOrEqual(1);
      }),
    );
    expect(score({}, Number.NaN)).toBe(0);
    expect(score({}, 1, { ...SETTINGS, weights: { similarity: 0, recency: 0, level: 0, frequency: 0 } })).toBe(0);
  });

  it('never falls when similarity, access count or youth grow', () => {
    fc.assert(
      fc.property(anyFacts, anySimilarity, fc.nat(100), (some, similarity, more) => {
        const base = score(some, similarity);
        expect(score(some, similarity + more / 100)).toBeGreaterThanOrEqual(base);
        expect(score({ ...some, accessCount: some.accessCount + more }, similarity)).toBeGreaterThanOrEqual(base);
        expect(score({ ...some, createdAtMs: some.createdAtMs + more * DAY_MS }, similarity)).toBeGreaterThanOrEqual(
          base,
        );
      }),
    );
  });

  it('counts no more than a hundred accesses', () => {
    const settings = { ...SETTINGS, weights: { similarity: 1, recency: 0, level: 0, frequency: 1 } };
    expect(score({ accessCount: 1_000_000 }, 1, settings)).toBe(score({ accessCount: 100 }, 1, settings));
    expect(score({ accessCount: 100 }, 1, settings)).toBeGreaterThan(score({ accessCount: 99 }, 1, settings));
  });
});

describe('the order', () => {
  const scored = fc.tuple(anyFacts, fc.constantFrom(0, 0.5, 1)).map(([some, similarity]) => {
    const scores = scoreParts(some, { similarity, lexical: 0 }, NOW_MS, SETTINGS);
    return {
      ...some,
      similarity,
      scores,
      relevanceScore: finalScore(scores.similarity, scores.recency, some.level, scores.frequency, SETTINGS),
    };
  });

  it('does not depend on the order in which candidates came', () => {
    fc.assert(
      fc.property(fc.uniqueArray(scored, { selector: ({ id }) => id }), fc.nat(), (candidates, turn) => {
        const at = candidates.length === 0 ? 0 : turn % candidates.length;
        const shuffled = [...candidates.slice(at).reverse(), ...candidates.slice(0, at)];
        expect([...shuffled].sort(compareRank)).toEqual([...candidates].sort(compareRank));
      }),
    );
  });

  it('puts the more similar, then the younger, first where scores are equal', () => {
    const base = { relevanceScore: 0.5, createdAtMs: 1, similarity: 0.5 };
    const similar = { ...base, id: 'b', similarity: 0.6 };
    const young = { ...base, id: 'c', createdAtMs: 2 };
    const old = { ...base, id: 'a' };
    expect([old, young, similar].sort(compareRank).map(({ id }) => id)).toEqual(['b', 'c', 'a']);
    expect([{ ...old, id: 'z' }, old].sort(compareRank).map(({ id }) => id)).toEqual(['a', 'z']);
  });
});
