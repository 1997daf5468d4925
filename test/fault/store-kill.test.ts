import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { idOf, NOW_MS, searchIn, searchOf, termsOf } from '../contract/store-samples.ts';
import { openAt, temporaryFolder } from './store-setup.ts';

const ROUNDS = 4;
const WRITER = new URL('./store-writer.ts', import.meta.url).pathname;

/** Runs a writer until it is killed; gives what it had been acknowledged. */
async function killedWriter(folder: string, round: number, aliveMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const first = once(lines, 'line');
  lines.on('line', (line) => acknowledged.push(line));
  const closed = once(lines, 'close');
  await first;
  await sleep(aliveMs);
  child.kill('SIGKILL');
  await closed;
  return acknowledged;
}

describe('kill -9', () => {
  it('loses nothing that was acknowledged', async () => {
    const folder = await temporaryFolder();
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      acknowledged.push(...(await killedWriter(folder, round, 40 + 70 * round)));
      const store = await openAt(folder, { indexingThreshold: 50 });
      const records = await store.fetch('space', acknowledged.map(idOf), NOW_MS);
      const lost = acknowledged.filter((_, i) => records[i] === null);
      expect(lost).toEqual([]);
      const { counts } = await store.stats('space');
      const { searched } = await searchIn(store, searchOf({ terms: termsOf('text'), levels: ['immediate'] }));
      expect(searched).toBe(counts.immediate);
      await store.close();
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  });
});
