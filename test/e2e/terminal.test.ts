import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../clients/typescript/src/index.ts';
import { cliVariables, World, type Ended, type ServerProcess, type Variables } from './support/processes.ts';

// The command line as people use it: in a terminal (that of util-linux' `script`), with a real server behind it.

const EXAMPLE = fileURLToPath(new URL('../../examples/conversation.jsonl', import.meta.url));
const QUESTION = 'what is the order number of the damaged espresso machine?';
const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;
const hasBash = spawnSync('bash', ['-c', 'true']).status === 0;
// eslint-disable-next-line no-control-regex
const ESCAPE = /\u001b/;

const world = new World();
let folder: string;
let server: ServerProcess;

beforeAll(async () => {
  folder = world.folder();
  server = await world.serve(folder);
  expect(await cli('import', EXAMPLE)).toMatchObject({ code: 0 });
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

describe.runIf(hasTerminal)('in a terminal', () => {
  const inTerminal = (args: string[], variables: Variables = {}): Promise<Ended> =>
    world.runInTerminal(args, folder, { ...cliVariables(server), ...variables });

  it('the first example shows the order number that it asks for, within the width', async () => {
    const { stdout, code } = await inTerminal(['query', QUESTION], { NO_COLOR: '1' });
    expect(code).toBe(0);
    expect(stdout.split('\n\n')[0]).toMatch(/^1 {2}0\.\d\d {2}long_term {2}2025-09-03 09:18\n[^]*HB-48213\.$/);
    expect(stdout).not.toMatch(ESCAPE);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('the words that were asked for stand out', async () => {
    const { stdout } = await inTerminal(['query', QUESTION, '--limit', '1']);
    expect(stdout).toContain('\u001b[1m\u001b[33morder\u001b[39m\u001b[22m');
  });

  it('--explain draws a line for each candidate', async () => {
    const { stdout } = await inTerminal(['query', QUESTION, '--limit', '2', '--explain'], { NO_COLOR: '1' });
    const lines = stdout.slice(stdout.indexOf('outcome')).trim().split('\n').slice(1);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines[0]).toMatch(/^included +0\.\d{3} {2}█+[▏▎▍▌▋▊▉]? +Marta Lindqvist: Found it/);
    expect(lines.filter((line) => /^(over_limit|below_threshold|duplicate) +0\.\d{3} /.test(line)).length).toBe(
      lines.length - 2,
    );
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('deleting by filter asks, and does only what it was told', async () => {
    for (const tag of ['draft', 'draft', 'kept']) await json('store', `a ${tag}`, '--namespace', 't1', '--tag', tag);
    const remove = (answer: string): Promise<Ended> =>
      world.runInTerminal(['delete', '--namespace', 't1', '--tag', 'draft'], folder, cliVariables(server), {
        question: 'Delete 2 contexts? [y/N]',
        answer,
      });
    expect(await remove('n\n')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('nothing was deleted') as string,
    });
    expect(await json('list', '--namespace', 't1')).toHaveLength(3);
    expect(await remove('y\n')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('deleted 2 contexts') as string,
    });
    expect(await json('list', '--namespace', 't1')).toMatchObject([{ tags: ['kept'] }]);
  });
});

describe('elsewhere', () => {
  it('a context is one line, without colours unless they are forced', async () => {
    const plain = await cli('query', QUESTION, '--limit', '1');
    expect(plain.stdout).toMatch(/^1 {2}0\.\d\d .*HB-48213\.\n/);
    expect(plain.stdout).not.toMatch(ESCAPE);
    const forced = await world.run(['query', QUESTION], folder, { ...cliVariables(server), FORCE_COLOR: '1' });
    expect(forced.stdout).toMatch(ESCAPE);
  });

  it('nothing is deleted by filter without --yes, and --dry-run only counts', async () => {
    const { id } = await json<{ id: string }>('store', 'a text', '--namespace', 't2', '--session', 's');
    const given = ['delete', '--namespace', 't2', '--session', 's', '--since', '1h'];
    const refused = await cli(...given);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') as string });
    expect(await json(...given, '--dry-run')).toEqual({ would_delete: 1 });
    expect(await json(...given, '--before', '1h', '--dry-run')).toEqual({ would_delete: 0 });
    expect(await json('get', id, '--namespace', 't2')).toMatchObject({ id });
    expect(await json(...given, '--yes')).toEqual({ deleted: 1 });
  });

  it('clears a level of one namespace', async () => {
    await json('store', 'one', '--namespace', 't3', '--level', 'short_term');
    await json('store', 'two', '--namespace', 't3', '--level', 'long_term');
    expect((await cli('clear', 'short_term', '--namespace', 't3')).code).toBe(2);
    expect(await json('clear', 'short_term', '--namespace', 't3', '--dry-run')).toEqual({ would_delete: 1 });
    expect(await json('clear', 'short_term', '--namespace', 't3', '--yes')).toEqual({ deleted: 1 });
    expect(await json('list', '--namespace', 't3')).toMatchObject([{ text: 'two' }]);
  });

  it('updates what is given, and only the version that was meant', async () => {
    const { id } = await json<{ id: string }>('store', 'one', '--namespace', 't4', '--tag', 'a', '--ttl', '7d');
    const change = (...args: string[]): string[] => ['update', id, '--namespace', 't4', ...args];
    const changed = await json<{ expires_at: number; created_at: number }>(
      ...change('--text', 'two', '--level', 'long_term', '--ttl', '1h', '--if-version', '1'),
    );
    expect(changed).toMatchObject({ text: 'two', level: 'long_term', tags: ['a'], version: 2 });
    expect(changed.expires_at - changed.created_at).toBeLessThan(2 * 3_600_000);
    expect(await json(...change('--clear-tags', '--metadata', '{"a":1}'))).toMatchObject({
      tags: [],
      metadata: { a: 1 },
    });
    const late = await cli(...change('--text', 'three', '--if-version', '1'));
    expect(late).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: CONFLICT/) as string });
    expect((await cli(...change('--tag', 'b'))).stdout).toMatch(/tags +b\n[^]*\ntwo\n$/);
  });

  it('lists namespaces, and ends lifetimes by hand', async () => {
    await json('store', 'one', '--namespace', 't5', '--ttl-ms', '1');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await json('gc')).toEqual({ deleted: 1, promoted: 0 });
    expect((await cli('namespaces')).stdout).toMatch(
      /^namespace +immediate +short_term +long_term\ndefault +0 +0 +77\n/,
    );
    expect(await json('namespaces')).toContainEqual({
      namespace: 'default',
      counts: { immediate: 0, short_term: 0, long_term: 77, total: 77 },
    });
  });

  it('lists what has a tag, from a time to a time', async () => {
    await json('store', 'one', '--namespace', 't6', '--tag', 'a', '--tag', 'b');
    await json('store', 'two', '--namespace', 't6', '--tag', 'a');
    const texts = async (...args: string[]): Promise<string[]> =>
      (await json<{ text: string }[]>('list', '--namespace', 't6', ...args)).map(({ text }) => text);
    expect(await texts('--tag', 'a')).toEqual(['two', 'one']);
    expect(await texts('--tag', 'a', '--tag', 'b')).toEqual(['one']);
    expect(await texts('--before', '1h')).toEqual([]);
    expect(await json('query', 'one', '--namespace', 't6', '--tag', 'b')).toMatchObject({
      contexts: [{ text: 'one' }],
    });
    expect(await json('query', 'one', '--namespace', 't6', '--before', '1h')).toMatchObject({ contexts: [] });
  });
});

