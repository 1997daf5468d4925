import { describe, expect, it } from 'vitest';
import type { WireReply } from '../../../../src/store/embedded/border/messages.ts';
import { Pace, type Steps } from '../../../../src/store/embedded/border/steps.ts';
import { ReadQueue } from '../../../../src/store/embedded/read-queue.ts';
import type { QueuedCall } from '../../../../src/store/embedded/store-engine.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** A queue of reads that take the given number of steps; `worked` tells which of them worked, in order, and which ended. */
function queueOf(stepsOf: Readonly<Record<number, number>>) {
  const worked: string[] = [];
  const open = function* ({ call: { id } }: QueuedCall): Steps<WireReply> {
    try {
      for (let left = stepsOf[id] ?? 1; ; left--) {
        worked.push(`${id}`);
        if (left === 1) return { id, ok: true, value: null };
        yield;
      }
    } finally {
      worked.push(`-${id}`);
    }
  };
  const queue = new ReadQueue(new Pace(new FakeClock()), open);
  const add = (id: number) => {
    queue.add({ call: { id, kind: 'ping', body: null }, nowMs: 0, rows: [], vectors: null });
  };
  /** Begins all that wait, then goes on `steps` times; gives the ids of the replies. */
  const run = (steps: number): number[] => {
    const replies: (WireReply | null)[] = [];
    for (const queued of queue.waiting()) replies.push(queue.begin(queued));
    for (let i = 0; i < steps; i++) replies.push(queue.goOn());
    return replies.flatMap((reply) => (reply === null ? [] : [reply.id]));
  };
  return { queue, add, run, worked };
}

describe('reads of the store thread', () => {
  it('that are short are answered in their order, before a long one that came first', () => {
    const { add, run } = queueOf({ 1: 3 });
    for (const id of [1, 2, 3]) add(id);
    expect(run(0)).toEqual([2, 3]);
    add(4);
    expect(run(1)).toEqual([4]);
    expect(run(1)).toEqual([1]);
  });

  it('that are long take turns', () => {
    const { add, run, worked } = queueOf({ 1: 3, 2: 2, 3: 3 });
    for (const id of [1, 2, 3]) add(id);
    expect(run(6)).toEqual([2, 1, 3]);
    expect(worked.filter((id) => !id.startsWith('-'))).toEqual(['1', '2', '3', '1', '2', '3', '1', '3']);
  });

  it('end where they are when nobody waits for them any more', () => {
    const { queue, add, run, worked } = queueOf({ 1: 100, 2: 2 });
    for (const id of [1, 2, 3]) add(id);
    queue.cancel(3);
    run(0);
    queue.cancel(1);
    expect(worked).toEqual(['1', '2', '-1']);
    expect(run(5)).toEqual([2]);
    queue.cancel(2);
    expect(queue.size).toBe(0);
  });

  it('are begun some at a time, and all of them are answered', () => {
    const ids = Array.from({ length: 30 }, (_, i) => i + 1);
    const { queue, add, run, worked } = queueOf(Object.fromEntries(ids.map((id) => [id, 5])));
    for (const id of ids) add(id);
    const answered: number[] = [];
    const open = new Set<string>();
    for (let seen = 0; queue.size > 0; ) {
      answered.push(...run(1));
      for (const id of worked.slice(seen)) {
        if (id.startsWith('-')) open.delete(id.slice(1));
        else open.add(id);
      }
      seen = worked.length;
      expect(open.size).toBeLessThanOrEqual(8);
    }
    expect(answered.sort((a, b) => a - b)).toEqual(ids);
  });
});
