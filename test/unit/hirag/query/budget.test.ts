import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS, type Level } from '../../../../src/base/context.ts';
import { allocate, sharesOf, type BudgetItem, type BudgetRules } from '../../../../src/hirag/query/budget.ts';

const BALANCED = sharesOf('Balanced');

function rules(changes: Partial<BudgetRules> = {}): BudgetRules {
  return { maxTokens: 100, limit: 50, shares: BALANCED, minContextsPerLevel: 1, ...changes };
}

type Sized = Omit<BudgetItem, 'relevance'>;

function items(...pairs: readonly (readonly [Level, number])[]): BudgetItem[] {
  return byRank(pairs.map(([level, tokenCount]) => ({ level, tokenCount })));
}

/** As relevant as it takes for what ranks first to be worth most. */
function byRank(sized: readonly Sized[]): BudgetItem[] {
  return sized.map((item, place) => ({ ...item, relevance: ((1 - place / 1000) * item.tokenCount ** 0.25) / 100 }));
}

function places(included: readonly boolean[]): number[] {
  return included.flatMap((isIn, place) => (isIn ? [place] : []));
}

const anyItem = fc.record({ level: fc.constantFrom(...LEVELS), tokenCount: fc.integer({ min: 1, max: 120 }) });
const anyItems = fc.array(anyItem, { maxLength: 40 }).map(byRank);
const withFillers = fc
  .array(
    fc.tuple(anyItem, fc.boolean()).map(([item, isFiller]) => ({ ...item, isFiller })),
    { maxLength: 40 },
  )
  .map(byRank);
const anyShares = fc
  .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
  .map((shares) => sharesOf(shares));
const anyRules = fc.record({
  maxTokens: fc.integer({ min: 1, max: 600 }),
  limit: fc.integer({ min: 1, max: 50 }),
  shares: anyShares,
  minContextsPerLevel: fc.integer({ min: 0, max: 4 }),
});

/** Down the ranking, everything that still fits. */
function greedy(ranked: readonly BudgetItem[], maxTokens: number, limit: number): number[] {
  const taken: number[] = [];
  let left = maxTokens;
  ranked.forEach((item, place) => {
    if (taken.length === limit || item.tokenCount > left) return;
    taken.push(place);
    left -= item.tokenCount;
  });
  return taken;
}

describe('shares', () => {
  it('are of any size: only their proportions count', () => {
    const thirds = allocate(items(['immediate', 200], ['short_term', 200], ['long_term', 200]), rules());
    expect(thirds.totalTokens).toBe(0);
    for (const share of [1e308, Number.MAX_VALUE, 1, 1e-300, Number.MIN_VALUE]) {
      const shares = sharesOf([share, share, share]);
      const { allocations } = allocate(
        items(['immediate', 200], ['short_term', 200], ['long_term', 200]),
        rules({ shares }),
      );
      expect(allocations).toEqual({ immediate: 34, short_term: 33, long_term: 33 });
    }
    const alone = allocate(items(['immediate', 200], ['long_term', 200]), rules({ shares: sharesOf([1e308, 0, -0]) }));
    expect(alone.allocations).toEqual({ immediate: 100, short_term: 0, long_term: 0 });
  });

  it('split any budget, whatever numbers they are', () => {
    const share = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        anyItems,
        fc.tuple(share, share, share),
        fc.integer({ min: 1, max: 600 }),
        (ranked, three, maxTokens) => {
          const { allocations } = allocate(ranked, rules({ maxTokens, shares: sharesOf(three) }));
          expect(LEVELS.reduce((total, level) => total + allocations[level], 0)).toBe(
            ranked.length === 0 ? 0 : maxTokens,
          );
        },
      ),
    );
  });

  it.each([[NaN], [Infinity], [-1], [-Infinity]])('are refused where one is %s', (bad) => {
    expect(() => sharesOf([1, bad, 1])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }) as Error);
  });
});

describe('fillers', () => {
  it('get what is left behind the others, and change nothing for them', () => {
    fc.assert(
      fc.property(withFillers, anyRules, (ranked, some) => {
        const hits = ranked.filter(({ isFiller }) => !isFiller);
        const alone = allocate(hits, some);
        const { included } = allocate(ranked, some);
        expect(ranked.flatMap((item, place) => (item.isFiller ? [] : [included[place]]))).toEqual(alone.included);
        const fillers = ranked.filter(({ isFiller }) => isFiller);
        const left = { tokens: some.maxTokens - alone.totalTokens, places: some.limit - places(alone.included).length };
        const taken = ranked.flatMap(({ isFiller }, place) => (isFiller ? [included[place]] : []));
        expect(places(taken as boolean[])).toEqual(greedy(fillers, left.tokens, left.places));
      }),
    );
  });
});

