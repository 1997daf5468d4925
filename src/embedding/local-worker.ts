// Thread entry: embeds texts with the local embedder.

import { parentPort, workerData } from 'node:worker_threads';
import { LocalEmbedder } from './local.ts';
import type { EmbeddedBatches, LocalWorkerData, TextBatches } from './local-thread.ts';

/** Replies are held back for so many texts: none waits long for its vectors, and few messages carry them. */
const REPLY_TEXTS = 32;

const { dimension } = workerData as LocalWorkerData;
const embedder = new LocalEmbedder(dimension);
const port = parentPort;

function embed(batches: TextBatches): void {
  for (let from = 0; from < batches.length; ) {
    let to = from;
    let texts = 0;
    while (to < batches.length && texts < REPLY_TEXTS) texts += (batches[to++] as readonly string[]).length;
    const vectors = new Float32Array(texts * dimension);
    let place = 0;
    for (const batch of batches.slice(from, to)) {
      for (const text of batch) embedder.embedInto(vectors.subarray(place * dimension, ++place * dimension), text);
    }
    port?.postMessage({ batches: to - from, vectors } satisfies EmbeddedBatches, [vectors.buffer]);
    from = to;
  }
}

port?.on('message', embed);
port?.postMessage({ batches: 0, vectors: new Float32Array(0) } satisfies EmbeddedBatches);
