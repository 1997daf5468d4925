// Writes without end and prints the name of each context once it is acknowledged; its parent kills it.

import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import { put, sample } from '../contract/store-samples.ts';

const [dataDir = '', round = ''] = process.argv.slice(2);
const DIMENSION = 16;
const store = await openEmbeddedStore({
  dataDir,
  dimension: DIMENSION,
  embeddingId: 'model-a',
  indexingThreshold: 50,
  clock: systemClock,
  log: silentLog,
  metrics: noMetrics,
});

async function writeForever(lane: number): Promise<void> {
  for (let i = 0; ; i++) {
    const name = `${round}-${lane}-${i}`;
    await store.write([put(sample(name, DIMENSION))]);
    process.stdout.write(`${name}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map((lane) => writeForever(lane)));
