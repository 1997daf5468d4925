import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Context } from '../../clients/typescript/src/index.ts';
import { runCommand, type CommandOutcome } from './support/command-line.ts';
import { World, type ServerProcess } from './support/processes.ts';

const EXPORTS = fileURLToPath(new URL('../support/foreign-exports/', import.meta.url));
const world = new World();
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  server = await world.serve(world.folder());
  client = await server.connect();
});
afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

const imported = (format: string, file: string, ...more: string[]): Promise<CommandOutcome> =>
  runCommand(server, EXPORTS, ['import', '--format', format, file, '--namespace', format, '--json', ...more]);

async function stored(namespace: string): Promise<Context[]> {
  const found: Context[] = [];
  for await (const context of client.list({ include_past: true, namespace, agent_id: '*' })) found.push(context);
  return found;
}

describe.each([
  ['chatgpt', 'conversations.json', 5, 2],
  ['mem0', 'mem0.json', 2, 1],
  ['zep', 'zep.json', 4, 1],
  ['letta', 'agent.af', 4, 1],
])('an export of %s', (format, file, contexts, failed) => {
  it('is counted without being stored, then stored once, however often it is imported', async () => {
    const dry = await imported(format, file, '--dry-run');
    // As the import itself will end.
    expect(dry.code).toBe(1);
    expect(JSON.parse(dry.stdout)).toMatchObject({ contexts, failed });
    expect(await stored(format)).toEqual([]);

    const first = await imported(format, file);
    expect(first.code).toBe(1);
    expect(JSON.parse(first.stdout)).toEqual({ stored: contexts, already_there: 0, failed });
    expect(JSON.parse(first.stderr)).toMatchObject({ error: { details: { problems: { length: failed } } } });
    const second = await imported(format, file);
    expect(JSON.parse(second.stdout)).toEqual({ stored: 0, already_there: contexts, failed });
    expect(await stored(format)).toHaveLength(contexts);
  });
});

it('keeps times, sessions, and from when until when a fact holds', async () => {
  const [latest] = await stored('chatgpt');
  expect(latest).toMatchObject({ created_at: 1_700_003_001_000, session_id: 'conv-4', level: 'long_term' });
  const facts = (await stored('zep')).filter(({ metadata }) => metadata['kind'] === 'fact');
  const until = Date.parse('2024-10-15T00:00:00Z');
  expect(facts.map((fact) => fact.valid_until)).toEqual([undefined, until]);
});

it('tells people where something could not be read', async () => {
  const { stderr, stdout, code } = await runCommand(server, EXPORTS, [
    'import',
    '--format',
    'chatgpt',
    '--dry-run',
    'conversations.json',
  ]);
  expect(code).toBe(1);
  expect(stderr.slice(0, stderr.indexOf('error:'))).toBe(
    [
      'conversations.json: conversation 2, line 14: its branch leads to a node that is not in `mapping`',
      'conversations.json: conversation 3, line 15: its branch leads in a circle',
      '',
    ].join('\n'),
  );
  expect(stdout).toMatch(/^5 to store, 2 sessions, 1 agents, from 2023-11-14T.*, 2 cannot be stored\n$/);
});

it('reads all lines of a dry run, and tells by its exit code whether all can be stored', async () => {
  const folder = world.folder();
  const dryRun = async (...lines: string[]): Promise<[number | null, unknown]> => {
    await writeFile(join(folder, 'lines.jsonl'), lines.join('\n'));
    const { code, stdout } = await runCommand(server, folder, ['import', '--dry-run', '--json', 'lines.jsonl']);
    return [code, JSON.parse(stdout)];
  };
  const [good, bad] = ['{"text":"good"}', '{"text":5}'];
  expect(await dryRun(good, good)).toMatchObject([0, { contexts: 2, failed: 0 }]);
  expect(await dryRun(good, bad, good, bad)).toMatchObject([1, { contexts: 2, failed: 2 }]);
});
