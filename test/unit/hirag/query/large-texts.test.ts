import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import { DuplicateFilter, printInTurns, printOf } from '../../../../src/hirag/rank/duplicates.ts';
import { openMemory } from '../../../support/memory-fixture.ts';

/** Counts the turns taken, and what was done with each. */
class CountedTurns extends LoopTurns {
  taken = 0;

  override next(): Promise<void> {
    this.taken++;
    return super.next();
  }
}

const hanText = (length: number, first = 0): string =>
  Array.from({ length }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919 + first) % 5000))).join('');

describe('a long text', () => {
  it.each([
    ['without spaces', hanText(65_536)],
    ['of words', Array.from({ length: 9_000 }, (_, i) => `w${i}`).join(' ')],
    ['of signs and marks', 'e\u0301 != 10² '.repeat(5_000)],
  ])('%s is compared in steps, with the same print', async (_, text) => {
    const turns = new CountedTurns();
    const print = await printInTurns(text, turns);
    expect(print).toEqual(printOf(text));
    expect(turns.taken).toBe(Math.floor(print.wordCount / 4_096));
    expect(turns.taken).toBeGreaterThan(1);
  });

  it('is compared with others that take their steps at the same time', async () => {
    const texts = [hanText(30_000), hanText(30_000, 1), hanText(30_000)];
    const prints = await Promise.all(texts.map((text) => printInTurns(text, new LoopTurns())));
    const seen = new DuplicateFilter<number>(0.9);
    seen.add(prints[0] as (typeof prints)[0], 0);
    expect(prints.map((print) => seen.find(print))).toEqual([0, undefined, 0]);
  });
});

describe('the first query over an L1 of fifty large texts', () => {
  it('lets others have their turn, and analyses no text on this thread', async ({ annotate }) => {
    const made = await openMemory({ settings: { minContextsPerLevel: 0 } });
    const { memory } = made;
    const owner = { namespace: 'n', agentId: 'a', sessionId: 's' };
    const texts = Array.from({ length: 50 }, (_, i) => `topic ${i} ${hanText(10_000, i)}`);
    await memory.storeBatch(texts.map((text) => ({ ...owner, text })));
    const turns = vi.spyOn(LoopTurns.prototype, 'next');
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const { contexts } = await memory.query({ ...owner, query: 'topic', maxTokens: 1_000_000 });
    delay.disable();
    await annotate(`the event loop was held up for ${(delay.max / 1e6).toFixed(0)} ms at most`);
    expect(contexts).toHaveLength(50);
    // Each text of 10,000 words gives way twice, and so do those before it, together.
    expect(turns.mock.calls.length).toBeGreaterThanOrEqual(50 * 2);
    expect(turns.mock.calls.length).toBeLessThanOrEqual(50 * 3);
    turns.mockRestore();
    await made.close();
  });
});
