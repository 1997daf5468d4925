// What a thread has freed is given back to the system while nobody asks it for anything. V8 collects when memory is asked for:
// without this a server that has come to rest would keep what its busiest minute left behind, for good.

import { flushCompileCache } from 'node:module';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from './clock.ts';

/** Called so often, it looks whether the thread was idle since. */
const LOOK_EVERY_MS = 5_000;
/** Busy for less than this share of that time: hardly anybody will ask in the tenth of a second that it takes. */
const BUSY_SHARE_MAX = 0.02;
/** A thread that is asked now and then collects no more often than this. */
const COLLECT_EVERY_MS = 20_000;
/** Less than this is left to V8. */
const GROWN_BYTES_MIN = 24 * 1024 * 1024;

export interface IdleGarbageDeps {
  readonly clock: Pick<Clock, 'every' | 'monotonicMs'>;
  /** Collects all garbage of the thread; absent: this process has no way to. */
  readonly collect: (() => void) | undefined;
  /** Share of the time since the last call that the thread was at work, 0 to 1. */
  readonly busyShare: () => number;
  /** What the thread's heap and its buffers take, garbage included. */
  readonly heldBytes: () => number;
}

/** Looks after the thread's garbage until the function is called that this gives. */
export function collectIdleGarbage({ clock, collect, busyShare, heldBytes }: IdleGarbageDeps): () => void {
  if (collect === undefined) return () => {};
  let leftBytes = 0;
  let nextMs = -Infinity;
  return clock.every(LOOK_EVERY_MS, () => {
    if (busyShare() > BUSY_SHARE_MAX || clock.monotonicMs() < nextMs) return;
    if (heldBytes() - leftBytes < GROWN_BYTES_MIN) return;
    collect();
    nextMs = clock.monotonicMs() + COLLECT_EVERY_MS;
    leftBytes = heldBytes();
  });
}

/** Of the thread that calls it. `gc` is there in a server that its launcher has started; other collections than this keep the pages. */
export function ownGarbage(): Omit<IdleGarbageDeps, 'clock'> {
  let last = performance.eventLoopUtilization();
  return {
    collect: globalThis.gc && (() => collectEverything(globalThis.gc as NodeJS.GCFunction)),
    busyShare() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    heldBytes() {
      const { total_heap_size: heap, external_memory: buffers } = getHeapStatistics();
      return heap + buffers;
    },
  };
}

function collectEverything(gc: NodeJS.GCFunction): void {
  // The cache of compiled sources goes to its folder, for a next start after a kill, and out of memory, where Node holds it until then.
  flushCompileCache();
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
