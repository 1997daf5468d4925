import { parseArgs } from 'node:util';
import { encryption } from './scenarios/encryption.ts';
import { gateway } from './scenarios/gateway.ts';
import { growth } from './scenarios/growth.ts';
import { hostile } from './scenarios/hostile.ts';
import { idleConnections } from './scenarios/idle-connections.ts';
import { indexing } from './scenarios/indexing.ts';
import { isolation } from './scenarios/isolation.ts';
import { million } from './scenarios/million.ts';
import { mixed } from './scenarios/mixed.ts';
import { namespaces } from './scenarios/namespaces.ts';
import { ping } from './scenarios/ping.ts';
import { python } from './scenarios/python.ts';
import { qdrant } from './scenarios/qdrant.ts';
import { query } from './scenarios/query.ts';
import { sizing } from './scenarios/sizing.ts';
import { snapshot } from './scenarios/snapshot.ts';
import { store } from './scenarios/store.ts';
import { tls } from './scenarios/tls.ts';
import { toJson, toTable, type Row } from './support/report.ts';
import { runScenarios } from './support/run-scenarios.ts';
import type { Scenario } from './support/scenario.ts';

/** `query` and `growth` share their data and stand next to each other. */
const SCENARIOS: readonly Scenario[] = [
  ping,
  python,
  store,
  mixed,
  idleConnections,
  hostile,
  isolation,
  namespaces,
  gateway,
  query,
  growth,
  indexing,
  snapshot,
  encryption,
  tls,
  qdrant,
  sizing,
  million,
];
/** A quick run prints what it has by then. */
const QUICK_MS = 55_000;

const HELP = `Usage: node bench/main.ts [--quick] [--full] [--json] [--only name,...]

Measures a real server, in a process of its own, against floors in the same run.

  --quick        smaller and shorter, at most 60 s in all; the names say how much smaller
  --full         also those that run only on request
  --only a,b     only these
  --json         [{name, value, unit, floor, ratio, target, met}] instead of the table

${SCENARIOS.map(({ name, about, fullDuration, onRequest }) => `  ${name.padEnd(10)} ${about} (${fullDuration}${onRequest ? ', on request' : ''})`).join('\n')}
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { rows, failures, cutOff } = await runScenarios(choose(values), {
    quick: values.quick,
    ...(values.quick ? { endsWithinMs: QUICK_MS } : {}),
    note: (message) => void process.stderr.write(`${message}\n`),
  });
  print(rows, values.json);
  if (cutOff.length > 0) process.stderr.write(`not measured, the time was over: ${cutOff.join(', ')}\n`);
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  // Whatever a scenario that was cut off left behind must not keep the process.
  process.exit(failures.length === 0 ? 0 : 1);
}

function choose({
  only,
  full,
  quick,
}: {
  only?: string | undefined;
  full: boolean;
  quick: boolean;
}): readonly Scenario[] {
  if (only === undefined)
    return SCENARIOS.filter(
      ({ onRequest, needs = [] }) =>
        (onRequest !== true || (full && !quick)) && needs.every((name) => (process.env[name] ?? '') !== ''),
    );
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0)
    throw new Error(
      `no such scenario: ${unknown.join(', ')}; there are ${SCENARIOS.map(({ name }) => name).join(', ')}`,
    );
  return SCENARIOS.filter(({ name }) => names.includes(name));
}

function print(rows: readonly Row[], json: boolean): void {
  process.stdout.write(`${json ? toJson(rows) : toTable(rows)}\n`);
}

await main();
