// Thread entry: loads a model in ONNX format and embeds texts with it, one call after another.

import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, OnnxFault } from './onnx-fault.ts';
import { loadOnnxModel } from './onnx-loading.ts';
import type { FromOnnxThread, OnnxAnswer, OnnxWorkerData, ToOnnxThread } from './onnx-messages.ts';
import type { OnnxModel } from './onnx-model.ts';

/** Of the texts of one run, each counted as the longest: all are padded to it, and with its square grows what a run takes. */
const RUN_CHARS_MAX = 16_000;

interface Call {
  readonly id: number;
  readonly texts: readonly string[];
}

const port = parentPort;
let running: { readonly model: OnnxModel; readonly dimension: number } | null = null;
let isEnding = false;
/** The call that nobody waits for. */
let givenUp: number | null = null;

/** Places of texts of about one length, so that little is padding. */
function* runsOf(texts: readonly string[]): Generator<readonly number[]> {
  const places = [...texts.keys()].sort((a, b) => lengthAt(texts, a) - lengthAt(texts, b));
  let from = 0;
  for (const [at, place] of places.entries()) {
    if (at > from && (at - from + 1) * lengthAt(texts, place) > RUN_CHARS_MAX) {
      yield places.slice(from, at);
      from = at;
    }
  }
  if (from < places.length) yield places.slice(from);
}

function lengthAt(texts: readonly string[], place: number): number {
  return texts[place]?.length ?? 0;
}

async function embed(model: OnnxModel, dimension: number, { id, texts }: Call): Promise<OnnxAnswer> {
  const vectors = new Float32Array(texts.length * dimension);
  const tooLong: number[] = [];
  for (const places of runsOf(texts)) {
    // Messages are read here.
    await turn();
    if (isEnding || givenUp === id) return { id, givenUp: true };
    const made = await model.embed(places.map((place) => texts[place] as string));
    places.forEach((place, i) => vectors.set(made.vectors[i] ?? [], place * dimension));
    tooLong.push(...made.tooLong.map((i) => places[i] as number));
  }
  return { id, vectors, tooLong };
}

async function answer(model: OnnxModel, dimension: number, call: Call): Promise<void> {
  const made = await embed(model, dimension, call).catch(
    (error: unknown): OnnxAnswer => ({ id: call.id, error: messageOf(error) }),
  );
  tell(made, 'vectors' in made ? [made.vectors.buffer as ArrayBuffer] : []);
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
  if ('givenUp' in message) givenUp = message.givenUp;
  else if ('end' in message) end();
  else if (running !== null) void answer(running.model, running.dimension, message);
});

run(workerData as OnnxWorkerData).catch((error: unknown) => {
  const { message, remedy } =
    error instanceof OnnxFault
      ? error
      : { message: `the model cannot be run: ${messageOf(error)}`, remedy: 'Try another embedding.model.' };
  tell({ fault: message, remedy });
  end();
});
