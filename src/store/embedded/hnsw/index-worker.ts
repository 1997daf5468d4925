// Thread entry: builds the segment it was started for, reports, ends. Its memory goes with it.

import { availableParallelism, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../base/clock.ts';
import { BusyTime } from '../border/busy-time.ts';
import { BuildPace } from './build-pace.ts';
import { buildSegment, type BuildSteps } from './build-segment.ts';
import { BuildStop } from './build-stop.ts';
import type { IndexJob } from './index-job.ts';

export interface IndexWorkerData {
  readonly job: IndexJob;
  /** `BusyTime.buffer` of the thread that answers searches. */
  readonly busy: SharedArrayBuffer;
  /** `BuildStop.buffer`. */
  readonly stop: SharedArrayBuffer;
}

/** Below the threads that answer requests. */
const NICENESS = 10;
/** More gain little, and each takes memory of its own. */
const THREADS_MAX = 8;

// Only Linux gives a thread a priority of its own; elsewhere this would slow the whole process down.
if (process.platform === 'linux') setPriority(0, NICENESS);

const { job, busy, stop } = workerData as IndexWorkerData;
const stopped = new BuildStop(stop);
const pace = new BuildPace(new BusyTime(busy), systemClock, (ms) => stopped.rest(ms));
const steps: BuildSteps = {
  threads: Math.min(THREADS_MAX, availableParallelism()),
  get isAlone() {
    return pace.isAlone;
  },
  pause() {
    pace.pause();
    stopped.check();
  },
};
parentPort?.postMessage(buildSegment(job, steps));
