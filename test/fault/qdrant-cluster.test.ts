// Two servers of ours over two nodes of a real Qdrant, every point on both: what a lost node means. Runs where `QDRANT_BIN`
// names the program.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { type ServerProcess, World } from '../e2e/support/processes.ts';
import { type QdrantNode, startQdrantNode } from '../support/qdrant-process.ts';

const binary = process.env['QDRANT_BIN'] ?? '';
const WRITERS = 8;
const world = new World();
let nodes: QdrantNode[] = [];
const servers: ServerProcess[] = [];

beforeAll(async () => {
  if (binary === '') return;
  const first = await startQdrantNode(binary, world.folder());
  nodes = [first, await startQdrantNode(binary, world.folder(), first)];
  for (const { url } of nodes) {
    servers.push(
      await world.serve(world.folder(), {
        VECTOR_DB__URL: url,
        VECTOR_DB__VECTOR_SIZE: '64',
        VECTOR_DB__SHARD_NUMBER: '2',
        VECTOR_DB__REPLICATION_FACTOR: '2',
        VECTOR_DB__CIRCUIT__TIMEOUT_SECS: '1',
        HIRAG__L1_SIZE: '5',
        HIRAG__L2_SIZE: '20',
      }),
    );
  }
}, 300_000);
afterAll(async () => {
  await world.cleanUp();
  for (const node of nodes) await node.kill();
}, 60_000);

/** Writes until `isOver`, however often the cluster refuses; the ids of what it acknowledged. */
async function writeUntil(client: Client, name: string, isOver: () => boolean): Promise<Set<string>> {
  const acknowledged = new Set<string>();
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; !isOver(); i++) {
      try {
        const { id } = await client.store({
          text: `note ${i} of writer ${writer} about ${name}`,
          session_id: `${name}-${writer}`,
          level: 'long_term',
        });
        acknowledged.add(id);
      } catch {
        await sleep(100);
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  return acknowledged;
}

async function missing(client: Client, ids: ReadonlySet<string>): Promise<string[]> {
  const listed = new Set<string>();
  let count = 0;
  for await (const { id } of client.list({})) {
    listed.add(id);
    count++;
  }
  expect(count).toBe(listed.size);
  return [...ids].filter((id) => !listed.has(id));
}

/** Until the call succeeds: a node that comes back takes over what it missed, and takes its time. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === 120) throw error;
      await sleep(500);
    }
  }
}

describe.skipIf(binary === '')('a Qdrant cluster of two nodes, each with a copy of everything', () => {
  it('loses nothing that was acknowledged when a node is killed under load, and goes on with the other', async () => {
    const [here, there] = await Promise.all([servers[0]!.connect(), servers[1]!.connect()]);
    let isOver = false;
    const writing = Promise.all([writeUntil(here, 'here', () => isOver), writeUntil(there, 'there', () => isOver)]);
    await sleep(3_000);
    await nodes[1]!.kill();
    // Qdrant asks all copies and gives up on one after half a minute, where no majority of nodes can say that it is gone.
    const { id } = await eventually(() => here.store({ text: 'written with one node left', level: 'long_term' }));
    await sleep(3_000);
    isOver = true;
    const acknowledged = new Set((await writing).flatMap((ids) => [...ids]));
    acknowledged.add(id);
    expect(acknowledged.size).toBeGreaterThan(100);
    expect(await eventually(() => missing(here, acknowledged))).toEqual([]);

    await nodes[1]!.start();
    await eventually(async () => {
      expect(await missing(there, acknowledged)).toEqual([]);
    });

    // Now what the returned node took over must be enough.
    await sleep(5_000);
    await nodes[0]!.kill();
    await eventually(async () => {
      expect(await missing(there, acknowledged)).toEqual([]);
    });
    await Promise.all([here.close(), there.close()]);
  }, 300_000);
});
