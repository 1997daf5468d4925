// Two servers of one memory, as people run them for the day on which one of them ends.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { type ServerProcess, World } from './support/processes.ts';

const WRITERS = 8;
const world = new World();
let qdrant: QdrantDouble;
let one: ServerProcess;
let other: ServerProcess;

beforeAll(async () => {
  qdrant = await startQdrantDouble();
  const over = { VECTOR_DB__URL: qdrant.url, VECTOR_DB__VECTOR_SIZE: '64', HIRAG__L1_SIZE: '5', HIRAG__L2_SIZE: '20' };
  [one, other] = await Promise.all([world.serve(world.folder(), over), world.serve(world.folder(), over)]);
});
afterAll(async () => {
  await world.cleanUp();
  await qdrant.close();
});

describe('two servers over one Qdrant', () => {
  it('answer from what either was told', async () => {
    const [here, there] = [await one.connect({ sender: 'ann' }), await other.connect({ sender: 'ann' })];
    const { id } = await here.store({ text: 'the spare key lies under the blue stone', session_id: 's' });
    const { contexts } = await there.query({ query: 'where is the spare key?', session_id: 's' });
    expect(contexts.map((context) => context.id)).toEqual([id]);
    await there.update({ id, text: 'the spare key lies with the neighbour' });
    expect(await here.get({ id })).toMatchObject({ context: { text: 'the spare key lies with the neighbour' } });
    await Promise.all([here.close(), there.close()]);
  });

  it('lose nothing that was acknowledged when one is killed under load, and hold nothing twice', async () => {
    const acknowledged = new Set<string>();
    let isKilled = false;
    const dying = await one.connect({ sender: 'writer' });
    const write = async (client: Client, writer: number, count: number): Promise<void> => {
      for (let i = 0; i < count && !(isKilled && client === dying); i++) {
        const { id } = await client.store({ text: `note ${i} of writer ${writer}`, session_id: `s${writer}` });
        acknowledged.add(id);
        if (acknowledged.size === 60) {
          isKilled = true;
          one.kill('SIGKILL');
        }
      }
    };
    // What it was asked last is not waited for: its client would look for it until the deadline.
    const gone = one.ended.then(() => dying.close());
    await Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => write(dying, writer, 1_000)));
    await gone;
    expect(acknowledged.size).toBeGreaterThanOrEqual(60);
    const living = await other.connect({ sender: 'writer' });
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(living, WRITERS + writer, 5)));
    const listed: string[] = [];
    for await (const { id } of living.list({})) listed.push(id);
    expect(new Set(listed).size).toBe(listed.length);
    expect([...acknowledged].filter((id) => !listed.includes(id))).toEqual([]);
    await living.close();
  });
});
