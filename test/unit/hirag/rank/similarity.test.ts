import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyzeQuery } from '../../../../src/base/text/analyzer.ts';
import {
  attainableScore,
  similarities,
  type Comparison,
  type Similarities,
} from '../../../../src/hirag/rank/similarity.ts';
import {
  DATE_FLAG,
  DIRECT_FLAG,
  QUESTION_FLAG,
  SPEAKER_FLAG,
  TIME_FLAG,
  toCandidates,
  type Candidate,
} from '../../../../src/store/candidates.ts';
import { DEFAULTS } from '../../../support/settings.ts';

const DEFAULT_FUSION = DEFAULTS.hirag.fusion;

const TWO_TERMS = analyzeQuery('support group');
const QUERY: Comparison = {
  query: TWO_TERMS,
  attainable: 4,
  kind: 'lexical',
  searched: 1_000,
  meaningShare: 1,
  denseFloor: null,
};

function candidate(id: string, changes: Partial<Candidate> & { readonly terms?: readonly number[] } = {}): Candidate {
  const { terms = [0, 0], ...rest } = changes;
  return {
    id,
    level: 'immediate',
    createdAtMs: 0,
    accessCount: 0,
    tokenCount: 10,
    dense: null,
    termScores: Float32Array.from(terms),
    traitFlags: 0,
    previousId: null,
    nextId: null,
    direct: true,
    ...rest,
  };
}

/** A session: each one's neighbours are the next ones in the list. */
function session(...candidates: readonly Candidate[]): Candidate[] {
  return candidates.map((one, i) => ({
    ...one,
    previousId: candidates[i - 1]?.id ?? null,
    nextId: candidates[i + 1]?.id ?? null,
  }));
}

function similaritiesOf(
  candidates: readonly Candidate[],
  comparison: Comparison,
  settings: typeof DEFAULT_FUSION,
): Similarities {
  return similarities(toCandidates(candidates, comparison.query.terms.length).columns, comparison, settings);
}

/** Evidence, from similarities that show it undistorted. */
function evidence(
  candidates: readonly Candidate[],
  comparison: Comparison = QUERY,
  changes: Partial<typeof DEFAULT_FUSION> = {},
): number[] {
  const settings = { ...DEFAULT_FUSION, relativeExponent: 0, slope: 0.1, ...changes };
  const { similarity } = similaritiesOf(candidates, comparison, settings);
  return Array.from(similarity, (found) => Math.round(Math.atanh(found) * 1e4) / 1e3);
}

describe('lexical evidence', () => {
  it('is the share of what the query could attain', () => {
    expect(
      attainableScore(
        [
          { term: 'x', weight: 1 },
          { term: 'y', weight: 2 },
        ],
        { documentCount: 0, averageTermCount: 0, lengthShare: 0.4, documentFrequencies: [0, 0] },
      ),
    ).toBeCloseTo(3 * Math.log(2));
    expect(evidence([candidate('a', { terms: [2, 2] }), candidate('b', { terms: [2, 0] }), candidate('c')])).toEqual([
      1, 0.5, 0,
    ]);
  });

  it('takes words that a context lacks from its neighbours, weaker with their distance, and no word twice', () => {
    const found = evidence(
      session(
        candidate('a', { terms: [2, 0] }),
        candidate('b', { terms: [2, 2] }),
        candidate('c'),
        candidate('d'),
        candidate('e'),
        candidate('f'),
      ),
    );
    expect(found).toEqual([0.85, 1, 0.7, 0.5, 0.35, 0]);
  });

  it('lends the less to a context the longer it is beyond 64 tokens, and keeps what is its own', () => {
    const short = candidate('a', { terms: [4, 0] });
    const found = evidence(
      session(
        short,
        candidate('b', { tokenCount: 128 }),
        candidate('c', { tokenCount: 64 }),
        candidate('d', { tokenCount: 640, terms: [0, 4] }),
      ),
    );
    expect(found).toEqual([1.35, 0.6, 1.2, 1.035]);
    expect(evidence(session(short, candidate('b', { tokenCount: 128 })), QUERY, { neighbourTokens: 32 })).toEqual([
      1, 0.175,
    ]);
  });

  it('passes all of a question on to what answers it', () => {
    const ask = candidate('q', { terms: [2, 2], traitFlags: QUESTION_FLAG });
    expect(evidence(session(candidate('before'), ask, candidate('answer'), candidate('later')))).toEqual([
      0.7, 0.85, 1, 0.5,
    ]);
  });

  it('finds a neighbour that only one of the two knows of: they may come from different levels', () => {
    const inMemory = candidate('a', { terms: [4, 0] });
    const inStore = candidate('b', { level: 'short_term', nextId: 'a' });
    expect(evidence([inMemory, inStore])).toEqual([1, 0.7]);
  });

  it('is not taken from neighbours where the settings say so', () => {
    expect(
      evidence(session(candidate('a', { terms: [4, 0] }), candidate('b')), QUERY, { neighbourWeights: [] }),
    ).toEqual([1, 0]);
  });
});

