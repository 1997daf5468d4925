import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { Uploader, type UploadOptions } from '../../../src/cli/transfer/uploader.ts';
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

function create(answer: (context: NewContext, attempt: number) => ContextStoreBatchReply['results'][number]): {
  uploader: Uploader;
  seen: Seen;
} {
  const seen: Seen = { batches: [], refused: [], mostUnderWay: 0 };
  const attempts = new Map<string, number>();
  let underWay = 0;
  const storeBatch: UploadOptions['storeBatch'] = async ({ contexts }) => {
    seen.batches.push(contexts.map(({ text }) => text));
    seen.mostUnderWay = Math.max(seen.mostUnderWay, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return {
      results: contexts.map((context) => {
        const attempt = (attempts.get(context.text) ?? 0) + 1;
        attempts.set(context.text, attempt);
        return answer(context, attempt);
      }),
    };
  };
  const onRefused = (place: number, code: string): void => void seen.refused.push(`${place} ${code}`);
  return { uploader: new Uploader({ storeBatch, clock: hasty, onRefused, onProgress: () => undefined }), seen };
}

const stored = (created: boolean): ContextStoreBatchReply['results'][number] => ({
  id: '',
  level: 'long_term',
  token_count: 1,
  created_at: 0,
  created,
});

async function addAll(uploader: Uploader, count: number, level: 'long_term' | 'immediate'): Promise<void> {
  for (let place = 1; place <= count; place++) await uploader.add({ place, context: { text: `t${place}`, level } });
}

describe('Uploader', () => {
  it('sends every context once, in batches, several under way but no more than four', async () => {
    const { uploader, seen } = create((context) => stored(context.text !== 't7'));
    await addAll(uploader, 1050, 'long_term');
    await uploader.finish();
    expect(uploader.counts).toEqual({ stored: 1049, alreadyThere: 1, failed: 0 });
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
      context.text === 't2' && attempt < 3 ? { error: { code: 'OVERLOADED', message: '' } } : stored(true),
    );
    await addAll(uploader, 3, 'long_term');
    await uploader.finish();
    expect(seen.batches).toEqual([['t1', 't2', 't3'], ['t2'], ['t2']]);
    expect(uploader.counts.stored).toBe(3);
  });

  it('gives up on what stays refused, and names it', async () => {
    const { uploader, seen } = create((context) => ({
      error: { code: context.text === 't1' ? 'CONFLICT' : 'RATE_LIMITED', message: '' },
    }));
    await addAll(uploader, 2, 'long_term');
    await uploader.finish();
    expect(uploader.counts.failed).toBe(2);
    expect(seen.refused).toEqual(['1 CONFLICT', '2 RATE_LIMITED']);
  });

  it('splits batches of long texts', async () => {
    const { uploader, seen } = create(() => stored(true));
    for (let place = 1; place <= 6; place++)
      await uploader.add({ place, context: { text: 'x'.repeat(400_000), level: 'long_term' } });
    await uploader.finish();
    expect(seen.batches.map((batch) => batch.length)).toEqual([2, 2, 2]);
  });

  it('stops at a connection that failed, and says so', async () => {
    const storeBatch = (): Promise<never> => Promise.reject(new Error('gone'));
    const uploader = new Uploader({
      storeBatch,
      clock: hasty,
      onRefused: () => undefined,
      onProgress: () => undefined,
    });
    await expect(addAll(uploader, 1000, 'long_term').then(() => uploader.finish())).rejects.toThrow('gone');
  });
});
