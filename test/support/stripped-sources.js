// Preloaded into the test processes and so into the threads that they start: the sources without their types, as stripped once.
// Node strips types with a WebAssembly module in each thread. Tests start and end hundreds of threads side by side, and
// V8 (as of Node 24.21) now and then crashes where one thread compiles a wrapper of that module while another that has
// it ends: v8::internal::Runtime_TierUpWasmToJSWrapper in WasmEngine::FreeDeadCode.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env.STRIPPED_SOURCES;
const root = join(import.meta.dirname, '../..');

if (folder !== undefined) {
  registerHooks({
    load(url, context, nextLoad) {
      const file = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : '';
      if (!/^(src|test)\b.*\.ts$/.test(file)) return nextLoad(url, context);
      return { format: 'module', source: readFileSync(join(folder, file), 'utf8'), shortCircuit: true };
    },
  });
}
