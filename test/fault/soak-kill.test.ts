import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { World } from '../e2e/support/processes.ts';
import { checkFolder } from '../support/acknowledged/check-folder.ts';
import type { ContextWriter } from '../support/acknowledged/context-writer.ts';
import { killSoak } from '../support/acknowledged/kill-soak.ts';

const world = new World();
afterEach(() => world.cleanUp());

/** More of them: npm run soak:kill -- --rounds 200 */
const ROUNDS = 2;
const SEED = Number(process.env['SOAK_SEED'] ?? randomInt(2 ** 31));

it(`kills lose, double and bring back nothing that was acknowledged; and what is broken by hand is found [seed ${SEED}]`, async () => {
  let broken: string[] = [];
  let dataDir = '';
  const findings = await killSoak({
    rounds: ROUNDS,
    seed: SEED,
    world,
    onRound: (_, { faults }) => expect(faults).toEqual([]),
    async beforeLastCheck(server, writers) {
      dataDir = server.dataDir;
      const client = await server.connect({ namespace: 'notes' });
      const [lost, changed] = writers.flatMap((writer) => writer.ids()) as [string, string];
      await client.delete({ id: lost });
      await client.update({ id: changed, tags: ['by hand'] });
      const foreign = randomUUID();
      await client.store({ id: foreign, agent_id: 'wa', text: 'stored by hand' });
      broken = [`lost ${lost}`, `doubled ${changed}`, `doubled ${foreign}`];
      const [gone] = (writers[0] as ContextWriter).goneIds();
      if (gone !== undefined) {
        await client.store({ id: gone, agent_id: 'wa', text: 'brought back by hand' });
        broken.push(`resurrected ${gone}`);
      }
      await client.close();
    },
  });
  const { acknowledged, faults } = findings;
  expect(acknowledged.store).toBeGreaterThan(0);
  for (const one of broken) {
    const [fault = '', id = ''] = one.split(' ');
    expect(
      faults.some((found) => found.fault === fault && found.what.includes(id)),
      one,
    ).toBe(true);
  }

  expect(checkFolder(dataDir)).toEqual([]);
  const database = new DatabaseSync(join(dataDir, DATABASE_FILE));
  database.exec('DELETE FROM vectors WHERE seq = (SELECT min(seq) FROM vectors)');
  database.exec('DELETE FROM document_terms');
  database.close();
  expect(checkFolder(dataDir).map((what) => what.split(':')[0])).toEqual([
    'a context without a vector',
    'terms of documents without their row',
  ]);
});
