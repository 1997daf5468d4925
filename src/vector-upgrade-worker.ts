// Thread entry: makes the vectors of the local embedder for contexts that have those of an older version, beside these.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from './base/clock.ts';
import { silentLog } from './base/log.ts';
import { noMetrics } from './base/metrics.ts';
import { systemRandom } from './base/random.ts';
import { Circuits } from './base/resilience/circuits.ts';
import { openEmbedding, openReembedding, textEmbedder } from './drivers.ts';
import { withCache } from './embedding/cache.ts';
import type { UpgradeProgress, UpgradeWorkerData } from './vector-upgrade-messages.ts';

const BATCH_TEXTS = 256;
/** Contexts of a last pass: the start that takes the vectors embeds what comes after it. */
const NEARLY_NONE = 100;
const PASSES_MAX = 20;

let isStopped = false;

async function upgrade({ settings }: UpgradeWorkerData): Promise<void> {
  const circuits = new Circuits();
  const parts = { clock: systemClock, random: systemRandom, log: silentLog, metrics: noMetrics, circuits, fetch };
  const provider = await openEmbedding(settings, parts);
  const embedding = withCache(provider, { maxEntries: 0, ttlMs: 1 }, systemClock, noMetrics);
  const reembedding = await openReembedding(settings.vectorDb, { ...parts, embedding });
  if (reembedding === null) return;
  try {
    const embed = textEmbedder(embedding);
    for (let passes = 1; passes <= PASSES_MAX; passes++) {
      const total = await reembedding.count();
      const tell = (looked: number): void => {
        // What was made is kept.
        if (isStopped) throw new Error('the server goes away');
        report({ looked, total, isDone: false });
      };
      const { embedded } = await reembedding.pass({ embed, batchTexts: BATCH_TEXTS, onProgress: tell });
      if (embedded > NEARLY_NONE) continue;
      report({ looked: total, total, isDone: true });
      return;
    }
  } finally {
    await reembedding.close();
    await provider.close();
  }
}

function report(progress: UpgradeProgress): void {
  parentPort?.postMessage(progress);
}

parentPort?.once('message', () => {
  isStopped = true;
});
try {
  await upgrade(workerData as UpgradeWorkerData);
} finally {
  parentPort?.close();
}