describe('the token budget', () => {
  it('is never exceeded, nor is the limit, whatever the items and rules', () => {
    fc.assert(
      fc.property(withFillers, anyRules, (ranked, some) => {
        const { included, totalTokens, allocations } = allocate(ranked, some);
        const taken = ranked.filter((_, place) => included[place]);
        expect(included).toHaveLength(ranked.length);
        expect(taken.reduce((total, item) => total + item.tokenCount, 0)).toBe(totalTokens);
        expect(totalTokens).toBeLessThanOrEqual(some.maxTokens);
        expect(taken.length).toBeLessThanOrEqual(some.limit);
        const granted = LEVELS.reduce((total, level) => total + allocations[level], 0);
        expect(granted).toBe(ranked.length === 0 ? 0 : some.maxTokens);
        for (const level of LEVELS) {
          const used = taken.filter((item) => item.level === level).reduce((total, item) => total + item.tokenCount, 0);
          expect(used).toBeLessThanOrEqual(allocations[level]);
        }
      }),
    );
  });

  it('leaves nothing out that would still fit', () => {
    fc.assert(
      fc.property(anyItems, anyRules, (ranked, some) => {
        const { included, totalTokens } = allocate(ranked, some);
        const isFull = included.filter(Boolean).length === some.limit;
        const left = some.maxTokens - totalTokens;
        const fitting = ranked.filter((item, place) => !included[place] && item.tokenCount <= left);
        expect(isFull ? [] : fitting).toEqual([]);
      }),
    );
  });

  it('of one level is filled in rank order, passing over what does not fit', () => {
    fc.assert(
      fc.property(anyItems, anyRules, fc.constantFrom(...LEVELS), (mixed, some, level) => {
        const ranked = mixed.map((item) => ({ ...item, level }));
        const outcome = allocate(ranked, { ...some, minContextsPerLevel: 1 });
        expect(places(outcome.included)).toEqual(greedy(ranked, some.maxTokens, some.limit));
      }),
    );
  });

  it('takes several short texts rather than a long one that says about as much, and a long one that says much more', () => {
    const short = Array.from({ length: 4 }, () => ({ level: 'long_term', tokenCount: 25, relevance: 0.5 }) as const);
    const long = (relevance: number): BudgetItem => ({ level: 'long_term', tokenCount: 100, relevance });
    expect(places(allocate([long(0.55), ...short], rules()).included)).toEqual([1, 2, 3, 4]);
    expect(places(allocate([long(0.9), ...short], rules()).included)).toEqual([0]);
  });

  it('takes what ranks better where places run out before tokens do', () => {
    const ranked = ([50, 60, 20, 200, 5] as const).map((tokenCount, place): BudgetItem => {
      return { level: 'long_term', tokenCount, relevance: 0.9 - place / 100 };
    });
    expect(places(allocate(ranked, rules({ limit: 2 })).included)).toEqual([0, 2]);
    expect(places(allocate(ranked, rules({ limit: 1 })).included)).toEqual([0]);
    expect(places(allocate(ranked, rules({ limit: 2, maxTokens: 1000 })).included)).toEqual([0, 1]);
  });

  it('holds no less of what counts with more tokens', () => {
    const anyWorth = fc.array(
      fc.record({ tokenCount: fc.constantFrom(20, 40, 80), relevance: fc.double({ min: 0.1, max: 1, noNaN: true }) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(anyWorth, fc.integer({ min: 80, max: 600 }), (some, maxTokens) => {
        const ranked = some
          .map((item) => ({ ...item, level: 'long_term' as const }))
          .toSorted((a, b) => b.relevance - a.relevance);
        const told = (tokens: number): number => {
          const { included } = allocate(ranked, rules({ maxTokens: tokens }));
          return ranked.reduce((sum, { relevance }, place) => sum + (included[place] ? relevance : 0), 0);
        };
        expect(told(2 * maxTokens)).toBeGreaterThanOrEqual(told(maxTokens) - 1e-9);
      }),
    );
  });

  it('holds every level to its minimum wherever the minima fit beside the best item', () => {
    fc.assert(
      fc.property(anyItems, anyRules, (ranked, some) => {
        const { included } = allocate(ranked, { ...some, limit: ranked.length + 1 });
        const best = ranked.findIndex((item) => item.tokenCount <= some.maxTokens);
        let needed = best < 0 ? 0 : (ranked[best]?.tokenCount ?? 0);
        for (const level of LEVELS) {
          const others = ranked
            .filter((item, place) => item.level === level && place !== best)
            .map((item) => item.tokenCount);
          const promised = some.minContextsPerLevel - (ranked[best]?.level === level ? 1 : 0);
          needed += others
            .sort((a, b) => a - b)
            .slice(0, Math.max(0, promised))
            .reduce((total, count) => total + count, 0);
        }
        fc.pre(needed <= some.maxTokens);
        for (const level of LEVELS) {
          const there = ranked.filter((item) => item.level === level).length;
          const taken = ranked.filter((item, place) => item.level === level && included[place]).length;
          expect(taken).toBeGreaterThanOrEqual(Math.min(there, some.minContextsPerLevel));
        }
      }),
    );
  });

  it('always has room for the best item that fits at all', () => {
    fc.assert(
      fc.property(anyItems, anyRules, (ranked, some) => {
        const best = ranked.findIndex((item) => item.tokenCount <= some.maxTokens);
        fc.pre(best >= 0);
        expect(allocate(ranked, some).included[best]).toBe(true);
      }),
    );
  });

  it('gives the first `limit` items, whatever their levels, where they fit together', () => {
    fc.assert(
      fc.property(anyItems, anyRules, (ranked, some) => {
        const { included } = allocate(ranked, { ...some, maxTokens: 10_000 });
        expect(places(included)).toEqual(greedy(ranked, 10_000, some.limit));
      }),
    );
  });
});

describe('shares', () => {
  const full = (level: Level, count: number): [Level, number][] => Array.from({ length: count }, () => [level, 10]);

  it('split the budget 30/40/30 where every level could use more', () => {
    const ranked = items(...full('long_term', 20), ...full('short_term', 20), ...full('immediate', 20));
    const { included, allocations } = allocate(ranked, rules({ maxTokens: 200 }));
    const counts = LEVELS.map(
      (level) => ranked.filter((item, place) => item.level === level && included[place]).length,
    );
    expect(counts).toEqual([6, 8, 6]);
    expect(allocations).toEqual({ immediate: 60, short_term: 80, long_term: 60 });
  });

  it('of levels without items go to the others at once', () => {
    const ranked = items(...full('short_term', 20), ...full('long_term', 20));
    const { allocations } = allocate(ranked, rules({ maxTokens: 140 }));
    expect(allocations).toEqual({ immediate: 0, short_term: 80, long_term: 60 });
  });

  it('that a level does not need go to those that do, in proportion', () => {
    const ranked = items(['immediate', 10], ...full('short_term', 40), ...full('long_term', 40));
    const { allocations } = allocate(ranked, rules({ maxTokens: 360 }));
    expect(allocations).toEqual({ immediate: 10, short_term: 200, long_term: 150 });
  });

  it('stay as they are where everything fits', () => {
    const { allocations, included } = allocate(
      items(['immediate', 5], ['short_term', 5], ['long_term', 5]),
      rules({ maxTokens: 4000 }),
    );
    expect(allocations).toEqual({ immediate: 1200, short_term: 1600, long_term: 1200 });
    expect(places(included)).toEqual([0, 1, 2]);
  });

  it('come by name or as three numbers', () => {
    const share = (priority: Parameters<typeof sharesOf>[0]): number[] =>
      LEVELS.map((level) => sharesOf(priority)[level]);
    expect(share('Balanced')).toEqual([0.3, 0.4, 0.3]);
    expect(share('Recent')).toEqual([...share('Deep')].reverse());
    expect(share([5, 3, 2])).toEqual([5, 3, 2]);
  });

  it('of zero leave a level its minimum and what nobody else needs', () => {
    const ranked = items(...full('immediate', 20), ...full('long_term', 20));
    const { included } = allocate(ranked, rules({ shares: sharesOf([1, 0, 0]), maxTokens: 100 }));
    const deep = ranked.filter((item, place) => item.level === 'long_term' && included[place]);
    expect(deep).toHaveLength(1);
  });

  it('count as equal where all are zero', () => {
    const ranked = items(...full('immediate', 20), ...full('long_term', 20));
    expect(allocate(ranked, rules({ shares: sharesOf([0, 0, 0]) })).allocations).toEqual({
      immediate: 50,
      short_term: 0,
      long_term: 50,
    });
  });

  it('do not keep a long item of a small level from emptying an answer', () => {
    const ranked = items(['long_term', 5000], ['long_term', 4001], ['long_term', 20], ['immediate', 10]);
    expect(places(allocate(ranked, rules({ maxTokens: 4000 })).included)).toEqual([2, 3]);
  });
});
