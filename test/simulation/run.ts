import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { shrink } from './shrink.ts';
import { simulate, type Failure, type SimulationOptions, type SimulationReport } from './simulation.ts';
import { withStore } from './stores.ts';

const HELP = `Usage: npm run simulate -- [--seed S] [--steps N] [--rounds R] [--store memory|embedded] [--only 3,7,...] [--trace]

A server and clients of the SDK in one process, over a network and on clocks that a seed decides: bytes come late, split or not at
all, connections are cut, stalled and tampered with, the server is killed or stopped, its store fails, clocks jump. What the server
promises is checked after each step. Ends with 1 where a promise is broken, and tells how to see it again.

  --seed S     the first seed; printed, and chosen by chance by default
  --steps N    of a round; 400 by default
  --rounds R   each with the next seed; 10 by default
  --store      what is behind the server; memory by default. The embedded one has threads of its own, whose time no seed decides:
               the same steps, but not the same bytes
  --only LIST  only these steps, as a failure printed them
  --trace      prints all that happens
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      steps: { type: 'string', default: '400' },
      rounds: { type: 'string' },
      store: { type: 'string', default: 'memory' },
      only: { type: 'string' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const only = values.only?.split(',').map(Number);
  const first = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const steps = Number(values.steps);
  const rounds = Number(values.rounds ?? (only === undefined ? 10 : 1));
  const { store } = values;
  const numbers = [first, steps, rounds, ...(only ?? [])];
  if (!numbers.every(Number.isSafeInteger) || (store !== 'memory' && store !== 'embedded')) throw new Error(HELP);
  print(`seed ${first}, ${rounds} rounds of ${steps} steps, store ${store}\n`);
  const outcomes = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const report = await withStore(store, async (openStore) => {
      const options: SimulationOptions = {
        seed: first + round,
        steps,
        openStore,
        only: only && new Set(only),
        tell: values.trace ? (line) => void print(`${line}\n`) : undefined,
      };
      const done = await simulate(options);
      if (done.failure !== null) await told(options, done.failure, store, only === undefined);
      return done;
    });
    print(line(first + round, report));
    if (report.failure !== null) return 1;
    for (const [outcome, count] of report.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
  }
  const counts = [...outcomes].toSorted().map(([outcome, count]) => `${outcome} ${count}`);
  return print(`${counts.join(', ')}\nno promise was broken\n`);
}

async function told(options: SimulationOptions, failure: Failure, store: string, isWhole: boolean): Promise<void> {
  const { seed, steps } = options;
  print(`FAILED: seed ${seed}, step ${failure.step} (${failure.what})\n`);
  print(`promised: ${failure.promise}\nseen: ${failure.seen}\nbefore it:\n${failure.trace.join('\n')}\n`);
  const again = `npm run simulate -- --seed ${seed} --steps ${steps} --store ${store}`;
  print(`again: ${again} --rounds 1\n`);
  if (!isWhole) return;
  const { only, failure: smaller } = await shrink(options, failure);
  print(`with ${only.length} steps: ${again} --only ${only.join(',')}\nseen: ${smaller.seen}\n`);
}

function line(seed: number, { digest, outcomes, simulatedMs }: SimulationReport): string {
  const requests = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
  return `seed ${seed}: ${requests} requests in ${(simulatedMs / 1000).toFixed(0)} s of its time, digest ${digest.slice(0, 16)}\n`;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exit(await main());
