import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { distancesTo } from '../../../../../src/store/embedded/arrays/vector-rows.ts';
import { AheadBoard } from '../../../../../src/store/embedded/hnsw/ahead-board.ts';
import type { AheadWorkerData } from '../../../../../src/store/embedded/hnsw/ahead-worker.ts';
import { buildSegment } from '../../../../../src/store/embedded/hnsw/build-segment.ts';
import { HnswSegment, type SegmentSource } from '../../../../../src/store/embedded/hnsw/hnsw-segment.ts';
import { SearchAhead, type StartAhead } from '../../../../../src/store/embedded/hnsw/search-ahead.ts';
import { vectorOf } from '../../../../contract/store-samples.ts';
import { DIMENSION, jobOver } from '../support/index-jobs.ts';

const COUNT = 400;
const HNSW = { m: 8, efConstruction: 16, efSearch: 64 };
const SLOTS = 32;
const ASKED = { wanted: 20, needed: 12, expectedNs: 1 };

interface Beside {
  readonly ahead: SearchAhead;
  readonly threads: Worker[];
  readonly warnings: unknown[];
}

/** With a thread that is started as the store starts it. */
function beside(): Beside {
  return besides((workerData) => {
    const file = new URL('../../../../../src/store/embedded/hnsw/ahead-worker.ts', import.meta.url);
    return new Worker(file, { workerData });
  });
}

/** With one that says that it has started, and perhaps that it has opened a segment, and then hears of nothing but its end. */
function stuckBeside({ opens }: { readonly opens: boolean }): Beside {
  const script = `const { parentPort, workerData } = require('node:worker_threads');
    const said = new Int32Array(workerData);
    said[3] = 1;
    said[4] = ${opens ? 1 : 0};
    parentPort.on('message', ({ type }) => type === 'end' && parentPort.close());`;
  return besides(({ board }) => new Worker(script, { eval: true, workerData: board }));
}

function besides(start: (data: AheadWorkerData) => Worker): Beside {
  const threads: Worker[] = [];
  const warnings: unknown[] = [];
  const starting: StartAhead = (data) => {
    const thread = start(data);
    threads.push(thread);
    return thread;
  };
  const log = { debug() {}, info() {}, warn: (fields: unknown) => void warnings.push(fields), error() {} };
  const ahead = new SearchAhead({ dimension: DIMENSION, quantization: 'i8', start: starting, log });
  onTestFinished(() => ahead.close());
  return { ahead, threads, warnings };
}

async function saved(count = COUNT): Promise<SegmentSource> {
  return { passageCount: 0, ...buildSegment(await jobOver(count)) };
}

async function opened({ ahead }: Beside, source: SegmentSource): Promise<HnswSegment> {
  const segment = ahead.open(source, HNSW);
  while (!ahead.isThere) await sleep(5);
  return segment;
}

const questions = Array.from({ length: 200 }, (_, i) => vectorOf(`question ${i}`, DIMENSION));

