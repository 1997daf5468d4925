import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { JsonObject } from '../../../src/base/context.ts';
import { Uploader } from '../../../src/cli/transfer/uploader.ts';
import type { ContextStoreBatchReply, NewContext } from '../../../src/protocol/messages.generated.ts';

/** Pauses end at once. */
const hasty: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  after(_delayMs, task) {
    queueMicrotask(task);
    return () => undefined;
  },
  every: () => () => undefined,
};

interface Seen {
  readonly batches: string[][];
  readonly refused: string[];
  mostUnderWay: number;
}

type Result = ContextStoreBatchReply['results'][number];

const NOW_MS = 1_700_000_000_000;

function create(answer: (context: NewContext, attempt: number) => Result): {
  uploader: Uploader;
  seen: Seen;
} {
  const seen: Seen = { batches: [], refused: [], mostUnderWay: 0 };
  const attempts = new Map<string, number>();
  let underWay = 0;
  const answerAll = async (contexts: readonly NewContext[]): Promise<Result[]> => {
    seen.batches.push(contexts.map(({ text }) => text));
    seen.mostUnderWay = Math.max(seen.mostUnderWay, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return contexts.map((context) => {
      const attempt = (attempts.get(context.text) ?? 0) + 1;
      attempts.set(context.text, attempt);
      return answer(context, attempt);
    });
  };
  const uploader = new Uploader({
    isThere: () => Promise.resolve(true),
    storeBatch: async ({ contexts }) => ({ results: await answerAll(contexts) }),
    async store(context) {
      const [result] = await answerAll([context]);
      if (result === undefined || 'error' in result) throw Object.assign(new Error(), result?.error);
      return result;
    },
    clock: hasty,
    serverNowMs: () => NOW_MS,
    onRefused: (place, code) => void seen.refused.push(`${place} ${code}`),
    onProgress: () => undefined,
  });
  return { uploader, seen };
}

const stored = (created: boolean): Result => ({
  id: '',
  level: 'long_term',
  token_count: 1,
  created_at: 0,
  created,
});

async function addAll(uploader: Uploader, count: number, level: 'long_term' | 'immediate'): Promise<void> {
  for (let place = 1; place <= count; place++)
    await uploader.add({ place: `line ${place}`, context: { text: `t${place}`, level } });
}

describe('Uploader', () => {
  it('sends every context once, in batches, several under way but no more than four', async () => {
    const { uploader, seen } = create((context) => stored(context.text !== 't7'));
    await addAll(uploader, 1050, 'long_term');
    await uploader.finish();
    expect(uploader.counts).toEqual({ stored: 1049, alreadyThere: 1, expired: 0, failed: 0 });
    expect(seen.batches.map((batch) => batch.length)).toEqual([...Array.from({ length: 10 }, () => 100), 50]);
    expect(new Set(seen.batches.flat()).size).toBe(1050);
    expect(seen.mostUnderWay).toBe(4);
  });

  it('keeps the order of levels that remember what came last', async () => {
    const { uploader, seen } = create(() => stored(true));
    await addAll(uploader, 350, 'immediate');
    await uploader.finish();
    expect(seen.mostUnderWay).toBe(1);
    expect(seen.batches.flat()).toEqual(Array.from({ length: 350 }, (_, place) => `t${place + 1}`));
  });

  it('sends again what was refused for a passing reason, and only that', async () => {
    const { uploader, seen } = create((context, attempt) =>
      context.text !== 't1' && attempt < 3 ? { error: { code: 'OVERLOADED', message: '' } } : stored(true),
    );
    await addAll(uploader, 3, 'long_term');
    await uploader.finish();
    expect(seen.batches).toEqual([
      ['t1', 't2', 't3'],
      ['t2', 't3'],
      ['t2', 't3'],
    ]);
    expect(uploader.counts.stored).toBe(3);
  });

  it('gives up on what stays refused, and names it', async () => {
    const { uploader, seen } = create((context) => ({
      error: { code: context.text === 't1' ? 'CONFLICT' : 'RATE_LIMITED', message: '' },
    }));
    await addAll(uploader, 2, 'long_term');
    await uploader.finish();
    expect(uploader.counts.failed).toBe(2);
    expect(seen.refused).toEqual(['line 1 CONFLICT', 'line 2 RATE_LIMITED']);
  });

  it('splits batches of long texts, by their bytes', async () => {
    const { uploader, seen } = create(() => stored(true));
    for (const letter of ['x', 'ü'])
      for (let place = 1; place <= 6; place++)
        await uploader.add({
          place: `line ${place}`,
          context: { text: letter.repeat(400_000 / Buffer.byteLength(letter)), level: 'long_term' },
        });
    await uploader.finish();
    expect(seen.batches.map((batch) => batch.length)).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it('splits batches of many values, and sends by itself what only then is not too deep', async () => {
    const { uploader, seen } = create(() => stored(true));
    const numbers = Array.from({ length: 60_000 }, () => 1);
    for (const text of ['a', 'b', 'c', 'd', 'e'])
      await uploader.add({ place: text, context: { text, level: 'long_term', metadata: { numbers } } });
    const nested = (depth: number): JsonObject => (depth === 1 ? {} : { in: nested(depth - 1) });
    for (const [text, depth] of [
      ['f', 28],
      ['g', 29],
      ['h', 30],
      ['i', 28],
    ] as const)
      await uploader.add({ place: text, context: { text, level: 'long_term', metadata: nested(depth) } });
    await uploader.finish();
    expect(seen.batches).toEqual([['a', 'b', 'c', 'd'], ['e', 'f'], ['g'], ['h'], ['i']]);
  });

  it('finds the one for which a batch is refused, and stores the others in their order', async () => {
    const { uploader, seen } = create((context) => {
      if (context.text === 't37') throw Object.assign(new Error('bad'), { code: 'BAD_REQUEST' });
      return stored(true);
    });
    await addAll(uploader, 100, 'immediate');
    await uploader.finish();
    expect(seen.refused).toEqual(['line 37 BAD_REQUEST']);
    expect(uploader.counts).toEqual({ stored: 99, alreadyThere: 0, expired: 0, failed: 1 });
  });

  it('keeps the order of contexts that were created in the same moment', async () => {
    const { uploader, seen } = create(() => stored(true));
    for (let place = 1; place <= 500; place++)
      await uploader.add({
        place: `line ${place}`,
        context: { text: `t${place}`, level: 'long_term', created_at: place <= 250 ? 7 : place },
      });
    await uploader.finish();
    // The third batch waits for the second, the fourth and fifth for nobody.
    expect(seen.mostUnderWay).toBe(3);
    expect(seen.batches.flat()).toEqual(Array.from({ length: 500 }, (_, place) => `t${place + 1}`));
  });

  it('tells what remains of a lifetime, and leaves out and counts what is over', async () => {
    const remaining: (number | undefined)[] = [];
    const { uploader } = create((context) => {
      remaining.push(context.ttl_ms);
      return stored(true);
    });
    for (const expiresAtMs of [NOW_MS + 5, NOW_MS, NOW_MS - 5, undefined])
      await uploader.add({
        place: 'line 1',
        context: { text: 't', level: 'long_term' },
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      });
    await uploader.finish();
    expect(remaining).toEqual([5, undefined]);
    expect(uploader.counts).toEqual({ stored: 2, alreadyThere: 0, expired: 2, failed: 0 });
  });

  it('stops at a connection that failed, and says so', async () => {
    const { uploader } = create(() => {
      throw new Error('gone');
    });
    await expect(addAll(uploader, 1000, 'long_term').then(() => uploader.finish())).rejects.toThrow('gone');
  });
});
