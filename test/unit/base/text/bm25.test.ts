import { describe, expect, it } from 'vitest';
import { BM25_K1, inverseDocumentFrequency, saturatedFrequency } from '../../../../src/base/text/bm25.ts';

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

describe('saturatedFrequency', () => {
  it('is 1 for one occurrence in a document of average length', () => {
    expect(saturatedFrequency(1, 10, 10)).toBeCloseTo(1);
  });

  it('saturates below k1 + 1', () => {
    expect(saturatedFrequency(1_000, 10, 10)).toBeLessThan(BM25_K1 + 1);
    expect(saturatedFrequency(2, 10, 10)).toBeGreaterThan(saturatedFrequency(1, 10, 10));
  });

  it('prefers the shorter of two documents', () => {
    expect(saturatedFrequency(1, 5, 10)).toBeGreaterThan(saturatedFrequency(1, 20, 10));
  });

  it('is nothing without an occurrence, and finite without an average', () => {
    expect(saturatedFrequency(0, 5, 10)).toBe(0);
    expect(saturatedFrequency(1, 5, 0)).toBeCloseTo(1);
  });
});
