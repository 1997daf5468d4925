// Stands in for the embedding thread: vectors tell the length of their text, and one text ends the thread.

import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, LocalWorkerData, ToThread } from '../../../src/embedding/local-messages.ts';

const { dimension } = workerData as LocalWorkerData;

parentPort?.on('message', ({ calls }: ToThread) => {
  const texts = calls.flatMap((call) => call.texts);
  if (texts.includes('die')) process.exit(1);
  const vectors = new Float32Array(texts.length * dimension);
  texts.forEach((text, i) => vectors.fill(text.length, i * dimension, (i + 1) * dimension));
  parentPort?.postMessage({ ids: calls.map(({ id }) => id), vectors } satisfies FromThread);
});
parentPort?.postMessage({ ids: [], vectors: new Float32Array(0) } satisfies FromThread);