describe('dense evidence', () => {
  const dense = (id: string, cosine: number): Candidate => candidate(id, { dense: cosine });

  it('is the cosine above its floor, the setting or the measured one', () => {
    const semantic = { ...QUERY, kind: 'semantic', attainable: 0 } as const;
    expect(evidence([dense('a', 1), dense('b', 0.6), dense('c', 0.2), dense('d', -1)], semantic)).toEqual([
      1, 0.5, 0, 0,
    ]);
    expect(evidence([dense('a', 1), dense('b', 0.6), dense('c', 0.2)], { ...semantic, denseFloor: 0.5 })).toEqual([
      1, 0.2, 0,
    ]);
  });

  it('counts beside the words by the kind of provider, alone without words, and not at all without vectors', () => {
    const both = candidate('a', { terms: [2, 0], dense: 1 });
    expect(evidence([both])).toEqual([0.575]);
    expect(evidence([both], { ...QUERY, kind: 'semantic' })).toEqual([0.675]);
    expect(evidence([both], { ...QUERY, attainable: 0 })).toEqual([1]);
    expect(evidence([candidate('b', { terms: [2, 0] })])).toEqual([0.5]);
  });

  it('of meanings of words counts by itself where the words find little, and its own cosine alone', () => {
    const blended = { ...QUERY, kind: 'blended', denseFloor: 0 } as const;
    const settings = { denseShareBlended: 0.25, denseMarginBlended: 0, denseAloneBlended: 2, denseSureBlended: 0.2 };
    // Words find a fifth of the query at best, and the vector of b is three quarters above what is sure.
    const found = [candidate('a', { terms: [0.8, 0] }), dense('b', 0.8), dense('c', 0.2)];
    expect(evidence(found, blended, settings)).toEqual([0.15, 1.2, 0.05]);
    const all = [candidate('a', { terms: [4, 0] }), dense('b', 0.8)];
    expect(evidence(all, blended, settings)).toEqual([0.75, 0.2]);
    expect(evidence([dense('a', 0.3)], { ...blended, denseFloor: null }, settings)).toEqual([0.125]);
    // Of a query in another language it is the floor of spellings.
    const foreign = { ...blended, denseFloor: null, meaningShare: 0 };
    const [near = 0] = evidence([dense('a', 0.3)], foreign, settings);
    expect(near).toBeGreaterThan(0.2);
  });

  it('comes from the neighbours too', () => {
    const found = evidence(session(dense('a', 1), dense('b', 0), dense('c', 0)), { ...QUERY, attainable: 0 });
    expect(found).toEqual([1, 0.7, 0]);
    const long = { ...dense('b', 0), tokenCount: 128 };
    expect(evidence(session(dense('a', 1), long), { ...QUERY, attainable: 0 })).toEqual([1, 0.35]);
  });
});

