// Seals the folder that is named with another key and waits after the first rows; its parent kills it.

import { systemRandom } from '../../src/base/random.ts';
import { resealFolder } from '../../src/store/embedded/reseal-folder.ts';

const [folder = '', key = '', previousKey = ''] = process.argv.slice(2);
const keys = { key: Buffer.from(key, 'hex'), previousKey: Buffer.from(previousKey, 'hex') };
resealFolder(folder, keys, systemRandom, ({ done }) => {
  process.stdout.write(`${done}\n`);
  if (done > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
