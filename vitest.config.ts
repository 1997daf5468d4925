import { defineConfig } from 'vitest/config';

/** Where a machine-readable report goes as well: what .ci/run counts. */
const report = process.env['TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes, sockets and fsyncs: a loaded machine is slow, not wrong. These limits end what hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    pool: 'forks',
    // A thread that would strip types itself fails: stripped-sources.js says why none may.
    globalSetup: 'test/support/strip-once.ts',
    execArgv: ['--no-strip-types', '--import', new URL('test/support/stripped-sources.js', import.meta.url).href],
    maxWorkers: 2,
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
  },
});
