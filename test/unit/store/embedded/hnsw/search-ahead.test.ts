import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Index } from 'usearch';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { distancesTo } from '../../../../../src/store/embedded/arrays/vector-rows.ts';
import { AheadBoard } from '../../../../../src/store/embedded/hnsw/ahead-board.ts';
import type { AheadWorkerData } from '../../../../../src/store/embedded/hnsw/ahead-worker.ts';
import { buildSegment } from '../../../../../src/store/embedded/hnsw/build-segment.ts';
import type { HnswSegment, SegmentSource } from '../../../../../src/store/embedded/hnsw/hnsw-segment.ts';
import {
  type AheadSearch,
  type AskAhead,
  SearchAhead,
  type StartAhead,
} from '../../../../../src/store/embedded/hnsw/search-ahead.ts';
import { vectorOf } from '../../../../contract/store-samples.ts';
import { DIMENSION, jobOver } from '../support/index-jobs.ts';

/** Large enough to be searched there. */
const COUNT = 1_600;
const HNSW = { m: 8, efConstruction: 16, efSearch: 200 };
const SEARCH_NS = COUNT * 200;
const SLOTS = 64;
/** Of these, left to questions whose turn it is. */
const LEFT_FREE = 16;
const ASKED = { wanted: 20, needed: 12 };

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
  const ahead = new SearchAhead({ dimension: DIMENSION, quantization: 'i8', start: starting, log, processors: 2 });
  onTestFinished(() => ahead.close());
  return { ahead, threads, warnings };
}

async function saved(count = COUNT): Promise<SegmentSource> {
  return { passageCount: 0, ...buildSegment(await jobOver(count)) };
}

async function opened({ ahead }: Beside, source: SegmentSource): Promise<HnswSegment> {
  const segment = ahead.open(source, HNSW);
  await sleep(0);
  while (ahead.isOpening) await sleep(5);
  return segment;
}

function begin({ ahead }: Beside, vector: number): AheadSearch {
  return ahead.begin(questions[vector] as Float32Array, () => true);
}

/** Whether the thread beside is asked at all. */
function isAsked(world: Beside, segment: HnswSegment): boolean {
  const search = begin(world, 0);
  search.ask(segment, ASKED);
  const { asksNothing } = search;
  search.end();
  return !asksNothing;
}

const questions = Array.from({ length: 200 }, (_, i) => vectorOf(`question ${i}`, DIMENSION));

