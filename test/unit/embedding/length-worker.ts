// Stands in for the embedding thread: vectors tell the length of their text, and one text ends the thread.

import { parentPort, workerData } from 'node:worker_threads';
import type { EmbeddedBatches, LocalWorkerData, TextBatches } from '../../../src/embedding/local-thread.ts';

const { dimension } = workerData as LocalWorkerData;

parentPort?.on('message', (batches: TextBatches) => {
  const texts = batches.flat();
  if (texts.includes('die')) process.exit(1);
  const vectors = new Float32Array(texts.length * dimension);
  texts.forEach((text, i) => vectors.fill(text.length, i * dimension, (i + 1) * dimension));
  parentPort?.postMessage({ batches: batches.length, vectors } satisfies EmbeddedBatches);
});
parentPort?.postMessage({ batches: 0, vectors: new Float32Array(0) } satisfies EmbeddedBatches);
