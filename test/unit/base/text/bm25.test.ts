import { describe, expect, it } from 'vitest';
import {
  BM25_K1,
  inverseDocumentFrequency,
  NO_LENGTHS,
  saturatedFrequency,
  textLengths,
} from '../../../../src/base/text/bm25.ts';

describe('inverseDocumentFrequency', () => {
  it('falls with the documents that hold the term and stays positive', () => {
    const values = [0, 1, 10, 50, 100].map((count) => inverseDocumentFrequency(100, count));
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(values.at(-1)).toBeGreaterThan(0);
  });

  it('takes an empty index and stale counts', () => {
    expect(inverseDocumentFrequency(0, 0)).toBeGreaterThanOrEqual(0);
    expect(inverseDocumentFrequency(3, 5)).toBeGreaterThan(0);
  });
});

const TEN = { ...NO_LENGTHS, averageTermCount: 10 };

describe('saturatedFrequency', () => {
  it('is 1 for one occurrence in a document of average length', () => {
    expect(saturatedFrequency(1, 10, TEN)).toBeCloseTo(1);
  });

  it('saturates below k1 + 1', () => {
    expect(saturatedFrequency(1_000, 10, TEN)).toBeLessThan(BM25_K1 + 1);
    expect(saturatedFrequency(2, 10, TEN)).toBeGreaterThan(saturatedFrequency(1, 10, TEN));
  });

  it('prefers the shorter of two documents', () => {
    expect(saturatedFrequency(1, 5, TEN)).toBeGreaterThan(saturatedFrequency(1, 20, TEN));
  });

  it('is nothing without an occurrence, and finite without an average', () => {
    expect(saturatedFrequency(0, 5, TEN)).toBe(0);
    expect(saturatedFrequency(1, 5, NO_LENGTHS)).toBeCloseTo(1);
  });
});

describe('the share of length', () => {
  const shareOf = (counts: readonly number[]): number =>
    textLengths(
      counts.length,
      counts.reduce((sum, count) => sum + count, 0),
      counts.reduce((sum, count) => sum + count ** 2, 0),
    ).lengthShare;

  it('is 0.4 where texts are of about one length, and grows with their spread to 0.9', () => {
    expect(shareOf([10, 12, 9, 11])).toBe(0.4);
    expect(shareOf([5, 5, 5, 50])).toBeGreaterThan(0.5);
    expect(shareOf([1, 1, 1, 1, 1, 1, 1, 1, 1, 400])).toBe(0.9);
    expect(shareOf([])).toBe(0.4);
    expect(shareOf([0, 0])).toBe(0.4);
  });
});
