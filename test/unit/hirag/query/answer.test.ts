import { describe, expect, it } from 'vitest';
import type { ContextRecord, Level } from '../../../../src/base/context.ts';
import { CodedError } from '../../../../src/base/errors.ts';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import {
  assemble as assembleAnswer,
  type Answer,
  type AnswerRules,
  type FetchRecords,
} from '../../../../src/hirag/query/answer.ts';
import type { Ranked } from '../../../../src/hirag/rank/ranking.ts';
import { sharesOf } from '../../../../src/hirag/query/budget.ts';

function assemble(ranked: readonly Ranked[], rules: AnswerRules, fetch: FetchRecords): Promise<Answer> {
  return assembleAnswer(ranked, rules, fetch, new LoopTurns());
}

const SCORES = { similarity: 0, lexical: 0, recency: 0, level: 0, frequency: 0 };

const RULES: AnswerRules = {
  maxTokens: 100,
  limit: 10,
  shares: sharesOf('Balanced'),
  minContextsPerLevel: 1,
  nearDuplicateThreshold: 0.9,
};

interface Given {
  readonly text: string | null;
  readonly score?: number;
  readonly tokens?: number;
  /** What the record says, where the text changed since the search. */
  readonly tokensNow?: number;
  readonly level?: Level;
  readonly createdAtMs?: number;
  readonly isFiller?: boolean;
}

function given(contexts: readonly Given[]) {
  const fetched: (readonly string[])[] = [];
  const ranked = contexts.map(({ score = 0.9, tokens = 10, level = 'immediate', ...rest }, i): Ranked => {
    const { createdAtMs = 0, isFiller = false } = rest;
    return {
      id: String(i),
      place: i,
      level,
      createdAtMs,
      tokenCount: tokens,
      relevanceScore: score,
      similarity: SCORES.similarity,
      scores: SCORES,
      isFiller,
    };
  });
  const fetch: FetchRecords = (ids) => {
    fetched.push(ids);
    const records = ids.map((id) => {
      const context = contexts[Number(id)];
      if (context === undefined || context.text === null) return null;
      const { text, tokens = 10, tokensNow = tokens } = context;
      return { id, text, tokenCount: tokensNow } as ContextRecord;
    });
    return Promise.resolve({ records });
  };
  return { ranked, fetch, fetched };
}

const unlike = (i: number): string =>
  ['apples are red', 'rain fell all night', 'the train was late', 'she plays the cello', 'we ate noodles'][i] ??
  `thing ${i}`;

