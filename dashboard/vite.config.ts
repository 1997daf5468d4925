import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // What Node 24 developers and operators have: browsers of the last two years.
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // The page's policy allows images as data, but neither fonts nor scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The licences of what is bundled, beside it.
    license: { fileName: 'assets/licenses.md' },
    reportCompressedSize: false,
  },
});
