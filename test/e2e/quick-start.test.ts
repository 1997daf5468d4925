import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContextQueryReply } from '../../clients/typescript/src/index.ts';
import { cliVariables, World, type Ended, type ServerProcess } from './support/processes.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/conversation.jsonl', import.meta.url));
const turnCount = readFileSync(EXAMPLE, 'utf8').trim().split('\n').length;

const world = new World();
let folder: string;
let server: ServerProcess;

beforeAll(async () => {
  folder = world.folder();
  server = await world.serve(folder);
});
afterAll(() => world.cleanUp());

function cli(...args: string[]): Promise<Ended> {
  return world.run(args, folder, cliVariables(server));
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await cli(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

describe('the first start', () => {
  it('makes a secret that only its owner can read, and never writes it down elsewhere', async () => {
    const path = join(folder, 'data', 'secret');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const secret = readFileSync(path, 'utf8').trim();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    const other = await world.serve(world.folder(), { LOGGING__LEVEL: 'debug' });
    const { stdout, stderr, code } = await other.end('SIGTERM');
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(readFileSync(join(other.dataDir, 'secret'), 'utf8').trim());
  });

  it('says where it listens, where the data are and what to try next', async () => {
    const other = world.folder();
    const terminal = await world.serveInTerminal(other);
    const { said } = terminal;
    expect(said).toMatch(/listening +127\.0\.0\.1:\d+\n/);
    expect(said).toContain(join(other, 'data'));
    expect(said).toMatch(/try next +npx context-manager store .* --port \d+/);
    expect((await terminal.end('SIGINT')).code).toBe(0);
  });

  it('is healthy over HTTP, and counts', async () => {
    const base = `http://127.0.0.1:${server.httpPort}`;
    expect(await (await fetch(`${base}/health`)).json()).toMatchObject({
      phase: 'running',
      components: { vector_database: { status: 'healthy' }, embedding: { status: 'healthy' } },
    });
    expect((await fetch(`${base}/health/readiness`)).status).toBe(200);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('context_manager_connections_total');
  });
});

describe('the example conversation', () => {
  it('is imported, whole and once', async () => {
    expect(await json('import', EXAMPLE)).toEqual({ stored: turnCount, already_there: 0, failed: 0 });
    expect(await json('import', EXAMPLE)).toEqual({ stored: 0, already_there: turnCount, failed: 0 });
    expect(await json('stats')).toMatchObject({ counts: { immediate: 0, short_term: 0, long_term: turnCount } });
  });

  it.each([
    ['what is the order number of the damaged espresso machine?', 'HB-48213'],
    ['when does the courier collect the broken machine?', 'Thursday 11 September'],
    ['what is the voucher code?', 'CREMA40'],
    ['what is the new address in Berlin?', 'Kastanienallee 58'],
    ['may vinegar be used for descaling?', 'vinegar eats the seals'],
    ['until when does the warranty run?', '9 September 2027'],
  ])('answers %s', async (question, expected) => {
    const { contexts } = await json<ContextQueryReply>('query', question);
    const place = contexts.findIndex(({ text }) => text.includes(expected));
    expect(
      contexts
        .slice(0, 3)
        .map(({ text }) => text)
        .join('\n'),
    ).toContain(expected);
    expect(place).toBeLessThan(3);
  });

  it('puts the right turn first', async () => {
    const { stdout } = await cli('query', 'what is the order number of the damaged espresso machine?');
    expect(stdout.split('\n')[0]).toMatch(/^1 +0\.\d\d +long_term +2025-09-03 09:\d\d +.*HB-48213/);
  });

  it('comes back from an export, to the last field', async () => {
    const file = join(folder, 'export.jsonl');
    expect(await json('export', file)).toEqual({ exported: turnCount });
    expect(await json('import', '--namespace', 'copy', file)).toEqual({
      stored: turnCount,
      already_there: 0,
      failed: 0,
    });
    const again = await cli('export', '--namespace', 'copy');
    expect(again.stdout.replaceAll('"namespace":"copy"', '"namespace":"default"')).toBe(readFileSync(file, 'utf8'));
    expect(again.stderr).toContain(`exported ${turnCount} contexts`);
  });
});

describe('the command line', () => {
  it('stores, gets, lists and deletes', async () => {
    const stored = await json<{ id: string; level: string; created: boolean }>(
      'store',
      'The customer wants invoices by post',
      '--namespace',
      'n1',
      '--tag',
      'billing',
      '--metadata',
      '{"customer":7}',
    );
    expect(stored).toMatchObject({ level: 'immediate', created: true });
    const context = await json<object>('get', stored.id, '--namespace', 'n1');
    expect(context).toMatchObject({ agent_id: 'cli', tags: ['billing'], metadata: { customer: 7 } });
    expect(await json('list', '--namespace', 'n1')).toEqual([context]);
    const found = await cli('query', 'invoices by post', '--namespace', 'n1');
    expect(found.stdout).toContain('The customer wants invoices by post');
    expect((await cli('delete', stored.id, '--namespace', 'n1')).stdout).toBe('deleted 1 context\n');
    const gone = await cli('get', stored.id, '--namespace', 'n1');
    expect(gone).toMatchObject({ code: 1, stdout: '' });
    expect(gone.stderr).toMatch(/^error: NOT_FOUND: .*\n {2}Check the id/);
  });

  it('reads a text from standard input, and deletes by filter', async () => {
    const text = 'first line\nsecond line — ünïcode';
    const args = [
      'store',
      '-',
      '--namespace',
      'n2',
      '--session',
      's1',
      '--agent',
      'a1',
      '--level',
      'short_term',
      '--json',
    ];
    const { stdout } = await world.run(args, folder, cliVariables(server), `${text}\n`);
    const { id } = JSON.parse(stdout) as { id: string };
    expect(await json('get', id, '--namespace', 'n2')).toMatchObject({
      text,
      session_id: 's1',
      agent_id: 'a1',
      level: 'short_term',
    });
    expect(await json('query', 'second line', '--namespace', 'n2', '--agent', 'a2')).toMatchObject({ contexts: [] });
    const filter = '{"must":[{"key":"session_id","match":{"value":"s1"}}]}';
    expect(await json('delete', '--namespace', 'n2', '--filter', filter, '--yes')).toEqual({ deleted: 1 });
  });

  it('names bad lines of an import, and goes on where it is told to', async () => {
    const lines = ['{"text":"one"}', '{"txt":"two"}', '{"text":"three","tags":[""]}', '{"text":"four"}'].join('\n');
    const piped = (...more: string[]): Promise<Ended> =>
      world.run(['import', '-', '--namespace', 'n3', '--json', ...more], folder, cliVariables(server), lines);
    const stopped = await piped();
    expect(stopped.code).toBe(1);
    expect(JSON.parse(stopped.stdout)).toEqual({ stored: 1, already_there: 0, failed: 1 });
    expect(stopped.stderr).toContain('line 2: unknown field `txt`; did you mean `text`?');
    const skipped = await piped('--skip-bad');
    expect(JSON.parse(skipped.stdout)).toEqual({ stored: 1, already_there: 1, failed: 2 });
    expect(skipped.stderr).toMatch(/line 3: .*tags/);
  });

  it('says how to go on where an import is interrupted', async () => {
    const lines = Array.from({ length: 100 }, (_, place) => `{"text":"line ${place}"}\n`).join('');
    const someStored = async (): Promise<void> => {
      const client = await server.connect();
      await expect.poll(async () => (await client.stats({ namespace: 'n9' })).counts.long_term).toBeGreaterThan(0);
      await client.close();
    };
    const ended = await world.runUntil(
      someStored,
      'SIGINT',
      ['import', '-', '--namespace', 'n9'],
      folder,
      cliVariables(server),
      lines,
    );
    expect(ended).toMatchObject({
      code: 130,
      stdout: '',
      stderr: 'interrupted; run the same command again to go on\n',
    });
  });

  it('imports a conversation document', async () => {
    const turns = Array.from({ length: 250 }, (_, place) => ({
      id: `D1:${place}`,
      session: 1,
      date_time: '1:56 pm on 8 May, 2023',
      speaker: 'Ann',
      text: `turn ${place}`,
    }));
    const file = join(folder, 'conversation.json');
    writeFileSync(file, JSON.stringify({ turns }));
    expect(await json('import', file, '--namespace', 'n4', '--level', 'immediate')).toEqual({
      stored: 250,
      already_there: 0,
      failed: 0,
    });
    const { counts } = await json<{ counts: object }>('stats', '--namespace', 'n4');
    expect(counts).toMatchObject({ immediate: 50, short_term: 200, long_term: 0 });
    const [newest] = await json<{ text: string; created_at: number }[]>('list', '--namespace', 'n4', '--limit', '1');
    expect(newest).toMatchObject({ text: 'Ann: turn 249', created_at: Date.UTC(2023, 4, 8, 13, 56, 249) });
  });

  it('tells wrong usage from failure', async () => {
    expect(await cli('query')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('missing required argument') as string,
    });
    const stranger = await world.run(['ping'], folder, { ...cliVariables(server), CONTEXT_MANAGER_KEY_ID: 'nobody' });
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: AUTH_FAILED/) as string });
  });

  it('pings', async () => {
    expect((await cli('ping')).stdout).toMatch(/^healthy, up .* 1 connection, answered in /);
  });
});