describe('a connection URL', () => {
  const secretFile = (): string => join(server.dataDir, 'secret');
  const urlWith = (secret: string, hosts = `127.0.0.1:${server.port}`): string =>
    `context-manager://default:${secret}@${hosts}`;
  const ping = (args: string[], variables: Variables): Promise<Ended> =>
    world.run(['ping', '--json', ...args], folder, variables);

  it('names server, key and secret by its variable, also as the second of several servers', async () => {
    const secret = readFileSync(secretFile(), 'utf8').trim();
    expect(await ping([], { CONTEXT_MANAGER_URL: urlWith(secret) })).toMatchObject({ code: 0, stderr: '' });
    const several = urlWith(secret, `127.0.0.1:1,127.0.0.1:${server.port}`);
    expect(await ping([], { CONTEXT_MANAGER_URL: several })).toMatchObject({ code: 0, stderr: '' });
    const client = await connect(several);
    expect((await client.ping()).healthy).toBe(true);
    await client.close();
  });

  it('is warned about where its secret is typed, and is not beside a host', async () => {
    const secret = readFileSync(secretFile(), 'utf8').trim();
    const typed = await ping(['--url', urlWith(secret)], {});
    expect(typed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('everyone on this machine can see') as string,
    });
    expect(typed.stderr).not.toContain(secret);
    const filed = ['--url', `context-manager://default@127.0.0.1:${server.port}`, '--secret-file', secretFile()];
    expect(await ping(filed, {})).toMatchObject({ code: 0, stderr: '' });
    expect(await ping([...filed, '--port', '1'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give either --url') as string,
    });
    const wrong = await ping(['--url', 'http://default:topsecret@h'], {});
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--url must be context-manager://') as string,
    });
    expect(wrong.stderr).not.toContain('topsecret');
  });
});

describe('serve', () => {
  it('takes port, data folder and a file of settings as options, before the environment', async () => {
    const other = world.folder();
    writeFileSync(join(other, 'mine.toml'), '[logging]\nlevel = "error"\n[hirag]\nl1_size = 7\n');
    const args = [
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--http-port',
      '0',
      '--data-dir',
      'elsewhere',
      '--config',
      'mine.toml',
    ];
    const running = await world.serve(
      other,
      { SERVER__PORT: '1', SERVER__HTTP_PORT: '1', CONFIG_PATH: 'absent.toml' },
      {},
      args,
    );
    expect(running.dataDir).toBe(join(other, 'elsewhere'));
    expect(running.port).toBeGreaterThan(1);
    expect(await running.end('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
    const refused = await world.run(['serve', '--port', '70000'], other);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('`server.port`') as string });
  });
});

describe.runIf(hasBash)('completion in bash', () => {
  it.each([
    ['context-manager que', ['query']],
    ['context-manager query --exp', ['--explain']],
    ['context-manager circuit r', ['reset']],
    ['context-manager circuit reset v', ['vector_db']],
    ['context-manager migrate --from q', ['qdrant']],
    ['context-manager clear s', ['short_term']],
    ['context-manager import exam', []],
    ['context-manager query --filter --ex', []],
  ])('of `%s`', async (line, expected) => {
    const { stdout: script } = await world.run(['completion', 'bash'], folder);
    const words = line.split(' ').map((word) => `'${word}'`);
    const asked = `${script}\nCOMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _context_manager; echo "\${COMPREPLY[*]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', asked], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: `${expected.join(' ')}\n`, stderr: '' });
  });

  it.each(['bash', 'zsh', 'fish'])('for %s names every command', async (shell) => {
    const { stdout: help } = await world.run(['--help'], folder);
    const commands = [...help.matchAll(/^ {2}([a-z]+) .*\S/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
    expect(commands).toContain('query');
    const { stdout } = await world.run(['completion', shell], folder);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`[ ']${command}[ ')]`));
  });
});
