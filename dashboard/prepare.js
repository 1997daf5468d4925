// Builds the page when a clone is installed. Without the dev dependencies there is nothing to build with, and the server
// says so at its address.
import { existsSync } from 'node:fs';

const hasVite = existsSync(`${import.meta.dirname}/../node_modules/vite`);
if (hasVite) {
  const { build } = await import('vite');
  await build({ configFile: `${import.meta.dirname}/vite.config.ts`, logLevel: 'warn' });
} else {
  process.stdout.write('The dashboard is not built: it takes the dev dependencies, then npm run build:dashboard.\n');
}
