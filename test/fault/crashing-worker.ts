// The store worker with a trap: a fetch in the namespace `crash` ends the thread, as a lack of memory would.

import { StoreEngine } from '../../src/store/embedded/store-engine.ts';

const read = Object.getOwnPropertyDescriptor(StoreEngine.prototype, 'read')?.value as StoreEngine['read'];
StoreEngine.prototype.read = function (queued) {
  const { kind, body } = queued.call;
  if (kind === 'fetch' && body.namespace === 'crash') process.exit(1);
  return read.call(this, queued);
};
await import('../../src/store/embedded/worker.ts');
