import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS, type Level } from '../../../../src/base/context.ts';
import { admit, type Admission, type AdmissionRules } from '../../../../src/hirag/rank/admission.ts';
import { compareRank } from '../../../../src/hirag/rank/ranking.ts';
import { DEFAULTS } from '../../../support/settings.ts';
import { toCandidates } from '../../../../src/store/candidates.ts';

const SETTINGS = {
  ...DEFAULTS.hirag,
  ranking: 'additive' as const,
  weights: { similarity: 0.6, recency: 0.2, level: 0.2, frequency: 0 },
};
const NOW_MS = 1_700_000_000_000;
const YEAR_MS = 365 * 86_400_000;
const RULES: AdmissionRules = { threshold: 0.2, minSimilarity: 0.1, standInSimilarity: 0.1, keptPerLevel: 1 };

interface Given {
  readonly id: string;
  readonly similarity: number;
  readonly level?: Level;
  readonly ageMs?: number;
  readonly accessCount?: number;
}

function run(given: readonly Given[], rules = RULES, levels: readonly Level[] = LEVELS): Admission {
  const rows = given.map(({ id, level = 'immediate' as const, ageMs = 0, accessCount = 0 }) => {
    const found = {
      dense: null,
      termScores: [],
      traitFlags: 0,
      direct: true,
      previousId: null,
      nextId: null,
    };
    return { id, level, createdAtMs: NOW_MS - ageMs, accessCount, tokenCount: 1, ...found };
  });
  const candidates = toCandidates(rows, 0);
  const similarity = Float64Array.from(given, (one) => one.similarity);
  const [lexical, cosines] = [new Float64Array(given.length), new Float64Array(given.length)];
  const similarities = { similarity, lexical, cosines };
  return admit(
    { candidates, similarities, levels, nowMs: NOW_MS, pendingAccesses: () => 0, explain: true },
    rules,
    SETTINGS,
  );
}

function ids(candidates: Iterable<{ readonly id: string }>): string[] {
  return [...candidates].map(({ id }) => id);
}

describe('a candidate', () => {
  it('needs both the score and the similarity', () => {
    const { admitted, belowThreshold } = run(
      [
        { id: 'no score', similarity: 0.15, level: 'long_term', ageMs: YEAR_MS },
        { id: 'b', similarity: 0.1 },
        { id: 'no similarity', similarity: 0.09 },
        { id: 'a', similarity: 0.9 },
      ],
      { ...RULES, keptPerLevel: 0 },
    );
    expect(ids(admitted)).toEqual(['a', 'b']);
    expect(ids(belowThreshold)).toEqual(['no score', 'no similarity']);
  });

  it('is kept for its level where it ranks among the best of it, however often it was returned', () => {
    const { admitted, belowThreshold } = run([
      { id: 'fit', similarity: 0.7 },
      { id: 'new', similarity: 0.01 },
      { id: 'often', similarity: 0.01, level: 'long_term', ageMs: YEAR_MS, accessCount: 100 },
      { id: 'younger', similarity: 0.01, level: 'long_term', ageMs: YEAR_MS / 12 },
    ]);
    expect(admitted.map(({ id, isFiller }) => [id, isFiller])).toEqual([
      ['fit', false],
      ['younger', true],
    ]);
    expect(ids(belowThreshold)).toEqual(['new', 'often']);
    const both = run([
      { id: 'fit', similarity: 0.2, ageMs: YEAR_MS },
      { id: 'new', similarity: 0.01 },
    ]);
    expect(ids(both.admitted)).toEqual(['new', 'fit']);
  });

  it('that has nothing in common with the query is admitted by a threshold of 0 alone, to fill', () => {
    const given = [
      { id: 'a', similarity: 0.9 },
      { id: 'b', similarity: 0 },
    ];
    for (const rules of [
      RULES,
      { ...RULES, minSimilarity: 0 },
      { threshold: 0.01, minSimilarity: 0, standInSimilarity: 0, keptPerLevel: 9 },
    ])
      expect(ids(run(given, rules).admitted)).toEqual(['a']);
    const { admitted } = run(given, { threshold: 0, minSimilarity: 0, standInSimilarity: 0, keptPerLevel: 0 });
    expect(admitted.map(({ id, isFiller }) => [id, isFiller])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  it('of a level not asked for is not ranked', () => {
    const { admitted, belowThreshold } = run(
      [
        { id: 'a', similarity: 1 },
        { id: 'b', similarity: 1, level: 'long_term' },
      ],
      RULES,
      ['long_term'],
    );
    expect(ids([...admitted, ...belowThreshold])).toEqual(['b']);
  });

  it('is admitted or not, in rank order, and of each level the best are that have anything in common', () => {
    const facts = fc.record({
      similarity: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20),
      level: fc.constantFrom(...LEVELS),
      ageMs: fc.integer({ min: 0, max: YEAR_MS }),
    });
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 40 }), fc.nat(4), (some, keptPerLevel) => {
        const given = some.map((one, i) => ({ id: String(i), ...one }));
        const { admitted, belowThreshold } = run(given, { ...RULES, keptPerLevel });
        const all = [...admitted, ...belowThreshold];
        expect(ids(all).sort()).toEqual(ids(given).sort());
        expect(ids(admitted)).toEqual(ids([...admitted].sort(compareRank)));
        for (const level of LEVELS) {
          const best = all
            .filter((other) => other.level === level && other.scores.similarity > 0)
            .sort(compareRank)
            .slice(0, keptPerLevel);
          for (const expected of best) expect(admitted).toContain(expected);
        }
        for (const one of admitted) {
          const fits = one.relevanceScore >= RULES.threshold && one.scores.similarity >= RULES.minSimilarity;
          expect(one.isFiller).toBe(!fits);
          expect(one.scores.similarity).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe('a similarity that is asked for', () => {
  const rules: AdmissionRules = { threshold: 0, minSimilarity: 0.7, standInSimilarity: 0.05, keptPerLevel: 0 };

  it('lets in what has it, and nothing else', () => {
    const given = [0.9, 0.7, 0.69, 0.06, 0].map((similarity, i) => ({ id: `${i}`, similarity }));
    const { standsIn, admitted } = run(given, rules);
    expect({ standsIn, admitted: ids(admitted) }).toEqual({ standsIn: false, admitted: ['0', '1'] });
  });

  it('that nothing has is stood in for by what is near, and by nothing unrelated', () => {
    const given = [0.69, 0.06, 0.04, 0].map((similarity, i) => ({ id: `${i}`, similarity }));
    const { standsIn, admitted } = run(given, rules);
    expect({ standsIn, admitted: ids(admitted) }).toEqual({ standsIn: true, admitted: ['0', '1'] });
    expect(admitted.map(({ isFiller }) => isFiller)).toEqual([false, false]);
    expect(ids(run(given, { ...rules, standInSimilarity: 0 }).admitted)).toEqual(['0', '1', '2']);
  });

  it('is looked for in the levels that are asked alone', () => {
    const given = [
      { id: 'a', similarity: 0.9, level: 'long_term' as const },
      { id: 'b', similarity: 0.3 },
    ];
    const { standsIn, admitted } = run(given, rules, ['immediate']);
    expect({ standsIn, admitted: ids(admitted) }).toEqual({ standsIn: true, admitted: ['b'] });
  });
});
