// Thread entry of the store: one database, one thread, batches in and out.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Clock, systemClock } from '../../base/clock.ts';
import { collectIdleGarbage, ownGarbage } from '../../base/idle-garbage.ts';
import { systemRandom } from '../../base/random.ts';
import { FolderInUse, StartupError } from '../../base/errors.ts';
import { BusyTime } from './border/busy-time.ts';
import { CallLoop } from './call-loop.ts';
import { DATABASE_FILE } from './database/data-folder.ts';
import { explain, openDatabase } from './database/database.ts';
import { BuildStop } from './hnsw/build-stop.ts';
import type { SegmentFile } from './hnsw/index-files.ts';
import type { BuildIndex } from './hnsw/index-job.ts';
import type { IndexWorkerData } from './hnsw/index-worker.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './border/messages.ts';
import type { StartAhead } from './hnsw/search-ahead.ts';
import { StoreEngine } from './store-engine.ts';
import { forwardingLog } from './border/worker-log.ts';

/** What it searches is mapped and no object: its heap has one question's hits. */
const AHEAD_HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 };
const TOLD_EVERY_MS = 10_000;

/** `busy`: of this thread; the builder goes slower where it is busy. */
const buildInThread =
  (busy: BusyTime): BuildIndex =>
  (job, done) => {
    const file = import.meta.url.endsWith('.ts') ? './hnsw/index-worker.ts' : './hnsw/index-worker.js';
    const stop = new BuildStop();
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: { job, busy: busy.buffer, stop: stop.buffer } satisfies IndexWorkerData,
    });
    const ended = Promise.withResolvers<void>();
    let isStopped = false;
    let result: SegmentFile | Error = new Error('the thread ended without a result');
    worker.on('message', (built: SegmentFile | Error) => (result = built));
    worker.on('error', (error: Error) => (result = error));
    // Not before it has ended: no next thread then starts beside one that ends, where V8 may crash while both strip types.
    worker.on('exit', () => {
      ended.resolve();
      if (!isStopped) done(result);
    });
    return {
      stop() {
        isStopped = true;
        stop.request();
        return ended.promise;
      },
    };
  };

const searchInThread: StartAhead = (workerData) => {
  const file = import.meta.url.endsWith('.ts') ? './hnsw/ahead-worker.ts' : './hnsw/ahead-worker.js';
  return new Worker(new URL(file, import.meta.url), { workerData, resourceLimits: AHEAD_HEAP });
};

/** Now and then. */
function slowly<T>(clock: Pick<Clock, 'monotonicMs'>, tell: (value: T) => void): (value: T) => void {
  let nextMs = clock.monotonicMs() + TOLD_EVERY_MS;
  return (value) => {
    if (clock.monotonicMs() < nextMs) return;
    nextMs = clock.monotonicMs() + TOLD_EVERY_MS;
    tell(value);
  };
}

function serve(port: MessagePort, settings: WorkerSettings): void {
  const send = (message: FromWorker) => port.postMessage(message);
  const log = forwardingLog((level, fields, message) => send({ type: 'log', level, fields, message }));
  const busy = new BusyTime();
  const sealing = slowly(systemClock, (progress: object) =>
    log.info({ ...progress }, 'what is stored is being sealed anew'),
  );
  const opened = openDatabase(settings, {
    random: systemRandom,
    onReseal: (progress) => {
      send({ type: 'resealing', done: progress.done, total: progress.total });
      sealing(progress);
    },
  });
  if (opened.readableByOthers.length > 0) {
    log.warn({ paths: opened.readableByOthers }, 'others on this machine can read what is stored: close these paths');
  }
  if (opened.reembedded !== null) {
    const { from, contexts } = opened.reembedded;
    log.info({ from, to: settings.embeddingId, contexts }, 'the vectors of another model have taken their place');
  }
  if (opened.resealed !== null)
    log.info({ ...opened.resealed }, 'what is stored is sealed anew, which had been interrupted');
  const processors = availableParallelism();
  const engine = new StoreEngine(opened, settings, log, systemClock, {
    build: buildInThread(busy),
    searchAhead: processors > 1 ? searchInThread : null,
    processors,
  });
  const loop = new CallLoop(port, engine, systemClock, busy);
  const stopFlushing = systemClock.every(settings.touchFlushMs, () => engine.flushAccesses());
  port.on('message', (message: ToWorker) => loop.receive(message));
  const stopCollecting = collectIdleGarbage({ clock: systemClock, ...ownGarbage() });
  port.on('close', () => {
    stopFlushing();
    stopCollecting();
  });
  engine.maintain();
  send({ type: 'ready', cursorKey: opened.cursorKey, isCompared: opened.isCompared });
}

if (parentPort !== null) {
  try {
    serve(parentPort, workerData as WorkerSettings);
  } catch (thrown) {
    const error = explain(thrown, join((workerData as WorkerSettings).dataDir, DATABASE_FILE));
    const remedy = error instanceof StartupError ? error.remedy : null;
    const message = error instanceof Error ? error.message : String(error);
    const inUse = error instanceof FolderInUse && { inUse: true as const };
    parentPort.postMessage({ type: 'startup_failed', message, remedy, ...inUse } satisfies FromWorker);
    parentPort.close();
  }
}
