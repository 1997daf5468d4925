import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { World } from '../e2e/support/processes.ts';
import { killSoak } from '../support/acknowledged/kill-soak.ts';
import type { Fault, Findings } from '../support/acknowledged/findings.ts';

const HELP = `Usage: npm run soak:kill -- [--rounds N] [--seed S]

Writers with acknowledged effects over a server that is killed (SIGKILL) again and again, and started again; after each start
every effect is checked, and the database and its indexes that the dead one has left.

  --rounds N   kills, besides those while a server starts; 20 by default
  --seed S     what is written and when the kills come; printed, and chosen by chance by default
`;
const FAULTS: readonly Fault[] = ['lost', 'doubled', 'resurrected', 'torn'];
const SHOWN_MAX = 20;
const ROUNDS_BETWEEN_LINES = 10;

function figures({ acknowledged }: Findings): string {
  return Object.entries(acknowledged)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const rounds = Number(values.rounds);
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) throw new Error(HELP);
  process.stdout.write(`seed ${seed}, ${rounds} rounds\n`);
  const world = new World();
  process.once('SIGINT', () => void world.cleanUp().then(() => process.exit(130)));
  try {
    const onRound = (round: number, findings: Findings): void => {
      if (round % ROUNDS_BETWEEN_LINES === 0) process.stdout.write(`${round} rounds: ${figures(findings)}\n`);
    };
    const findings = await killSoak({ rounds, seed, world, onRound });
    process.stdout.write(`acknowledged: ${figures(findings)}\n`);
    process.stdout.write(`${FAULTS.map((fault) => `${fault} ${findings.countOf(fault)}`).join(', ')}\n`);
    for (const { fault, what } of findings.faults.slice(0, SHOWN_MAX)) process.stdout.write(`${fault}: ${what}\n`);
    process.exitCode = findings.faults.length === 0 ? 0 : 1;
  } finally {
    await world.cleanUp();
  }
}

await main();
