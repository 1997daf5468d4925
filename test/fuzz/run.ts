import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  FuzzRun,
  fromReplay,
  replayOf,
  smallest,
  TARGETS,
  withWorld,
  type FuzzFailure,
  type FuzzFigures,
} from './support/fuzz-run.ts';

const HELP = `Usage: npm run fuzz -- [--seconds N] [--inputs N] [--seed S] [--target name,...]

Sends a server in this process what nobody should: frames, bodies and requests that were changed byte by byte, and payloads
that keep their schema, nearly or not at all. Ends with 1 where something crashes, hangs, is answered without a code, is
taken for a defect by the server, or memory grows by more than 100 MB. Growth is counted from the first
100,000 inputs on, after everything that nobody needs has been given back to the system.

  --seconds N      how long (60)
  --inputs N       or how many frames and bodies
  --seed S         the same cases again (any)
  --case N         of a seed this case alone
  --replay TEXT    what a failure printed
  --target a,b     only these: ${TARGETS.map(({ name }) => name).join(', ')}
`;
const GROWTH_MIB_MAX = 100;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      inputs: { type: 'string' },
      seed: { type: 'string' },
      case: { type: 'string' },
      replay: { type: 'string' },
      target: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const names = values.target?.split(',');
  const targets = TARGETS.filter(({ name }) => names?.includes(name) ?? true);
  const inputsMax = values.inputs === undefined ? Infinity : Number(values.inputs);
  const secondsMax = Number(values.seconds ?? (values.inputs === undefined ? 60 : Infinity));
  print(`seed ${seed}\n`);
  return withWorld(async (world) => {
    const note = (figures: FuzzFigures): void => void process.stderr.write(`${progress(figures)}\n`);
    const run = new FuzzRun(world, { seed, targets, secondsMax, inputsMax, note });
    const failure = await (values.replay !== undefined
      ? run.inputs(...replayed(values.replay))
      : values.case !== undefined
        ? run.case(Number(values.case))
        : run.run());
    const figures = run.figures();
    print(table(figures));
    if (failure !== null) return told(await smallest(failure), seed);
    const grownMib = figures.after.residentMib - figures.before.residentMib;
    if (grownMib <= GROWTH_MIB_MAX) return print('nothing failed\n');
    print(`memory grew by ${grownMib} MB\n`);
    return 1;
  });
}

function replayed(text: string): Parameters<FuzzRun['inputs']> {
  const { target, inputs } = fromReplay(text);
  return [target, inputs];
}

function told(failure: FuzzFailure, seed: number): number {
  const { target, caseNumber, reason } = failure;
  print(
    `FAILED: ${target}, case ${caseNumber}: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`,
  );
  print(`again: npm run fuzz -- --seed ${seed} --case ${caseNumber}\n`);
  print(`or: npm run fuzz -- --replay ${replayOf(failure)}\n`);
  return 1;
}

function progress({ inputs, after }: FuzzFigures): string {
  return `${inputs} inputs, ${after.residentMib} MB resident, ${after.usedMib} MB in use`;
}

function table(figures: FuzzFigures): string {
  const { cases, inputs, byTarget, before, after } = figures;
  const rows = [...byTarget].map(([name, { inputs: sent, outcomes }]) => {
    const answers = [...outcomes].toSorted(([, one], [, other]) => other - one);
    return `${name.padEnd(11)} ${String(sent).padStart(9)}  ${answers.map(([code, n]) => `${code} ${n}`).join(', ')}`;
  });
  const memory = (of: typeof before): string => `${of.residentMib} MB resident, ${of.usedMib} MB in use`;
  return `${rows.join('\n')}\n${inputs} inputs in ${cases} cases; memory ${memory(before)} before, ${memory(after)} after\n`;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exit(await main());
