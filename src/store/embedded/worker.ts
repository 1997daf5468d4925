// Thread entry of the store: one database, one thread, batches in and out.

import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { StartupError } from '../../base/errors.ts';
import { CallLoop } from './call-loop.ts';
import { openDatabase } from './database/database.ts';
import type { SegmentFile } from './hnsw/index-files.ts';
import type { BuildIndex } from './hnsw/index-keeper.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { StoreEngine } from './store-engine.ts';
import { forwardingLog } from './worker-log.ts';

const buildInThread: BuildIndex = (job, done) => {
  const file = import.meta.url.endsWith('.ts') ? './hnsw/index-worker.ts' : './hnsw/index-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: job });
  let isOver = false;
  const finish = (result: SegmentFile | Error) => {
    if (isOver) return;
    isOver = true;
    done(result);
  };
  worker.on('message', finish);
  worker.on('error', finish);
  worker.on('exit', () => finish(new Error('the thread ended without a result')));
  return {
    cancel() {
      isOver = true;
      void worker.terminate();
    },
  };
};

function serve(port: MessagePort, settings: WorkerSettings): void {
  const send = (message: FromWorker) => port.postMessage(message);
  const log = forwardingLog((level, fields, message) => send({ type: 'log', level, fields, message }));
  const engine = new StoreEngine(openDatabase(settings), settings, log, systemClock, buildInThread);
  const loop = new CallLoop(port, engine, systemClock);
  const stopFlushing = systemClock.every(settings.touchFlushMs, () => engine.flushAccesses());
  port.on('message', (message: ToWorker) => loop.receive(message));
  port.on('close', stopFlushing);
  engine.maintain();
  send({ type: 'ready' });
}

if (parentPort !== null) {
  try {
    serve(parentPort, workerData as WorkerSettings);
  } catch (error) {
    const remedy = error instanceof StartupError ? error.remedy : null;
    const message = error instanceof Error ? error.message : String(error);
    parentPort.postMessage({ type: 'startup_failed', message, remedy } satisfies FromWorker);
    parentPort.close();
  }
}
