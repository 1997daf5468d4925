import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where a machine-readable report goes as well: what .ci/run counts. */
const report = process.env['TEST_REPORT'];

/** What takes long is begun first: at the end it would be waited for alone. The size of a file does not tell. */
const LONG_FIRST = ['/test/contract/', '/test/fault/', '/test/e2e/'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const folderOf = ({ moduleId }: TestSpecification): number => {
      const place = LONG_FIRST.findIndex((folder) => moduleId.replaceAll('\\', '/').includes(folder));
      return place === -1 ? LONG_FIRST.length : place;
    };
    return (await super.sort(files)).toSorted((one, other) => folderOf(one) - folderOf(other));
  }
}

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
    // One more than the processors of a small machine: many tests wait.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
  },
});
