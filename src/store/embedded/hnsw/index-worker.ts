// Thread entry: builds the segment it was started for, reports, ends. Its memory goes with it.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { buildSegment } from './build-segment.ts';
import type { IndexJob } from './index-keeper.ts';

/** Below the threads that answer requests. */
const NICENESS = 10;

// Only Linux gives a thread a priority of its own; elsewhere this would slow the whole process down.
if (process.platform === 'linux') setPriority(0, NICENESS);
parentPort?.postMessage(buildSegment(workerData as IndexJob));
