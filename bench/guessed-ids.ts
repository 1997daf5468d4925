import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, ContextManagerError, type Client } from '../clients/typescript/src/index.ts';
import { toSettings } from '../src/config/settings.ts';
import { startServer } from '../src/main.ts';

const USAGE = `Usage: npm run bench:ids -- [--rounds 4000] [--json]

Has a key guess ids with \`context.get\` that its own namespace does not have, by turns such that another namespace has and such that
nobody has, and shows how long the answers take: whether the one kind can be told from the other by its time.
`;
const CONTEXTS = 2000;
const WARM_UP = 500;

/** Microseconds. */
interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly mean: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(USAGE);
else await main(Number(values.rounds));

async function main(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'guessed-ids-'));
  const secret = randomBytes(32).toString('hex');
  const keyOf = (id: string) => ({ id, secret, scopes: ['read', 'write'] as const, namespaces: [id] });
  const server = await startServer({
    settings: toSettings({ server: { port: 0, http_port: 0 }, vector_db: { data_dir: folder } }),
    keys: ['own', 'foreign'].map(keyOf),
  });
  const dial = (keyId: string): Promise<Client> =>
    connect({ host: '127.0.0.1', port: server.port, keyId, secret, sender: 'guess' });
  const [own, foreign] = [await dial('own'), await dial('foreign')];
  try {
    const existing = Array.from({ length: CONTEXTS }, () => randomUUID());
    for (const client of [own, foreign])
      for (let from = 0; from < CONTEXTS; from += 500)
        await client.storeBatch({
          contexts: existing.slice(from, from + 500).map((id, place) => ({
            id: client === foreign ? id : randomUUID(),
            text: `a text about matter ${from + place}`,
          })),
        });
    const [ofOthers, ofNobody]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds + WARM_UP; round++) {
      const id = existing[round % CONTEXTS] ?? '';
      // Whoever comes first finds the caches colder: by turns.
      const turns = [
        [ofOthers, id],
        [ofNobody, randomUUID()],
      ] as const;
      for (const [times, guessed] of round % 2 === 0 ? turns : turns.toReversed()) {
        const us = await timed(own, guessed);
        if (round >= WARM_UP) times.push(us);
      }
    }
    tell(rounds, spreadOf(ofOthers), spreadOf(ofNobody));
  } finally {
    await Promise.all([own.close(), foreign.close()]);
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(client: Client, id: string): Promise<number> {
  const startedMs = performance.now();
  try {
    await client.get({ id });
  } catch (error) {
    if (error instanceof ContextManagerError && error.code === 'NOT_FOUND')
      return (performance.now() - startedMs) * 1000;
    throw error;
  }
  throw new Error(`the id ${id} was found in a namespace that does not have it`);
}

function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { median: at(0.5), p95: at(0.95), mean: times.reduce((sum, time) => sum + time, 0) / times.length };
}

function tell(rounds: number, others: Spread, nobody: Spread): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ rounds, id_of_others_us: others, id_of_nobody_us: nobody })}\n`);
    return;
  }
  const row = (name: string, { median, p95, mean }: Spread): string =>
    `| ${name} | ${median.toFixed(1)} | ${p95.toFixed(1)} | ${mean.toFixed(1)} |\n`;
  process.stdout.write(
    `| ${rounds} guesses each, microseconds | median | p95 | mean |\n| --- | --- | --- | --- |\n${row('an id of another namespace', others)}${row('an id of nobody', nobody)}`,
  );
}
