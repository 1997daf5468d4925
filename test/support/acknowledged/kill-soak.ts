import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../clients/typescript/src/index.ts';
import type { ServerProcess, World } from '../../e2e/support/processes.ts';
import { SeededRandom } from '../seeded-random.ts';
import { checkFolder } from './check-folder.ts';
import { ContextWriter } from './context-writer.ts';
import { type Acknowledger, Findings } from './findings.ts';
import { Speaker } from './speaker.ts';
import { Teller } from './teller.ts';

export interface KillSoakOptions {
  readonly rounds: number;
  /** Decides what is written and when the kills come; what the server is at then, it does not. */
  readonly seed: number;
  readonly world: World;
  /** Told after each round. */
  readonly onRound?: (round: number, findings: Findings) => void;
  /** Before the last check: what a test breaks must be found. */
  readonly beforeLastCheck?: (server: ServerProcess, writers: readonly ContextWriter[]) => Promise<void>;
}

/** Nothing leaves a level by itself, and an index is built as early as can be. */
const SETTINGS = {
  HIRAG__L2_SIZE: '100000',
  VECTOR_DB__INDEXING_THRESHOLD: '1000',
  VECTOR_DB__VECTOR_SIZE: '128',
  WINDOW__MAX_TOKENS: '600',
};
const ALIVE_MS_MAX = 1_000;
/** So many are acknowledged before the wait for the kill begins. */
const EFFECTS_MIN = 30;
/** Of so many rounds one has a server that is killed while it starts. */
const STARTS_KILLED = 4;
const START_MS_MAX = 700;
/** A session and a name that have grown long make room for others. */
const ROUNDS_OF_A_NAME = 4;
/** All that was ever acknowledged is checked every so many rounds and at the end; else what is still at work. */
const ROUNDS_BETWEEN_LOOKS = 20;
const WRITERS = ['wa', 'wb', 'wc'];
/** Of the writers alone: sessions keep contexts of their own. */
const NOTES = 'notes';

/**
 * Writers with acknowledged effects over a server that is killed again and again; after each start every effect is
 * checked, and the folder that the dead one has left.
 */
export async function killSoak(options: KillSoakOptions): Promise<Findings> {
  const { rounds, world, onRound, beforeLastCheck } = options;
  const random = new SeededRandom(options.seed);
  const own = (): SeededRandom => new SeededRandom(random.below(2 ** 32));
  const findings = new Findings();
  const folder = world.folder();
  const writers = WRITERS.map((name) => new ContextWriter(name, own()));
  const retired: Acknowledger[] = [];
  let named: Acknowledger[] = [];
  for (let round = 0; round <= rounds; round++) {
    if (round % ROUNDS_OF_A_NAME === 0) {
      retired.push(...named);
      named = namedOf(`n${round}`, own);
    }
    if (round > 0 && random.below(STARTS_KILLED) === 0)
      await world.serveUntilKilled(folder, SETTINGS, random.below(START_MS_MAX));
    const server = await world.serve(folder, SETTINGS);
    const working = [...writers, ...named];
    const clients = await Promise.all(
      working.map((one) =>
        server.connect({ sender: 'one', ...(one instanceof ContextWriter ? { namespace: NOTES } : {}) }),
      ),
    );
    const isLast = round === rounds;
    if (isLast) await beforeLastCheck?.(server, writers);
    const looksBack = isLast || round % ROUNDS_BETWEEN_LOOKS === 0;
    await checkAll(working, clients, findings);
    if (looksBack) await checkAll(retired, clients.slice(writers.length), findings);
    await checkCounts(clients[0] as Client, writers, findings);
    if (!isLast) await workUntilKilled(server, working, clients, random.below(ALIVE_MS_MAX), findings);
    else await endAll(server, clients, 'SIGTERM');
    for (const what of checkFolder(server.dataDir)) findings.add('torn', what);
    if (!isLast) onRound?.(round + 1, findings);
  }
  return findings;
}

function namedOf(prefix: string, own: () => SeededRandom): Acknowledger[] {
  return [
    new Speaker(`${prefix}a`, `${prefix} of two`, { random: own() }),
    new Speaker(`${prefix}b`, `${prefix} of two`, { random: own() }),
    new Speaker(`${prefix}c`, `${prefix} emptied`, { random: own(), resets: true }),
    new Teller(`Mara${prefix}`, own()),
    new Teller(`Anna${prefix}`, own()),
  ];
}

async function checkAll(all: readonly Acknowledger[], clients: readonly Client[], findings: Findings): Promise<void> {
  for (const [place, one] of all.entries()) await one.check(clients[place % clients.length] as Client, findings);
}

/** The store's own counts, which it keeps beside the rows. */
async function checkCounts(client: Client, writers: readonly ContextWriter[], findings: Findings): Promise<void> {
  const { counts } = await client.stats({ namespace: NOTES });
  const counted = counts.immediate + counts.short_term + counts.long_term;
  const expected = writers.reduce((sum, { size }) => sum + size, 0);
  if (counted !== expected) findings.add('torn', `${counted} contexts are counted, and ${expected} are there`);
}

async function workUntilKilled(
  server: ServerProcess,
  working: readonly Acknowledger[],
  clients: readonly Client[],
  aliveMs: number,
  findings: Findings,
): Promise<void> {
  const unexpected: unknown[] = [];
  let isKilled = false;
  const work = working.map((one, place) =>
    one.work(clients[place] as Client, findings).catch((error: unknown) => {
      if (!isKilled) unexpected.push(error);
    }),
  );
  const enough = findings.total + EFFECTS_MIN;
  while (findings.total < enough && unexpected.length === 0) await sleep(5);
  await sleep(aliveMs);
  isKilled = true;
  await endAll(server, clients, 'SIGKILL');
  await Promise.all(work);
  if (unexpected.length > 0) throw new AggregateError(unexpected, 'a call failed before the kill');
}

async function endAll(server: ServerProcess, clients: readonly Client[], signal: NodeJS.Signals): Promise<void> {
  const ended = server.end(signal);
  await Promise.all(clients.map((client) => client.close({ timeoutMs: 0 })));
  const { signal: by, code, stderr } = await ended;
  if (by !== signal && code !== 0) throw new Error(`the server ended by itself (${by ?? code}): ${stderr}`);
}
