// Two servers of one memory, as people run them for the day on which one of them ends.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../clients/typescript/src/index.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { type ServerProcess, World } from './support/processes.ts';

const WRITERS = 8;
const STORES = 15;
const SECRET = 'a-secret-that-both-of-them-know-0123456789';
const world = new World();
let qdrant: QdrantDouble;
let one: ServerProcess;
let other: ServerProcess;

beforeAll(async () => {
  qdrant = await startQdrantDouble();
  const over = {
    VECTOR_DB__URL: qdrant.url,
    VECTOR_DB__VECTOR_SIZE: '64',
    HIRAG__L1_SIZE: '5',
    HIRAG__L2_SIZE: '20',
    PROTOCOL_SECRET: SECRET,
  };
  [one, other] = await Promise.all([world.serve(world.folder(), over), world.serve(world.folder(), over)]);
});
afterAll(async () => {
  await world.cleanUp();
  await qdrant.close();
});

describe('two servers over one Qdrant', () => {
  it('answer from what either was told', async () => {
    const [here, there] = [
      await one.connect({ sender: 'ann', secret: SECRET }),
      await other.connect({ sender: 'ann', secret: SECRET }),
    ];
    const { id } = await here.store({ text: 'the spare key lies under the blue stone', session_id: 's' });
    const { contexts } = await there.query({ query: 'where is the spare key?', session_id: 's' });
    expect(contexts.map((context) => context.id)).toEqual([id]);
    await there.update({ id, text: 'the spare key lies with the neighbour' });
    expect(await here.get({ id })).toMatchObject({ context: { text: 'the spare key lies with the neighbour' } });
    await Promise.all([here.close(), there.close()]);
  });

  it('lose nothing that was acknowledged when one is killed under load, and hold nothing twice', async () => {
    const acknowledged = new Set<string>();
    const addresses = [one, other].map(({ port }) => `127.0.0.1:${port}`);
    const client = await connect({ addresses, keyId: 'default', secret: SECRET, sender: 'writer' });
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; i < STORES; i++) {
        const { id } = await client.store({ text: `note ${i} of writer ${writer}`, session_id: `s${writer}` });
        acknowledged.add(id);
        if (acknowledged.size === 60) one.kill('SIGKILL');
      }
    };
    // Nobody is told of it: the client goes to the other server, and stores there what was not acknowledged.
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    expect(await one.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(acknowledged.size).toBe(WRITERS * STORES);
    const listed: string[] = [];
    for await (const { id } of client.list({})) listed.push(id);
    expect(listed.toSorted()).toEqual([...acknowledged].toSorted());
    await client.close();
  });
});
