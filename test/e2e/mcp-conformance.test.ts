// The suite of the Model Context Protocol, on the way from HTTP to a tool that `/mcp` has, with the tools, resources and prompts
// that it asks for.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { fixtureServer, type FixtureServer } from './support/mcp-conformance/fixture-server.ts';
import { World } from './support/processes.ts';

const SUITE = fileURLToPath(
  new URL('dist/index.js', import.meta.resolve('@modelcontextprotocol/conformance/package.json')),
);
const SCENARIO_TIMEOUT_MS = 120_000;

/** What is not offered fails: why, CONTRIBUTING says. */
const NOT_OFFERED: Readonly<Record<string, readonly string[]>> = {
  '2026-07-28': [
    'tasks-capability-negotiation',
    'tasks-dispatch-and-envelope',
    'tasks-lifecycle',
    'tasks-mrtr-composition',
    'tasks-mrtr-input',
    'tasks-request-headers',
    'tasks-request-state-removal',
    'tasks-required-task-error',
    'tasks-wire-fields',
  ],
  '2025-11-25': [
    'elicitation-sep1034-defaults',
    'elicitation-sep1330-enums',
    'tools-call-elicitation',
    'tools-call-sampling',
  ],
};

const world = new World();
let client: Client;
let server: FixtureServer;

beforeAll(async () => {
  client = await (await world.serve(world.folder())).connect();
  server = await fixtureServer(client);
});
afterAll(async () => {
  await server.close();
  await client.close();
  await world.cleanUp();
});

/** How many checks each scenario passed and failed. */
async function results(revision: string): Promise<Map<string, { passed: number; failed: number }>> {
  const options = ['--url', server.url, '--requirements', revision, '--timeout', String(SCENARIO_TIMEOUT_MS)];
  const asked = promisify(execFile)(process.execPath, [SUITE, 'server', ...options], { maxBuffer: 64 * 1024 * 1024 });
  // It ends with an error where anything fails.
  const { stdout } = await asked.catch((error: { stdout: string }) => error);
  const lines = stdout.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$/gm);
  return new Map(
    [...lines].map(([, name = '', passed, failed]) => [name, { passed: Number(passed), failed: Number(failed) }]),
  );
}

describe('the suite of the protocol', () => {
  it.concurrent.for([
    { revision: '2026-07-28', scenariosMin: 45, checksMin: 150 },
    { revision: '2025-11-25', scenariosMin: 30, checksMin: 55 },
  ])('passes on $revision, but for what is not offered', async ({ revision, scenariosMin, checksMin }, { expect }) => {
    const found = await results(revision);
    const failing = [...found].filter(([, { failed }]) => failed > 0).map(([name]) => name);
    expect(failing.toSorted()).toEqual(NOT_OFFERED[revision]);
    expect(found.size).toBeGreaterThanOrEqual(scenariosMin);
    expect([...found.values()].reduce((sum, { passed }) => sum + passed, 0)).toBeGreaterThanOrEqual(checksMin);
  });
});
