import fc from 'fast-check';
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

  it('are answered also where many others come while the last of those begun ends', () => {
    const long = Array.from({ length: 9 }, (_, i) => i + 1);
    const { queue, add, run } = queueOf(Object.fromEntries(long.map((id) => [id, 2])));
    for (const id of long) add(id);
    expect(run(0)).toEqual([]);
    const short = Array.from({ length: 20 }, (_, i) => i + 10);
    for (const id of short) add(id);
    expect(long.slice(0, 8).map(() => queue.goOn()?.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(run(0)).toEqual(short);
    expect(run(2)).toEqual([9]);
    expect(queue.size).toBe(0);
  });

  it('are all answered, in whatever order they come, end or are given up', () => {
    const event = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ steps: fc.integer({ min: 1, max: 6 }), count: fc.integer({ min: 1, max: 12 }) }),
      },
      { weight: 2, arbitrary: fc.constant('begin') },
      { weight: 3, arbitrary: fc.constant('go on') },
      { weight: 1, arbitrary: fc.record({ cancel: fc.nat(200) }) },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const stepsOf: Record<number, number> = {};
        const { queue, add, run } = queueOf(stepsOf);
        const open = new Set<number>();
        const took = (replies: readonly (WireReply | null)[]) => {
          for (const reply of replies) if (reply !== null) expect(open.delete(reply.id)).toBe(true);
        };
        let added = 0;
        for (const event of events) {
          if (event === 'begin') {
            // What comes meanwhile is begun in a later turn.
            for (const queued of [...queue.waiting()].slice(0, 5)) took([queue.begin(queued)]);
          } else if (event === 'go on') took([queue.goOn()]);
          else if ('cancel' in event) {
            queue.cancel(event.cancel);
            open.delete(event.cancel);
          } else {
            for (let i = 0; i < event.count; i++) {
              stepsOf[++added] = event.steps;
              open.add(added);
              add(added);
            }
          }
          expect(queue.size).toBe(open.size);
        }
        // None takes more than six steps.
        for (const id of run(6 * added)) open.delete(id);
        expect([...open]).toEqual([]);
      }),
    );
  });
});
