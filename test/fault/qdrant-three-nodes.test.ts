// A server of ours over three nodes of a real Qdrant, every point on each: one may be lost, and nobody notices for long. Runs
// where `QDRANT_BIN` names the program.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, World } from '../e2e/support/processes.ts';
import { type QdrantNode, startQdrantNode } from '../support/qdrant-process.ts';

const binary = process.env['QDRANT_BIN'] ?? '';
const COUNT = 20;
const world = new World();
const nodes: QdrantNode[] = [];

beforeAll(async () => {
  if (binary === '') return;
  for (let i = 0; i < 3; i++) nodes.push(await startQdrantNode(binary, world.folder(), nodes[0]));
}, 300_000);
afterAll(async () => {
  await world.cleanUp();
  for (const node of nodes) await node.kill();
}, 60_000);

function serve({ url }: QdrantNode): Promise<ServerProcess> {
  return world.serve(world.folder(), {
    VECTOR_DB__URL: url,
    VECTOR_DB__VECTOR_SIZE: '64',
    VECTOR_DB__SHARD_NUMBER: '3',
    VECTOR_DB__REPLICATION_FACTOR: '3',
    VECTOR_DB__CIRCUIT__TIMEOUT_SECS: '1',
  });
}

describe.skipIf(binary === '')('a Qdrant cluster of three nodes, each with a copy of everything', () => {
  it('goes on with two, and the third has everything when it is back', async () => {
    const server = await serve(nodes[0] as QdrantNode);
    const client = await server.connect();
    const stored: string[] = [];
    const storeSome = async (name: string): Promise<void> => {
      for (let i = 0; i < COUNT; i++)
        stored.push((await client.store({ text: `note ${i} ${name}`, level: 'long_term' })).id);
    };
    await storeSome('with three nodes');
    await nodes[2]?.kill();
    // The client repeats what fails until the others know that the node is gone.
    await storeSome('with two nodes');
    for (let i = 0; i < COUNT; i++) {
      const { contexts, metadata } = await client.query({ query: `note ${i} with two nodes`, limit: 5 });
      expect(contexts).toHaveLength(5);
      expect(metadata.degraded).toEqual([]);
    }
    await nodes[2]?.start();
    await sleep(5_000);
    const third = await (await serve(nodes[2] as QdrantNode)).connect();
    const listed: string[] = [];
    for await (const { id } of third.list({})) listed.push(id);
    expect(listed.toSorted()).toEqual(stored.toSorted());
    await Promise.all([client.close(), third.close()]);
  }, 300_000);
});
