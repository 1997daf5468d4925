import { describe, expect, it } from 'vitest';
import { joinCandidates } from '../../../../src/hirag/query/joined-candidates.ts';
import { toCandidates, type Candidate } from '../../../../src/store/candidates.ts';
import { foundIn } from '../../../contract/store-samples.ts';

function candidate(id: string, changes: Partial<Candidate> = {}): Candidate {
  return {
    id,
    level: 'long_term',
    createdAtMs: 1_700_000_000_123,
    accessCount: 1,
    tokenCount: 10,
    dense: null,
    termScores: [0.5, 0],
    speakerNamed: false,
    isQuestion: false,
    direct: true,
    previousId: null,
    nextId: null,
    ...changes,
  };
}

function joined(...parts: readonly (readonly Candidate[])[]) {
  const candidates = joinCandidates(
    parts.map((part) => toCandidates(part, 2)),
    2,
  );
  return { candidates, rows: foundIn(candidates) };
}

describe('candidates of several answers', () => {
  it('keep all their fields', () => {
    const first = candidate('a', {
      level: 'immediate',
      dense: -0.25,
      termScores: [0, 2],
      isQuestion: true,
      previousId: 'before a',
    });
    const second = candidate('b', { accessCount: 7, tokenCount: 99, speakerNamed: true, direct: false });
    const { rows } = joined([first], [], [second]);
    expect(rows).toEqual([
      { ...first, lexical: 2, termScores: Float32Array.of(0, 2) },
      { ...second, lexical: 0.5, termScores: Float32Array.of(0.5, 0) },
    ]);
  });

  it('are one each where two answers have it: the hit, else the first, with the neighbours that either knows', () => {
    const { rows } = joined(
      [
        candidate('moved', { level: 'immediate', direct: false, previousId: 'x' }),
        candidate('near', { direct: false, tokenCount: 1 }),
      ],
      [candidate('moved', { level: 'short_term', nextId: 'y' }), candidate('near', { direct: false, tokenCount: 2 })],
    );
    expect(rows).toMatchObject([
      { id: 'moved', level: 'short_term', direct: true, previousId: 'x', nextId: 'y' },
      { id: 'near', tokenCount: 1 },
    ]);
  });

  it('are linked by id where the one before or after came with another answer', () => {
    const { candidates, rows } = joined(
      [candidate('b', { previousId: 'a', nextId: 'c' })],
      [candidate('a')],
      [candidate('z', { nextId: 'c' })],
    );
    expect(rows.map(({ id, previousId, nextId }) => [id, previousId, nextId])).toEqual([
      ['b', 'a', 'c'],
      ['a', null, null],
      ['z', null, 'c'],
    ]);
    expect(candidates.columns.previous[0]).toBe(1);
    expect(candidates.columns.next[0]).toBe(candidates.columns.next[2]);
    expect(candidates.columns.next[0]).toBeGreaterThanOrEqual(candidates.columns.count);
  });

  it('may be none', () => {
    expect(joined([], []).rows).toEqual([]);
  });
});