describe('an answer', () => {
  it('reads the texts of what the budget chose, not of every candidate', async () => {
    const { ranked, fetch, fetched } = given(Array.from({ length: 500 }, (_, i) => ({ text: `thing ${i}` })));
    const { included } = await assemble(ranked, RULES, fetch);
    expect(included).toHaveLength(10);
    expect(fetched.flat()).toHaveLength(10);
  });

  it('puts fillers in their place by rank, but takes them last', async () => {
    const { ranked, fetch } = given([
      { text: unlike(0), isFiller: true, score: 0.9, tokens: 30 },
      { text: unlike(1), score: 0.8, tokens: 40 },
      { text: unlike(2), score: 0.7, tokens: 40 },
      { text: unlike(3), isFiller: true, score: 0.1, tokens: 20 },
    ]);
    const { included, outcomes } = await assemble(ranked, RULES, fetch);
    expect(included.map(({ ranked: { id } }) => id)).toEqual(['1', '2', '3']);
    expect(outcomes).toEqual(['over_budget', 'included', 'included', 'included']);
  });

  it('lets a filler that says the same as a hit, and is younger, stand for it as a hit', async () => {
    const { ranked, fetch } = given([
      { text: 'tea is green', tokens: 60, createdAtMs: 1 },
      { text: 'Tea is green.', tokens: 40, tokensNow: 100, createdAtMs: 2, isFiller: true },
      { text: unlike(1), tokens: 80, score: 0.5 },
      { text: unlike(2), tokens: 60, score: 0.4 },
    ]);
    const { included } = await assemble(ranked, { ...RULES, maxTokens: 180 }, fetch);
    expect(included.map(({ ranked: { id } }) => id)).toEqual(['1', '2']);
  });

  it('holds of texts that say the same the best one only, and others in the place of the rest', async () => {
    const { ranked, fetch } = given([
      { text: 'I like tea.' },
      { text: 'i like TEA' },
      { text: unlike(1) },
      { text: 'I like tea!' },
      { text: unlike(2) },
    ]);
    const { included, outcomes } = await assemble(ranked, { ...RULES, limit: 3 }, fetch);
    expect(included.map(({ ranked: { id } }) => id)).toEqual(['0', '2', '4']);
    expect(outcomes).toEqual(['included', 'duplicate', 'included', 'duplicate', 'included']);
  });

  it('holds of texts that say the same the youngest, which takes the place of the best', async () => {
    const { ranked, fetch } = given([
      { text: 'I like tea', createdAtMs: 1, tokens: 40 },
      { text: unlike(0), tokens: 40 },
      { text: 'I LIKE TEA', createdAtMs: 3, tokens: 45, level: 'long_term' },
      { text: unlike(1), tokens: 15 },
      { text: 'i like tea!', createdAtMs: 2, tokens: 10 },
    ]);
    const { included, outcomes, totalTokens } = await assemble(ranked, { ...RULES, maxTokens: 1000 }, fetch);
    expect(included.map(({ ranked: { id } }) => id)).toEqual(['1', '2', '3']);
    expect(outcomes).toEqual(['duplicate', 'included', 'included', 'included', 'duplicate']);
    expect(totalTokens).toBe(100);
  });

  it('does not lose the youngest to what the older one leaves room for', async () => {
    const { ranked, fetch } = given([
      { text: 'I like tea', createdAtMs: 1, tokens: 30 },
      { text: unlike(0), tokens: 40 },
      { text: unlike(1), tokens: 45 },
      { text: 'I LIKE TEA', createdAtMs: 2, tokens: 20 },
    ]);
    const { included } = await assemble(ranked, { ...RULES, minContextsPerLevel: 0 }, fetch);
    expect(included.map(({ record: { text } }) => text)).toContain('I LIKE TEA');
  });

  it('ends though nearly everything says the same', async () => {
    const { ranked, fetch, fetched } = given([
      ...Array.from({ length: 400 }, () => ({ text: 'the same again', tokens: 60 })),
      { text: unlike(0), tokens: 30 },
    ]);
    const { included, totalTokens } = await assemble(ranked, RULES, fetch);
    expect(included.map(({ record: { text } }) => text)).toEqual(['the same again', unlike(0)]);
    expect(totalTokens).toBe(90);
    expect(fetched.length).toBeLessThan(20);
  });

  it('counts the tokens that the texts have now', async () => {
    const { ranked, fetch } = given([
      { text: unlike(0), tokens: 40, tokensNow: 90 },
      { text: unlike(1), tokens: 40, score: 0.5 },
      { text: unlike(2), tokens: 5 },
    ]);
    const { included, totalTokens } = await assemble(ranked, RULES, fetch);
    expect(totalTokens).toBeLessThanOrEqual(RULES.maxTokens);
    expect(included.map(({ record: { tokenCount } }) => tokenCount)).toEqual([90, 5]);
  });

  it('goes on without contexts that are gone', async () => {
    const { ranked, fetch } = given([{ text: null }, { text: unlike(1) }]);
    const { included, outcomes, lost } = await assemble(ranked, RULES, fetch);
    expect(included).toHaveLength(1);
    expect(outcomes).toEqual([null, 'included']);
    expect(lost.size).toBe(0);
  });

  it('goes on without a level whose texts cannot be read, and says so', async () => {
    const { ranked, fetch } = given([{ text: null, level: 'long_term' }, { text: unlike(1) }]);
    const error = new CodedError('STORE_UNAVAILABLE', 'down');
    const { included, lost } = await assemble(ranked, RULES, async (ids) => ({ ...(await fetch(ids)), error }));
    expect(included.map(({ ranked: { id } }) => id)).toEqual(['1']);
    expect([...lost]).toEqual([['long_term', error]]);
  });

  it('says of each candidate what became of it', async () => {
    const { ranked, fetch } = given([
      { text: unlike(0), tokens: 50 },
      { text: unlike(1), tokens: 60 },
      { text: unlike(2), tokens: 20 },
      { text: unlike(3), tokens: 200 },
      { text: unlike(4), tokens: 5 },
    ]);
    expect((await assemble(ranked, RULES, fetch)).outcomes).toEqual([
      'included',
      'over_budget',
      'included',
      'over_budget',
      'included',
    ]);
    expect((await assemble(ranked, { ...RULES, limit: 2 }, fetch)).outcomes).toEqual([
      'included',
      'over_budget',
      'included',
      'over_limit',
      'over_limit',
    ]);
  });

  it('of nothing is empty', async () => {
    const { included, totalTokens, allocations } = await assemble([], RULES, () =>
      Promise.reject(new Error('there is nothing to read')),
    );
    expect(included).toEqual([]);
    expect(totalTokens).toBe(0);
    expect(allocations).toEqual({ immediate: 0, short_term: 0, long_term: 0 });
  });
});