describe('circumstances', () => {
  it('raise what the named speaker said and lower what only asks', () => {
    const terms = [1, 1];
    expect(
      evidence([
        candidate('a', { terms }),
        candidate('b', { terms, traitFlags: SPEAKER_FLAG }),
        candidate('c', { terms, traitFlags: QUESTION_FLAG }),
      ]),
    ).toEqual([0.5, 0.75, 0.425]);
  });

  it('double what was said on the day that the query names', () => {
    const query = analyzeQuery('support group on 8 May 2023');
    const terms = [1, 1, ...query.terms.slice(2).map(() => 0)];
    const onTheDay = candidate('a', { terms, createdAtMs: Date.UTC(2023, 4, 8, 12) });
    const longAgo = candidate('b', { terms, createdAtMs: Date.UTC(2021, 4, 8) });
    expect(evidence([onTheDay, longAgo], { ...QUERY, query })).toEqual([1, 0.5]);
  });
});

describe('circumstances of time', () => {
  const terms = [1, 1];

  it('raise what tells of times where a time is asked for', () => {
    const told = candidate('a', { terms, traitFlags: TIME_FLAG });
    const query = analyzeQuery('When did the support group meet?');
    expect(evidence([told, candidate('b', { terms })], { ...QUERY, query })).toEqual([0.65, 0.5]);
    expect(evidence([told, candidate('b', { terms })])).toEqual([0.5, 0.5]);
  });

  it('double what tells of the time that the query names', () => {
    const query = analyzeQuery('support group on 8 May 2023');
    const all = [...terms, ...query.terms.slice(2).map(() => 0)];
    const told = candidate('a', { terms: all, traitFlags: DATE_FLAG });
    expect(evidence([told, candidate('b', { terms: all })], { ...QUERY, query })).toEqual([1, 0.5]);
  });
});

describe('similarity', () => {
  const scores = fc.array(fc.double({ min: 0, max: 8, noNaN: true }), { minLength: 2, maxLength: 2 });
  const some = fc.array(
    fc.record({
      terms: scores,
      dense: fc.double({ min: -1, max: 1, noNaN: true }),
      traitFlags: fc.integer({ min: 0, max: 63 }).map((flags) => flags & ~DIRECT_FLAG),
    }),
    { maxLength: 20 },
  );

  it('lies in 0..1 and is the same whatever the order of the candidates', () => {
    fc.assert(
      fc.property(some, (features) => {
        const candidates = session(...features.map((feature, i) => candidate(`c${i}`, feature)));
        const found = similaritiesOf(candidates, QUERY, DEFAULT_FUSION);
        for (const share of [...found.similarity, ...found.lexical]) {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
        }
        const turned = similaritiesOf([...candidates].reverse(), QUERY, DEFAULT_FUSION);
        expect(turned).toEqual({
          similarity: found.similarity.toReversed(),
          lexical: found.lexical.toReversed(),
          cosines: found.cosines.toReversed(),
        });
      }),
    );
  });

  it('of the best candidate is absolute; of the others it falls with their distance to it', () => {
    const weak = candidate('a', { terms: [1, 0] });
    const strong = candidate('b', { terms: [2, 2] });
    const of = (...candidates: Candidate[]): number[] => [
      ...similaritiesOf(candidates, QUERY, DEFAULT_FUSION).similarity,
    ];
    expect(of(weak)[0]).toBeCloseTo(Math.tanh(0.5));
    expect(of(strong, weak)[0]).toBeCloseTo(Math.tanh(2));
    expect(of(strong, weak)[1]).toBeCloseTo(Math.tanh(0.5) / 2);
  });

  it('is 0 for candidates of which nothing is found, and there need be none', () => {
    expect(similaritiesOf([candidate('a')], QUERY, DEFAULT_FUSION)).toEqual({
      similarity: Float64Array.of(0),
      lexical: Float64Array.of(0),
      cosines: Float64Array.of(0),
    });
    expect(similaritiesOf([], QUERY, DEFAULT_FUSION).similarity).toHaveLength(0);
  });
});
