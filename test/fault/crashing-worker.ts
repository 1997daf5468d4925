// The store worker with a trap: a fetch in the namespace `crash` ends the thread, as a lack of memory would.

import { parentPort } from 'node:worker_threads';
import type { ToWorker } from '../../src/store/embedded/messages.ts';

parentPort?.on('message', (message: ToWorker) => {
  if (message.type !== 'calls') return;
  if (message.calls.some(({ kind, body }) => kind === 'fetch' && body.namespace === 'crash')) process.exit(1);
});
await import('../../src/store/embedded/worker.ts');