describe('a graph that is searched in the thread beside', () => {
  it('gives what it gives here, and the true scores of the first', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    for (let first = 0; first < questions.length; first += SLOTS) {
      const some = questions.slice(first, first + SLOTS);
      const searches = some.map((vector) => {
        const search = world.ahead.begin(vector, () => true);
        search.ask(segment, ASKED);
        return search;
      });
      for (const [i, search] of searches.entries()) {
        const vector = some[i] as Float32Array;
        const hits = search.answer(segment, ASKED);
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

  it('answers with as many as are wanted by then, and is asked once more where more are', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    const search = begin(world, 0);
    search.ask(segment, ASKED);
    for (const wanted of [ASKED.wanted - 5, ASKED.wanted + 1])
      expect(search.answer(segment, { ...ASKED, wanted })).toHaveLength(wanted);
    expect(search.isAnswered(0)).toBe(true);
  });

  it('is not asked for more than it has room for, nor by more than may wait; slots that are given back are used again', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    const held: AheadSearch[] = [];
    const asked = (asking: AskAhead): boolean => {
      const search = begin(world, 1);
      search.ask(segment, asking);
      held.push(search);
      return !search.asksNothing;
    };
    const early = { ...ASKED, isEarly: true };
    expect(asked({ ...ASKED, wanted: 1_025 })).toBe(false);
    for (let round = 0; round < 3; round++) {
      const count = SLOTS - LEFT_FREE;
      expect(Array.from({ length: count + 1 }, () => asked(early))).toEqual([
        ...Array<boolean>(count).fill(true),
        false,
      ]);
      expect(Array.from({ length: LEFT_FREE + 1 }, () => asked(ASKED))).toEqual([
        ...Array<boolean>(LEFT_FREE).fill(true),
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
    const other = await opened(world, await saved());
    const source = await saved();
    const segment = world.ahead.open(source, HNSW);
    segment.close();
    const search = begin(world, 2);
    search.ask(segment, ASKED);
    search.ask(other, ASKED);
    expect(search.answer(segment, ASKED)).toBeNull();
    expect(search.answer(other, ASKED)).toHaveLength(ASKED.wanted);
    await rm(`${source.path}.vectors`);
    expect(world.warnings).toEqual([]);
  });

  it('is searched here from then on where that thread ends, and questions on the way get no answer', async () => {
    const world = beside();
    const segment = await opened(world, await saved());
    const before = begin(world, 3);
    before.ask(segment, ASKED);
    const [thread] = world.threads as [Worker];
    const ended = once(thread, 'exit');
    void thread.terminate();
    await ended;
    await sleep(0);
    expect(world.warnings).toHaveLength(1);
    expect(before.answer(segment, ASKED)).toBeNull();
    const after = begin(world, 4);
    after.ask(segment, ASKED);
    expect([after.asksNothing, after.answer(segment, ASKED)]).toEqual([true, null]);
    segment.close();
    expect(world.threads).toHaveLength(1);
  });

  it('that never answers is given up after a while, and that thread with it', async () => {
    const world = stuckBeside({ opens: true });
    const segment = await opened(world, await saved());
    const [thread] = world.threads as [Worker];
    const ended = once(thread, 'exit');
    const search = begin(world, 5);
    search.ask(segment, ASKED);
    expect(search.isAnswered(1)).toBe(false);
    expect(search.answer(segment, ASKED)).toBeNull();
    expect([isAsked(world, segment), world.warnings.length]).toEqual([false, 1]);
    expect(search.isAnswered(1)).toBe(true);
    // Else it would hold on to the files as long as the store runs.
    await ended;
  });

  it('that never answers is given up, too, where others have their turn meanwhile', async () => {
    const world = stuckBeside({ opens: true });
    const segment = await opened(world, await saved());
    const search = begin(world, 6);
    search.ask(segment, ASKED);
    const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
    onTestFinished(() => wait.mockRestore());
    let steps = 0;
    while (!search.isAnswered(4) && steps < 100_000) steps++;
    expect(steps * 4).toBe(30_000);
    expect([isAsked(world, segment), world.warnings.length]).toEqual([false, 1]);
  });

  it('is expected to be answered after those that were asked before', async () => {
    const world = stuckBeside({ opens: true });
    const segment = await opened(world, await saved());
    const expected = [1, 2].map(() => {
      const search = begin(world, 7);
      search.ask(segment, ASKED);
      return search.expectedNs;
    });
    expect(expected).toEqual([SEARCH_NS, 2 * SEARCH_NS]);
  });

  it('is not asked before that thread has opened it', async () => {
    const world = stuckBeside({ opens: false });
    const segment = world.ahead.open(await saved(), HNSW);
    await sleep(0);
    expect([world.ahead.isOpening, isAsked(world, segment)]).toEqual([true, false]);
  });

  it('is mapped here only where it is small, or that thread gave no answer yet', async () => {
    const world = beside();
    const mapped = vi.spyOn(Index.prototype, 'view');
    onTestFinished(() => mapped.mockRestore());
    const small = world.ahead.open(await saved(100), HNSW);
    expect([small.twin, mapped.mock.calls.length]).toEqual([null, 1]);
    const segment = world.ahead.open(await saved(), HNSW);
    const search = begin(world, 8);
    // It has not opened it yet.
    expect(search.search(segment, ASKED)).toHaveLength(ASKED.wanted);
    expect(mapped).toHaveBeenCalledTimes(2);
    await sleep(0);
    while (world.ahead.isOpening) await sleep(5);
    for (const times of [2, 3, 3]) {
      expect(search.search(segment, ASKED)?.[0]?.trueScore).toBeDefined();
      expect(segment.search(questions[8] as Float32Array, 1)).toHaveLength(1);
      // The answer from there let go of what was mapped here, once.
      expect(mapped.mock.calls.length).toBe(Math.max(3, times));
    }
  });

  it.skipIf(process.platform !== 'linux')('that is small and cannot be mapped leaves no file open', async () => {
    const world = beside();
    const source = await saved(100);
    await rm(`${source.path}.usearch`);
    expect(() => world.ahead.open(source, HNSW)).toThrow();
    const open = readdirSync('/proc/self/fd').map((file) => {
      try {
        return readlinkSync(`/proc/self/fd/${file}`);
      } catch {
        return '';
      }
    });
    expect(open.filter((path) => path.startsWith(source.path))).toEqual([]);
  });

  it('whose file is gone before it is mapped here is not searched, which is told', async () => {
    const world = stuckBeside({ opens: false });
    const source = await saved();
    const segment = world.ahead.open(source, HNSW);
    await rm(`${source.path}.usearch`);
    expect(begin(world, 8).search(segment, ASKED)).toBeNull();
    expect(world.warnings).toHaveLength(1);
  });

  it('is closed before that which takes its place is opened, as who closes it waits', async () => {
    const world = beside();
    const source = await saved();
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
    const segment = world.ahead.open(await saved(), HNSW);
    await sleep(0);
    expect(segment.search(questions[9] as Float32Array, 5)).toHaveLength(5);
    expect([isAsked(world, segment), world.warnings.length]).toEqual([false, 1]);
    segment.close();
  });
});

it('whose turn it is is searched first, and of the others the oldest, whichever slot it has', () => {
  const board = new AheadBoard(DIMENSION);
  const ask = (segment: number, isEarly = true): number =>
    board.ask({ segment, vector: questions[0] as Float32Array, wanted: 1, scored: 0 }, 1, isEarly) as number;
  const [first] = [ask(1), ask(2), ask(3)] as [number, number, number];
  board.release(first);
  expect(ask(4)).toBe(first);
  ask(5, false);
  expect([board.pendingNs(true), board.pendingNs(false)]).toEqual([4, 1]);
  const order = [1, 2, 3, 4].map(() => board.question(board.next() as number).segment);
  expect([...order, board.next()]).toEqual([5, 2, 3, 4, null]);
});

it('a slot is taken until who asked gives it back, also where there is no answer', () => {
  const board = new AheadBoard(DIMENSION);
  const ask = (): number | null =>
    board.ask({ segment: 1, vector: questions[0] as Float32Array, wanted: 1, scored: 0 }, 1, false);
  const failed = (slot: number | null): number => {
    expect(board.next()).toBe(slot);
    board.finish(slot as number, null, 0);
    return slot as number;
  };
  const first = failed(ask());
  expect(board.answer(first)).toBeNull();
  const others = Array.from({ length: SLOTS - 1 }, () => failed(ask()));
  expect(new Set([first, ...others]).size).toBe(SLOTS);
  expect(ask()).toBeNull();
  board.release(first);
  expect(ask()).toBe(first);
});
