// Opens the store in the folder that is named and says what came of it.

import { systemClock } from '../../src/base/clock.ts';
import { StartupError } from '../../src/base/errors.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import { DIMENSION } from './store-setup.ts';

const say = (fields: object, message: string) => void process.stdout.write(`${message} ${JSON.stringify(fields)}\n`);
const log: Log = { ...silentLog, warn: say, error: say, child: () => log };

try {
  const store = await openEmbeddedStore({
    dataDir: process.argv[2] as string,
    dimension: DIMENSION,
    embeddingId: 'model-a',
    clock: systemClock,
    log,
    metrics: noMetrics,
  });
  await store.close();
} catch (error) {
  const remedy = error instanceof StartupError ? error.remedy : '';
  process.stdout.write(`${String(error)}\nremedy: ${remedy}\n`);
}
