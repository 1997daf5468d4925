import { describe, expect, it } from 'vitest';
import { NearWords } from '../../../../src/base/text/near-words.ts';
import { answerable, type AnswerEvidence } from '../../../../src/hirag/query/answerable.ts';
import { toCandidates, type Candidate } from '../../../../src/store/candidates.ts';

/** Commonest first. */
const COMMON = ['happen', 'long', ...Array.from({ length: 5_000 }, (_, i) => `word${i}`)];
const NEAR = new NearWords(COMMON.map((word) => `${word} other:60`).join('\n'));

const CANDIDATE: Candidate = {
  ...{ id: 'a', level: 'immediate', createdAtMs: 0, accessCount: 0, tokenCount: 10, dense: null, termScores: [] },
  ...{ traitFlags: 0, previousId: null, nextId: null, direct: true },
};

/** Of one context that holds some of the terms; `lent`: places of those that only a near word stands for. */
function verdict(terms: Readonly<Record<string, boolean>>, beside: Partial<AnswerEvidence> = {}, lent: number[] = []) {
  const names = Object.keys(terms);
  const scores = names.map((name) => (terms[name] === true ? 1 : 0));
  const found = {
    candidates: toCandidates([{ ...CANDIDATE, termScores: scores }], names.length),
    terms: names.map((term) => ({ term, weight: 1 })),
    statistics: { documentCount: 100, documentFrequencies: scores, averageTermCount: 10, lengthShare: 0.75 },
    lentAlone: new Set(lent),
  };
  const evidence = { cosines: Float64Array.of(0), nearWords: NEAR, ...beside };
  return answerable(found, { included: [0], cut: [] }, evidence);
}

describe('whether a question can be answered', () => {
  it('hardly depends on common words that nobody said, and much on others', () => {
    expect(verdict({ happen: false, long: false, zanzibar: true }).verdict).toBe('weak');
    expect(verdict({ happen: true, long: true, zanzibar: false }).verdict).toBe('no');
    expect(verdict({ happen: false, long: false, zanzibar: true }, { nearWords: undefined }).verdict).toBe('no');
  });

  it('does not take a near word for the one that was asked about', () => {
    expect(verdict({ zanzibar: true, ferry: true })).toMatchObject({ verdict: 'yes', coverage: 1 });
    expect(verdict({ zanzibar: true, ferry: true }, {}, [1])).toMatchObject({ verdict: 'no', coverage: 0.5 });
  });

  it('takes what is near for a part of the words that are missing', () => {
    const terms = { zanzibar: true, ferry: true, harbour: false };
    expect(verdict(terms).verdict).toBe('no');
    expect(verdict(terms, { cosines: Float64Array.of(0.6) }).verdict).toBe('weak');
    expect(verdict(terms, { cosines: Float64Array.of(0.9) }).verdict).toBe('yes');
  });
});