describe('a graph that is searched in the thread beside', () => {
  it('gives what it gives here, and the true scores of the first', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    for (let first = 0; first < questions.length; first += SLOTS) {
      const some = questions.slice(first, first + SLOTS);
      const searches = some.map((vector) => {
        const search = world.ahead.begin(vector);
        search.ask(segment, ASKED);
        return search;
      });
      for (const [i, search] of searches.entries()) {
        const vector = some[i] as Float32Array;
        const hits = search.answer(segment, ASKED.wanted);
        expect(hits?.map(({ entry }) => entry)).toEqual(segment.search(vector, ASKED.wanted).map(({ entry }) => entry));
        hits?.forEach(({ entry, trueScore }, place) => {
          const full = segment.vectors.readRange(segment.entries.indexOf(entry), 1);
          const known = 1 - (distancesTo(vector, full)[0] as number);
          expect(trueScore).toEqual(place < ASKED.needed ? known : undefined);
        });
        search.end();
      }
    }
    expect(world.warnings).toEqual([]);
  });

  it('takes memory for each vector once more', async () => {
    const world = beside();
    const source = await saved(100);
    const alone = new HnswSegment(source, DIMENSION, 'i8', HNSW);
    const segment = await opened(world, source);
    expect(segment.memoryBytes - alone.memoryBytes).toBe(100 * 80);
    alone.close();
  });

  it('answers with as many as are wanted by then, and not where more are', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    const search = world.ahead.begin(questions[0] as Float32Array);
    search.ask(segment, ASKED);
    expect(search.answer(segment, ASKED.wanted - 5)).toHaveLength(ASKED.wanted - 5);
    expect(search.answer(segment, ASKED.wanted + 1)).toBeNull();
    expect(search.isAnswered(0)).toBe(true);
  });

  it('is not asked for more than it has room for, nor by more than may wait; slots that are given back are used again', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    const asked = (expected: typeof ASKED): boolean => {
      const search = world.ahead.begin(questions[1] as Float32Array);
      search.ask(segment, expected);
      held.push(search);
      return !search.asksNothing;
    };
    const held: ReturnType<SearchAhead['begin']>[] = [];
    expect(asked({ ...ASKED, wanted: 257 })).toBe(false);
    for (let round = 0; round < 3; round++) {
      expect(Array.from({ length: SLOTS + 1 }, () => asked(ASKED))).toEqual([
        ...Array<boolean>(SLOTS).fill(true),
        false,
      ]);
      for (const search of held.splice(0)) search.end();
      // One that was given back while it was searched is free once that is done.
      while (!asked(ASKED)) await sleep(1);
      for (const search of held.splice(0)) search.end();
      await sleep(20);
    }
  });

  it('has no answer where it cannot be opened there, or is closed', async () => {
    const world = beside();
    const other = await opened(world, await saved(100));
    const source = await saved();
    const segment = world.ahead.open(source, HNSW);
    segment.close();
    const search = world.ahead.begin(questions[2] as Float32Array);
    search.ask(segment, ASKED);
    search.ask(other, ASKED);
    expect(search.answer(segment, ASKED.wanted)).toBeNull();
    expect(search.answer(other, ASKED.wanted)).toHaveLength(ASKED.wanted);
    await rm(`${source.path}.vectors`);
    expect(world.warnings).toEqual([]);
  });

  it('is searched here from then on where that thread ends, and questions on the way get no answer', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    const before = world.ahead.begin(questions[3] as Float32Array);
    before.ask(segment, ASKED);
    const [thread] = world.threads as [Worker];
    const ended = once(thread, 'exit');
    void thread.terminate();
    await ended;
    await sleep(0);
    expect(world.ahead.isThere).toBe(false);
    expect(world.warnings).toHaveLength(1);
    expect(before.answer(segment, ASKED.wanted)).toBeNull();
    const after = world.ahead.begin(questions[4] as Float32Array);
    after.ask(segment, ASKED);
    expect([after.asksNothing, after.answer(segment, ASKED.wanted)]).toEqual([true, null]);
    segment.close();
    expect(world.threads).toHaveLength(1);
  });

  it('that never answers is given up after a while, and that thread with it', async () => {
    const world = stuckBeside({ opens: true });
    const segment = await opened(world, await saved(100));
    const [thread] = world.threads as [Worker];
    const ended = once(thread, 'exit');
    const search = world.ahead.begin(questions[5] as Float32Array);
    search.ask(segment, ASKED);
    expect(search.isAnswered(1)).toBe(false);
    expect(search.answer(segment, ASKED.wanted)).toBeNull();
    expect([world.ahead.isThere, world.warnings.length]).toEqual([false, 1]);
    expect(search.isAnswered(1)).toBe(true);
    // Else it would hold on to the files as long as the store runs.
    await ended;
  });

  it('that never answers is given up, too, where others have their turn meanwhile', async () => {
    const world = stuckBeside({ opens: true });
    const segment = await opened(world, await saved(100));
    const search = world.ahead.begin(questions[6] as Float32Array);
    search.ask(segment, ASKED);
    const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
    onTestFinished(() => wait.mockRestore());
    let steps = 0;
    while (!search.isAnswered(4) && steps < 100_000) steps++;
    expect(steps * 4).toBe(30_000);
    expect([world.ahead.isThere, world.warnings.length]).toEqual([false, 1]);
  });

  it('is expected to be answered after those that were asked before', async () => {
    const world = stuckBeside({ opens: true });
    const segment = await opened(world, await saved(100));
    const expected = [5, 1].map((expectedNs) => {
      const search = world.ahead.begin(questions[7] as Float32Array);
      search.ask(segment, { ...ASKED, expectedNs });
      return search.expectedNs;
    });
    expect(expected).toEqual([5, 6]);
  });

  it('is not asked while that thread is opening another one', async () => {
    const world = stuckBeside({ opens: false });
    const segment = world.ahead.open(await saved(100), HNSW);
    const search = world.ahead.begin(questions[8] as Float32Array);
    search.ask(segment, ASKED);
    expect([world.ahead.isThere, search.asksNothing]).toEqual([false, true]);
  });

  it('is closed before that which takes its place is opened, as who closes it waits', async () => {
    const world = beside();
    const source = await saved(100);
    const segment = await opened(world, source);
    const [thread] = world.threads as [Worker];
    const told = vi.spyOn(thread, 'postMessage');
    const next = world.ahead.open(source, HNSW);
    segment.close();
    await sleep(0);
    expect(told.mock.calls).toMatchObject([
      [{ type: 'close', id: segment.twin?.id }],
      [{ type: 'open', id: next.twin?.id }],
    ]);
  });

  it('is open here where that thread cannot be started', async () => {
    const world = besides(() => {
      throw new Error('no more threads');
    });
    const segment = world.ahead.open(await saved(100), HNSW);
    await sleep(0);
    expect(segment.search(questions[9] as Float32Array, 5)).toHaveLength(5);
    expect([world.ahead.isThere, world.warnings.length]).toEqual([false, 1]);
    segment.close();
  });
});

it('a slot is taken until who asked gives it back, also where there is no answer', () => {
  const board = new AheadBoard(DIMENSION);
  const ask = (): number | null =>
    board.ask({ segment: 1, vector: questions[0] as Float32Array, wanted: 1, scored: 0 }, 1);
  const failed = (slot: number | null): number => {
    expect(board.next()).toBe(slot);
    board.finish(slot as number, null, 0);
    return slot as number;
  };
  const first = failed(ask());
  expect(board.answer(first)).toBeNull();
  for (let i = 1; i < SLOTS; i++) board.release(failed(ask()));
  expect(ask()).toBeNull();
  board.release(first);
  expect(ask()).toBe(first);
});
