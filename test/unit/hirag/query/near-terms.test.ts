import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyzeQuery } from '../../../../src/base/text/analyzer.ts';
import { NearWords, readNearWords } from '../../../../src/base/text/near-words.ts';
import { lendNearScores, withNearTerms, type SoughtTerm } from '../../../../src/hirag/query/near-terms.ts';
import { CandidateColumns } from '../../../../src/store/candidates.ts';

const WORDS = new NearWords('doctor physician:80 surgeon:60\nphysician doctor:80\nmelani stephani:70\nvisit trip:50');

const sought = (query: string, weight = 0.5): readonly SoughtTerm[] =>
  withNearTerms(query, analyzeQuery(query).terms, WORDS, weight);

describe('words that mean about the same', () => {
  it('stand behind those of the question, with the weight times their cosine', () => {
    expect(sought('which doctor').map(({ term, weight, nearTo }) => [term, weight, nearTo])).toEqual([
      ['doctor', 1, undefined],
      ['physician', 0.4, 'doctor'],
      ['surgeon', 0.3, 'doctor'],
    ]);
    expect(sought('which doctor', 0)).toHaveLength(1);
  });

  it('are none of the question itself, of no name, and of no word that only wraps it', () => {
    expect(sought('doctor or physician').map(({ term }) => term)).toEqual(['doctor', 'physician', 'surgeon']);
    expect(sought('which Melanie').map(({ term }) => term)).toEqual(['melani']);
    expect(sought('please visit Ann', 1).some(({ nearTo }) => nearTo === 'please')).toBe(false);
  });

  it('come with the program', async () => {
    const near = await readNearWords();
    expect(near.of('doctor').map(({ term }) => term)).toContain('physician');
    expect(near.of('doctor')[0]?.cosine).toBeGreaterThan(0.5);
    expect(near.of('no such stem')).toEqual([]);
  });

  it('stop the start where their list is cut off or missing, and say what to do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'near-words-'));
    const cut = join(folder, 'cut.zst');
    await writeFile(cut, (await readFile('word-vectors/near-words.txt.zst')).subarray(0, 10_000));
    for (const path of [cut, join(folder, 'none.zst')])
      await expect(readNearWords(pathToFileURL(path))).rejects.toMatchObject({
        name: 'StartupError',
        remedy: expect.stringContaining('word-vectors') as string,
      });
    await rm(folder, { recursive: true });
  });
});

describe('what near words score', () => {
  const terms = sought('which doctor');
  const statistics = { documentCount: 100, meanLength: 1, lengthDeviation: 0, averageLength: 1 };

  function lend(scores: readonly number[], documentFrequencies: readonly number[]): number[] {
    const columns = new CandidateColumns(1, terms.length);
    columns.termScores.set(scores);
    lendNearScores({ columns }, terms, { ...statistics, documentFrequencies } as never);
    return [...columns.termScores].map((score) => Math.round(score * 1000) / 1000);
  }

  it('is lent to the word of the question where that scored less', () => {
    expect(lend([0, 0.5, 0.25], [10, 10, 10])).toEqual([0.5, 0, 0]);
    expect(lend([2, 0.5, 0.25], [10, 10, 10])).toEqual([2, 0, 0]);
  });

  it('counts no more than that word would where the near one is rarer', () => {
    const [lent] = lend([0, 1, 0], [50, 1, 10]);
    expect(lent).toBeGreaterThan(0);
    expect(lent).toBeLessThan(0.3);
  });
});
