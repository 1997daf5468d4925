#!/usr/bin/env node
// Plain JavaScript that an old Node can still parse: it is the one file that may have to say that Node is too old.
import { existsSync } from 'node:fs';

const NEEDED = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `error: context-manager needs Node ${NEEDED.join('.')} or newer, this is ${process.versions.node}\n` +
      '  In a checkout, `npm install` brings the right one: use `npm start` and `npx context-manager ...`.\n' +
      '  Elsewhere, run `npm install node@24` in the folder that has context-manager; `npx context-manager ...` there then uses it.\n',
  );
  process.exitCode = 1;
} else {
  // A checkout has the sources; a published package, under node_modules where Node strips no types, the build.
  const source = new URL('./cli.ts', import.meta.url);
  const { main } = await import((existsSync(source) ? source : new URL('../dist/src/cli.js', import.meta.url)).href);
  await main();
}
