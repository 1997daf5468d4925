// Thread entry: builds the segment it was started for, reports, ends. Its memory goes with it.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../base/clock.ts';
import { BusyTime } from '../busy-time.ts';
import { BuildPace } from './build-pace.ts';
import { buildSegment } from './build-segment.ts';
import type { IndexJob } from './index-keeper.ts';

export interface IndexWorkerData {
  readonly job: IndexJob;
  /** `BusyTime.buffer` of the thread that answers searches. */
  readonly busy: SharedArrayBuffer;
}

/** Below the threads that answer requests. */
const NICENESS = 10;

// Only Linux gives a thread a priority of its own; elsewhere this would slow the whole process down.
if (process.platform === 'linux') setPriority(0, NICENESS);

const { job, busy } = workerData as IndexWorkerData;
const nobodyWakesIt = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const pace = new BuildPace(new BusyTime(busy), systemClock, (ms) => void Atomics.wait(nobodyWakesIt, 0, 0, ms));
parentPort?.postMessage(buildSegment(job, () => pace.pause()));
