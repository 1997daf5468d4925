// Thread entry of the store: one database, one thread, batches in and out.

import { parentPort, type MessagePort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { StartupError } from '../../base/errors.ts';
import { openDatabase } from './database/database.ts';
import type { SegmentFile } from './hnsw/index-files.ts';
import type { BuildIndex } from './hnsw/index-keeper.ts';
import type { FromWorker, ToWorker, WireReply, WorkerSettings } from './messages.ts';
import { type QueuedCall, StoreEngine } from './store-engine.ts';
import { forwardingLog } from './worker-log.ts';

/** Calls that share one commit at most; what waits beyond them takes the next. */
const BATCH_CALLS_MAX = 4096;

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
  const stopFlushing = systemClock.every(settings.touchFlushMs, () => engine.flushAccesses());
  const queue: QueuedCall[] = [];
  const cancelled = new Set<number>();

  const receive = (message: ToWorker) => {
    if (message.type === 'cancel') message.ids.forEach((id) => cancelled.add(id));
    else for (const call of message.calls) queue.push({ call, nowMs: message.nowMs, vectors: message.vectors });
  };
  const close = (id: number) => {
    stopFlushing();
    engine.close();
    send({ type: 'replies', replies: [{ id, ok: true, value: null }], committedWrites: [] });
    port.close();
  };
  port.on('message', (message: ToWorker) => {
    receive(message);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) receive(next.message as ToWorker);
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH_CALLS_MAX).filter(({ call }) => !cancelled.has(call.id));
      const closing = batch.find(({ call }) => call.kind === 'close');
      const calls = batch.filter((queued) => queued !== closing);
      if (calls.length > 0) {
        const { replies, committedWrites } = engine.execute(calls);
        const message: FromWorker = { type: 'replies', replies, committedWrites: committedWrites > 0 ? [committedWrites] : [] };
        port.postMessage(message, replies.flatMap(buffersOf));
      }
      if (closing !== undefined) return close(closing.call.id);
    }
    cancelled.clear();
    engine.maintain();
  });
  engine.maintain();
  send({ type: 'ready' });
}

/** What a reply carries that need not be copied. */
function buffersOf(reply: WireReply): ArrayBuffer[] {
  if (!reply.ok || reply.value === null) return [];
  const { value } = reply;
  if ('numbers' in value) return [value.numbers.buffer, value.termScores.buffer] as ArrayBuffer[];
  return 'vectors' in value ? [value.vectors.buffer as ArrayBuffer] : [];
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
