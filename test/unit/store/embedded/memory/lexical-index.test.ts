import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_LENGTHS, saturatedFrequency, type TextLengths } from '../../../../../src/base/text/bm25.ts';
import type { Document } from '../../../../../src/store/embedded/database/effects.ts';
import { DocumentTable } from '../../../../../src/store/embedded/memory/document-table.ts';
import { LexicalIndex } from '../../../../../src/store/embedded/memory/lexical-index.ts';

const LEVEL = 3;

function document(entry: number): Document {
  return {
    seq: entry,
    entry,
    id: String(entry),
    agentId: 'a',
    sessionId: null,
    level: LEVEL,
    createdAtMs: entry,
    tokenCount: 1,
    accessCount: 0,
    times: null,
    expiresAtMs: null,
    expiryAction: 0,
    terms: '',
    traits: '',
  };
}

const lengthsAbout = (averageTermCount: number): TextLengths => ({ ...NO_LENGTHS, averageTermCount });

/** Documents as lists of terms, some of them removed again. */
function build(texts: readonly number[][], removed: ReadonlySet<number>) {
  const documents = new DocumentTable();
  const index = new LexicalIndex(LEVEL, documents);
  texts.forEach((terms, i) => index.add(documents.add(document(i + 1), terms.length), terms));
  for (const ordinal of removed) {
    documents.kill(ordinal);
    index.remove(texts[ordinal] as number[]);
  }
  return index;
}

function bruteForce(texts: readonly number[][], factors: ReadonlyMap<number, number>, lengths: TextLengths): number[] {
  return texts.map((terms) => {
    let score = 0;
    for (const [term, factor] of factors) {
      const frequency = terms.filter((one) => one === term).length;
      if (frequency > 0) score += factor * saturatedFrequency(frequency, terms.length, lengths);
    }
    return score;
  });
}

// Few terms and uneven weights, so that the bounds really cut off what cannot win.
const texts = fc.array(
  fc.array(
    fc.integer({ min: 0, max: 30 }).map((n) => Math.floor((n * n) / 60)),
    { maxLength: 8 },
  ),
  { minLength: 1, maxLength: 120 },
);
const factors = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 15 }), fc.double({ min: 0.01, max: 9, noNaN: true })),
  { selector: ([term]) => term, maxLength: 6 },
);

describe('LexicalIndex', () => {
  it('finds the best documents exactly, whatever it skips', () => {
    fc.assert(
      fc.property(
        texts,
        factors,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 2, max: 6 }),
        (lists, weighted, count, modulus) => {
          const removed = new Set(lists.flatMap((_, i) => (i % 7 === 3 ? [i] : [])));
          const index = build(lists, removed);
          const eligible = (ordinal: number) => !removed.has(ordinal) && ordinal % modulus !== 0;
          const lengths = { averageTermCount: 4, lengthShare: modulus / 8 };
          const hits = index.search(
            weighted.map(([term, factor]) => ({ term, factor })),
            lengths,
            count,
            eligible,
          );
          const scores = bruteForce(lists, new Map(weighted), lengths);
          const best = scores
            .filter((score, i) => score > 0 && eligible(i))
            .sort((a, b) => b - a)
            .slice(0, count);
          expect(
            hits
              .map(({ score }) => score)
              .sort((a, b) => b - a)
              .map((score) => score.toFixed(9)),
          ).toEqual(best.map((score) => score.toFixed(9)));
          for (const { ordinal, score } of hits) {
            expect(eligible(ordinal)).toBe(true);
            expect(score).toBeCloseTo(scores[ordinal] as number, 9);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('tells what each term adds, for few documents and for many', () => {
    const lists = Array.from({ length: 200 }, (_, i) => [i % 3, i % 5, i % 5]);
    const index = build(lists, new Set());
    const terms = [
      { term: 1, factor: 2 },
      { term: 4, factor: 1 },
    ];
    for (const count of [3, 150]) {
      const documents = new Map(Array.from({ length: count }, (_, i) => [i, 1000 + i]));
      const sums = new Map<number, number>();
      index.scoreDocuments(documents, terms, lengthsAbout(3), (name, _, score) =>
        sums.set(name, (sums.get(name) ?? 0) + score),
      );
      const expected = bruteForce(
        lists.slice(0, count),
        new Map([
          [1, 2],
          [4, 1],
        ]),
        lengthsAbout(3),
      );
      expected.forEach((score, i) => expect(sums.get(1000 + i) ?? 0).toBeCloseTo(score, 9));
    }
  });

  it('counts a word that a text repeats hundreds of times', () => {
    const index = build([new Array<number>(700).fill(0), [0, 1]], new Set());
    const [first] = index.search([{ term: 0, factor: 1 }], lengthsAbout(351), 1, () => true);
    expect(first?.ordinal).toBe(0);
    expect(first?.score).toBeCloseTo(saturatedFrequency(700, 700, lengthsAbout(351)), 9);
  });

  it('forgets removed documents, also after it has swept them out', () => {
    const lists = Array.from({ length: 900 }, (_, i) => [0, 1 + (i % 9)]);
    const removed = new Set(lists.flatMap((_, i) => (i % 3 === 0 ? [] : [i])));
    const index = build(lists, removed);
    expect(index.documentCount).toBe(300);
    expect(index.termTotal).toBe(600);
    expect(index.documentFrequency(0)).toBe(300);
    expect(index.documentFrequency(1)).toBe(100);
    expect(index.documentFrequency(2)).toBe(0);
    const hits = index.search(
      [
        { term: 1, factor: 1 },
        { term: 2, factor: 1 },
      ],
      lengthsAbout(2),
      1000,
      (ordinal) => !removed.has(ordinal),
    );
    expect(hits).toHaveLength(100);
  });
});