describe('doctor', () => {
  interface Report {
    readonly ok: boolean;
    readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly remedy?: string }[];
  }

  it('finds everything well with the server up', async () => {
    const { stdout, code } = await world.run(['doctor', '--json'], folder, {
      ...cliVariables(server),
      SERVER__HTTP_PORT: String(server.httpPort),
    });
    const { ok, checks } = JSON.parse(stdout) as Report;
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      'configuration',
      'keys',
      'exposure',
      'open files',
      'modes',
      'encryption',
      'server',
      'clock',
      'store',
      'http',
      'embedder',
    ]);
    expect({ ok, code }).toEqual({ ok: true, code: 0 });
  });

  it('says what is missing with the server down, and finds the rest well', async () => {
    const other = world.folder();
    const stopped = await world.serve(other);
    const free = { SERVER__PORT: String(stopped.port), SERVER__HTTP_PORT: String(stopped.httpPort) };
    await stopped.end('SIGTERM');
    const { stdout, code } = await world.run(['doctor'], other, free);
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ +server +CONNECTION_FAILED.*\n.*context-manager serve/);
    for (const name of ['configuration', 'keys', 'port', 'http port', 'embedder', 'store'])
      expect(stdout).toMatch(new RegExp(`✓ +${name} `));
  });

  it('reports a wrong setting with its remedy', async () => {
    const { stdout, code } = await world.run(['doctor'], folder, { ...cliVariables(server), HIRAG__L1_SIZE: '-1' });
    expect(code).toBe(1);
    expect(stdout).toContain('✗  configuration');
    expect(stdout).toContain('`hirag.l1_size` must be between 1 and 10000');
  });
});
