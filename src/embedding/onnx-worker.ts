// Thread entry: loads a model in ONNX format and embeds texts with it, one call after another.

import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromOnnxThread, OnnxWorkerData, ToOnnxThread } from './onnx-messages.ts';
import { loadOnnxModel, OnnxFault, type OnnxModel } from './onnx-model.ts';

/** Of the texts of one run, each counted as the longest: all are padded to it, and with its square grows what a run takes. */
const RUN_CHARS_MAX = 16_000;
const PROBE = 'How long is a vector?';

const port = parentPort;
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

/** null: given up between two runs. */
async function embed(
  model: OnnxModel,
  dimension: number,
  { id, texts }: { readonly id: number; readonly texts: readonly string[] },
): Promise<Float32Array | null> {
  const vectors = new Float32Array(texts.length * dimension);
  for (const places of runsOf(texts)) {
    // Messages are read here.
    await turn();
    if (isEnding || givenUp === id) return null;
    const made = await model.embed(places.map((place) => texts[place] as string));
    places.forEach((place, i) => vectors.set(made.subarray(i * dimension, (i + 1) * dimension), place * dimension));
  }
  return vectors;
}

async function answer(
  model: OnnxModel,
  dimension: number,
  call: { readonly id: number; readonly texts: readonly string[] },
): Promise<void> {
  const { id } = call;
  try {
    const vectors = await embed(model, dimension, call);
    if (vectors === null) tell({ id, error: 'given up' });
    else tell({ id, vectors }, vectors);
  } catch (error) {
    tell({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

function tell(message: FromOnnxThread, handedOver?: Float32Array): void {
  port?.postMessage(message, handedOver === undefined ? [] : [handedOver.buffer as ArrayBuffer]);
}

async function run(): Promise<void> {
  const model = await loadOnnxModel(workerData as OnnxWorkerData);
  const probe = await model.embed([PROBE]);
  port?.on('message', (message: ToOnnxThread) => {
    if ('texts' in message) {
      void answer(model, probe.length, message);
    } else if ('givenUp' in message) {
      givenUp = message.givenUp;
    } else {
      isEnding = true;
      port?.close();
    }
  });
  tell({ ready: probe });
}

run().catch((error: unknown) => {
  const { message, remedy } =
    error instanceof OnnxFault
      ? error
      : { message: `the model cannot be run: ${String(error)}`, remedy: 'Try another embedding.model.' };
  tell({ fault: message, remedy });
});
