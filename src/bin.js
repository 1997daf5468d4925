#!/usr/bin/env node
// Plain JavaScript that an old Node can still parse: it is the one file that may have to say that Node is too old.
import { accessSync, constants, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NEEDED = [22, 18];
/** `gc`, for moments at which nobody asks (base/idle-garbage.ts); it also says that the process was started anew. */
const COLLECTOR = '--expose-gc';
/**
 * V8 lets new objects take up to four times as much, in every thread, which is no faster, and old ones grow to several times of what is
 * in use before it looks for what is not: that is faster only where all processors are full. What was compiled stays when a thread at
 * rest collects its garbage: the next burst would have to compile it again.
 */
const HEAP_OPTIONS = ['--max-semi-space-size=16', '--heap-growing-percent=40', '--no-flush-bytecode'];
/**
 * Of the C library: few pools of memory, and what is very long goes back to the system at once; with what is shorter that takes more
 * time than it is worth. Others know no such variables.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '1048576' };
/** What Node has compiled of the sources, kept for the next start: it need not strip their types again, in any thread. Beside the code, so that who can write here could change that as well. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/context-manager', import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `error: context-manager needs Node ${NEEDED.join('.')} or newer, this is ${process.versions.node}\n` +
      '  In a checkout, `npm install` brings the right one: use `npm start` and `npx context-manager ...`.\n' +
      '  Elsewhere, run `npm install node@24` in the folder that has context-manager; `npx context-manager ...` there then uses it.\n',
  );
  process.exitCode = 1;
} else {
  if (process.argv[2] === 'serve' && canStartAnew()) startAnew();
  await keepCompiled();
  // A checkout has the sources; a published package, under node_modules where Node strips no types, the build.
  const source = new URL('./cli.ts', import.meta.url);
  const { main } = await import((existsSync(source) ? source : new URL('../dist/src/cli.js', import.meta.url)).href);
  await main();
}

/** Not on Windows, nor where another process or a debugger holds on to this one, nor where the program has gone since. */
function canStartAnew() {
  const isHeld = process.channel !== undefined || /--(inspect|watch)/.test(optionsOfNode());
  if (process.platform === 'win32' || process.execve === undefined || isHeld || process.permission !== undefined)
    return false;
  if (process.execArgv.includes(COLLECTOR)) return false;
  try {
    accessSync(process.execPath, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** As the same process, with what bounds a server's memory: only the start of a process can set it. What somebody else has set stands. */
function startAnew() {
  const given = optionsOfNode();
  const heap = HEAP_OPTIONS.filter((option) => !given.includes(option.slice(2, option.indexOf('='))));
  const options = [...process.execArgv, ...heap, COLLECTOR];
  const command = [process.execPath, ...options, ...process.argv.slice(1)];
  process.execve(process.execPath, command, { ...ALLOCATOR, NODE_COMPILE_CACHE: COMPILED, ...process.env });
}

/** Where Node can; a folder that cannot be written to is none. A folder that somebody else has set stands. */
async function keepCompiled() {
  const { enableCompileCache } = await import('node:module');
  if (enableCompileCache) enableCompileCache(COMPILED);
}

function optionsOfNode() {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
}
