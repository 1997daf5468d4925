// Thread entry: loads a model in ONNX format and embeds texts with it, its calls by turns.

import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { FairQueue } from '../base/fair-queue.ts';
import { messageOf, OnnxFault } from './onnx-fault.ts';
import { OnnxJob } from './onnx-job.ts';
import { loadOnnxModel } from './onnx-loading.ts';
import type { FromOnnxThread, OnnxAnswer, OnnxWorkerData, ToOnnxThread } from './onnx-messages.ts';
import type { OnnxModel } from './onnx-model.ts';

const port = parentPort;
let running: { readonly model: OnnxModel; readonly dimension: number } | null = null;
let isEnding = false;
const jobs = new FairQueue<OnnxJob>();
let isWorking = false;
/** The step of this one is being worked on. */
let current: OnnxJob | null = null;
/** Of the job whose step is being worked on: nobody waits for it. */
let isGivenUp = false;

/** Messages are read, then comes one step of one job, until there is none. */
async function work(): Promise<void> {
  if (isWorking) return;
  isWorking = true;
  while (jobs.size > 0) {
    await turn();
    const job = jobs.next();
    if (job === undefined || isEnding) break;
    current = job;
    isGivenUp = false;
    const answer = await step(job);
    current = null;
    if (answer !== null) {
      jobs.remove(job);
      tell(answer, 'vectors' in answer ? [answer.vectors.buffer as ArrayBuffer] : []);
    }
  }
  isWorking = false;
}

/** null: there is more to do. */
async function step(job: OnnxJob): Promise<OnnxAnswer | null> {
  const { id } = job;
  try {
    const made = await job.step();
    if (isGivenUp) return { id, givenUp: true };
    return made === null ? null : { id, ...made };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}

function add(call: { readonly id: number; readonly texts: readonly string[] }): void {
  if (running === null) return;
  jobs.add(new OnnxJob(call, running));
  void work();
}

function giveUp(id: number): void {
  if (current?.id === id) {
    isGivenUp = true;
    return;
  }
  for (const job of jobs) {
    if (job.id !== id) continue;
    jobs.remove(job);
    tell({ id, givenUp: true });
    return;
  }
}

function tell(message: FromOnnxThread, handedOver: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, handedOver);
}

async function run(options: OnnxWorkerData): Promise<void> {
  const { model, loaded } = await loadOnnxModel(options, () => tell({ downloading: options.model }));
  running = { model, dimension: loaded.probe.length };
  tell({ ready: loaded });
}

/** Threads that call a native binding end by themselves: one that is ended from outside may abort the process. */
function end(): void {
  isEnding = true;
  port?.close();
  // What a hub still sends would keep it going.
  if (running === null) process.exit();
}

port?.on('message', (message: ToOnnxThread) => {
  if ('givenUp' in message) giveUp(message.givenUp);
  else if ('end' in message) end();
  else add(message);
});

run(workerData as OnnxWorkerData).catch((error: unknown) => {
  const { message, remedy } =
    error instanceof OnnxFault
      ? error
      : { message: `the model cannot be run: ${messageOf(error)}`, remedy: 'Try another embedding.model.' };
  tell({ fault: message, remedy });
  end();
});
