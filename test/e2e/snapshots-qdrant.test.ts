import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
let qdrants: readonly [QdrantDouble, QdrantDouble];
beforeEach(async () => {
  qdrants = [await startQdrantDouble({ apiKey: 'sesame' }), await startQdrantDouble({ apiKey: 'sesame' })];
});
afterEach(async () => {
  await world.cleanUp();
  for (const qdrant of qdrants) await qdrant.close();
});

const TEXT = 'the spare key of the boathouse hangs behind the red door';
const over = ({ url }: QdrantDouble) => ({
  VECTOR_DB__URL: url,
  VECTOR_DB__API_KEY: 'sesame',
  HIRAG__ACCESS_FLUSH_MS: '60000',
});

it('by the command line: made of a running server over Qdrant, verified, and restored into another Qdrant', async () => {
  const [qdrant, other] = qdrants;
  const folder = world.folder();
  const server = await world.serve(folder, over(qdrant));
  const variables = { ...cliVariables(server), ...over(qdrant) };
  const run = (args: readonly string[], more: object = {}) => world.run(args, folder, { ...variables, ...more });
  await run(['store', TEXT, '--tag', 'keys', '--ttl', '90d']);
  // Counts that are in the server's memory alone are in it, too.
  await run(['query', 'where is the spare key?']);
  const made = await run(['snapshot', 'create', '--label', 'drill']);
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{6}: 1 context, /) as string,
  });
  expect(qdrant.files()).toEqual([]);
  expect((await run(['snapshot', 'list'])).stdout).toContain('drill');
  expect((await run(['snapshot', 'verify'])).stdout).toContain('is whole: 1 context read, 1 found by a query');

  await run(['store', 'written after the snapshot']);
  expect(await run(['snapshot', 'restore', 'latest'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('hold 2 points already') as string,
  });
  await server.end('SIGTERM');
  const restored = await run(['snapshot', 'restore', 'latest'], over(other));
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining('1 context of ') as string });
  const again = await world.serve(folder, over(other));
  const listed = await world.run(['list', '--json', '--agent', '*'], folder, {
    ...cliVariables(again),
    ...over(other),
  });
  expect(JSON.parse(listed.stdout)).toMatchObject([
    { text: TEXT, tags: ['keys'], access_count: 1, expires_at: expect.any(Number) as number },
  ]);
  await again.end('SIGTERM');
});

it('by schedule, with the retention', async () => {
  const [qdrant] = qdrants;
  const folder = world.folder();
  const every = { SNAPSHOTS__SCHEDULE: '* * * * * *', SNAPSHOTS__KEEP_HOURLY: '0', SNAPSHOTS__KEEP_DAILY: '0' };
  const server = await world.serve(folder, { ...over(qdrant), ...every });
  const names = () => {
    try {
      return readdirSync(join(server.dataDir, 'snapshots')).filter((name) => !name.startsWith('.'));
    } catch {
      return [];
    }
  };
  const seen = new Set<string>();
  while (seen.size < 3) {
    for (const name of names()) seen.add(name);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await server.end('SIGTERM');
  expect(names()).toHaveLength(1);
});
