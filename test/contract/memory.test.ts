import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { openMemoryStore } from '../../src/store/memory/open-memory-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { describeStoreContract } from './store-contract.ts';
import { NOW_MS } from './store-samples.ts';

const DIMENSION = 32;

describeStoreContract('in memory', () => {
  const clock = new FakeClock(NOW_MS);
  const store = openMemoryStore({ dimension: DIMENSION, clock, random: systemRandom, log: silentLog });
  return Promise.resolve({ store, dimension: DIMENSION, dispose: () => store.close() });
});
