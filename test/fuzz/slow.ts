import { parseArgs } from 'node:util';
import { withWorld } from './support/fuzz-run.ts';
import { LONG_TEXTS } from './support/long-texts.ts';
import { leastHold, meanMs, Sender } from './support/request-holds.ts';
import { SLOW_FUNCTIONS } from './support/slow-functions.ts';
import { slowRequests } from './support/slow-requests.ts';

const HELP = `Usage: npm run fuzz:slow -- [--only TEXT] [--attempts N] [--all]

Looks for texts and requests that hold up everybody else. Prints milliseconds of processor time: what each part that reads
texts takes of n and of 2n units, their ratio and its longest turn of the event loop; and the longest turn of a server that is
asked for as much as may be. Ends with 1 where time does not grow linearly, or a text holds the event loop for 20 ms.

  --only TEXT      what has this in its name
  --attempts N     the best of so many counts (3)
  --all            each row, not the worst of each part alone
`;
/** As long as a text may be, and half of it. */
const UNITS = 262_144;
const HOLD_MS_MAX = 20;
/** Twice the text, twice the time: more is the machine's noise up to here. */
const RATIO_MAX = 3;
/** What takes less is not compared: compilers and clocks weigh more. */
const COMPARED_MS_MIN = 5;

interface Row {
  readonly part: string;
  readonly name: string;
  readonly figures: string;
  readonly worstMs: number;
  readonly isBad: boolean;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      attempts: { type: 'string', default: '3' },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const attempts = Number(values.attempts);
  const rows = [...(await functionRows(values.only, attempts)), ...(await requestRows(values.only, attempts))];
  const shown = values.all ? rows : worstOf(rows);
  for (const { part, name, figures, isBad } of shown)
    process.stdout.write(`${part.padEnd(24)} ${name.padEnd(24)} ${figures}${isBad ? '   TOO SLOW' : ''}\n`);
  return rows.some(({ isBad }) => isBad) ? 1 : 0;
}

async function functionRows(only: string, attempts: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name: part, work, isServing } of SLOW_FUNCTIONS) {
    for (const [name, make] of Object.entries(LONG_TEXTS)) {
      if (!`${part}: ${name}`.includes(only)) continue;
      const [half, whole] = [make(UNITS / 2), make(UNITS)];
      let [halfMs, wholeMs, ratio] = [0, 0, Infinity];
      for (let attempt = 0; attempt < attempts && ratio > RATIO_MAX; attempt++) {
        halfMs = await meanMs(() => work(half));
        wholeMs = await meanMs(() => work(whole));
        ratio = Math.min(ratio, wholeMs / Math.max(halfMs, 0.01));
      }
      const { longestMs } = await leastHold(() => work(whole), attempts);
      const figures = `n ${shownMs(halfMs)} 2n ${shownMs(wholeMs)} ratio ${ratio.toFixed(1).padStart(4)} longest ${shownMs(longestMs)}`;
      const isSteep = wholeMs > COMPARED_MS_MIN && ratio > RATIO_MAX;
      rows.push({
        part,
        name,
        figures,
        worstMs: isSteep ? Infinity : longestMs,
        isBad: isSteep || (isServing && longestMs > HOLD_MS_MAX),
      });
    }
  }
  return rows;
}

async function requestRows(only: string, attempts: number): Promise<Row[]> {
  const sender = new Sender();
  return withWorld(
    async (world) => {
      const rows: Row[] = [];
      for (const { name: whole, make } of slowRequests(world)) {
        if (!whole.includes(only)) continue;
        const send = await sender.ready(make());
        // What the making left behind is no matter of the request's.
        await new Promise((resolve) => setTimeout(resolve, 20));
        const { longestMs, allMs, outcome } = await leastHold(send, attempts);
        const [part = '', name = ''] = whole.split(': ');
        const figures = `longest ${shownMs(longestMs)} in all ${shownMs(allMs)} answer ${outcome}`;
        rows.push({ part, name, figures, worstMs: longestMs, isBad: longestMs > HOLD_MS_MAX });
      }
      await sender.close();
      for (const defect of world.defects) process.stderr.write(`${defect}\n`);
      return rows;
    },
    await sender.upstreamUrl(),
  );
}

/** The worst of each part, and all that is bad. */
function worstOf(rows: readonly Row[]): Row[] {
  const worst = new Map<string, Row>();
  for (const row of rows) if (row.worstMs >= (worst.get(row.part)?.worstMs ?? 0)) worst.set(row.part, row);
  return rows.filter((row) => row.isBad || worst.get(row.part) === row);
}

function shownMs(ms: number): string {
  return `${ms.toFixed(1)} ms`.padStart(9);
}

process.exit(await main());
