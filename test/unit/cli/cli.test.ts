import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readVersion, run } from '../../../src/cli.ts';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'cm-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(
  args: readonly string[],
  environment: Record<string, string> = {},
  input: Uint8Array = new Uint8Array(0),
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr'): { write(text: string): Promise<void> } => ({
    write(text) {
      written[name] += text;
      return Promise.resolve();
    },
  });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(input);
  }
  const code = await run(
    args,
    { stdin: chunks(), stdout: output('stdout'), stderr: output('stderr'), environment, folder },
    '1.2.3',
  );
  return { code, ...written };
}

const COMMANDS = [
  'serve',
  'store',
  'query',
  'get',
  'list',
  'mcp',
  'delete',
  'stats',
  'import',
  'export',
  'ping',
  'doctor',
  'erase',
  'gateway',
  'keys',
  'chat',
  'config',
  'circuit',
  'monitor',
  'slowlog',
  'facts',
  'session',
  'snapshot',
  'migrate',
  'reembed',
  'reseal',
  'update',
  'clear',
  'gc',
  'namespaces',
  'version',
  'completion',
];

it('has a source file for each command, named after it', () => {
  const files = readdirSync(new URL('../../../src/cli/', import.meta.url)).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual(COMMANDS.map((command) => `${command}.ts`).sort());
});

describe('help', () => {
  it('lists every command and the exit codes', async () => {
    const { code, stdout } = await cli(['--help']);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    expect(stdout).toContain('Exit codes:');
  });

  it.each(COMMANDS)('of %s has an example and --json', async (command) => {
    const { code, stdout } = await cli([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples?:\n {2}(.*\| )?(\S+=\S+ )*context-manager /);
    expect(stdout).toContain('--json');
  });

  it('comes with the version of the package', async () => {
    expect((await cli(['--version'])).stdout).toBe('1.2.3\n');
    expect(readVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('wrong usage', () => {
  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['qery', 'x'], 'Did you mean query?'],
    [['query'], "missing required argument 'text'"],
    [['config'], 'Commands:\n  show'],
    [['config', 'shw'], 'Did you mean show?'],
    [['query', 'x', '--limit', '0'], 'at least 1'],
    [['query', 'x', '--threshold', '2'], 'from 0 to 1'],
    [['query', 'x', '--priority', 'a,b,c'], 'three shares'],
    [['query', 'x', '--priority', '1,2'], 'three shares'],
    [['list', '--filter', 'no json'], 'must be JSON'],
    [['list', '--filter', '[]'], 'must be a JSON object'],
    [['list', '--filter', '{"must":[],"must":[]}'], 'the key `must` stands twice'],
    [['store', 'x', '--metadata', '{"__proto__":1}'], 'the key `__proto__` is not allowed'],
    [['store', 'x', '--metadata', '{"id":12345678901234567890}'], 'digits would be lost'],
    [['store', 'x', '--metadata', '{"a":"\\udc00"}'], 'half of a surrogate pair'],
    [['store', 'x', '--metadata', `{"a":${'['.repeat(40)}`], 'at most 32 levels'],
    [['list', '--level', 'immediate,L9'], 'must be one of immediate, short_term, long_term'],
    [['ping', '--port', '70000'], '1 to 65535'],
    [['delete'], 'either an id or --filter'],
    [['delete', 'x', '--filter', '{}'], 'either an id or --filter'],
    [['delete', '--filter', '{}'], 'confirm with --yes'],
    [['delete', '--tag', 'a'], 'confirm with --yes'],
    [['clear', 'immediate'], 'confirm with --yes'],
    [['delete', 'x', '--dry-run'], 'counts what matches a filter'],
    [['clear', 'L1'], 'Allowed choices are immediate, short_term, long_term'],
    [['update', 'x'], 'nothing to change'],
    [['update', 'x', '--tag', 'a', '--clear-tags'], 'cannot be used with'],
    [['list', '--since', 'yesterday'], 'how long ago'],
    [['list', '--before', '7'], 'how long ago'],
    [['list', '--since', '2027-02-30'], 'how long ago'],
    [['store', 'x', '--ttl', '7'], 'a duration with its unit'],
    [['store', 'x', '--ttl', '0s'], 'a duration with its unit'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
    [['store', '-'], 'no text to store'],
    [['export', '--all', '--namespace', 'a'], 'give either --all or --namespace'],
  ])('%j ends with 2 and says why', async (args, message) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('wrong usage under --json', () => {
  it.each([
    [['nonsense', '--json'], "unknown command 'nonsense'"],
    [['query', '--json'], "missing required argument 'text'"],
    [['query', 'x', '--limit', '0', '--json'], 'at least 1'],
    [['query', '--json', 'x', '--explian'], '(Did you mean --explain?)'],
    [['circuit', 'reset', 'disk', '--json'], 'Allowed choices are'],
    [['circuit', '--json'], 'unknown option'],
    [['delete', '--json'], 'either an id or --filter'],
    [['delete', '--filter', '{}', '--json'], 'confirm with --yes'],
  ])('%j ends with 2 and says why in JSON', async (args, message) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const { error } = JSON.parse(stderr) as { error: { message: string } };
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/^error:/);
  });

  it('leaves help and version as they are', async () => {
    expect(await cli(['query', '--help', '--json'])).toMatchObject({ code: 0, stderr: '' });
  });
});

it('tells its version, the protocol and Node, for programs, too', async () => {
  expect((await cli(['version'])).stdout).toMatch(/^context-manager {2}1\.2\.3\nprotocol +1\nnode +\d/);
  expect(JSON.parse((await cli(['version', '--json'])).stdout)).toEqual({
    version: '1.2.3',
    protocol: 1,
    node: process.versions.node,
  });
});

it('refuses a text that is no UTF-8', async () => {
  const { code, stderr } = await cli(['store', '-'], {}, Buffer.from('gr\xfc\xdfe', 'latin1'));
  expect(code).toBe(2);
  expect(stderr).toContain('standard input is not UTF-8');
});

describe('failure', () => {
  const secret = { PROTOCOL_SECRET: 'a-secret-that-is-long-enough-to-be-one' };

  it('to connect ends with 1, code and remedy', async () => {
    const { code, stderr } = await cli(['ping', '--port', '1'], secret);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: CONNECTION_FAILED: .*\n {2}Start it with `context-manager serve`/);
  });

  it('is JSON where JSON was asked for', async () => {
    const { code, stdout, stderr } = await cli(['ping', '--port', '1', '--json'], secret);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'CONNECTION_FAILED' } });
  });

  it.each([
    [['ping'], {}, 'there is no secret'],
    [['ping', '--secret-file', 'nowhere'], {}, 'cannot read the secret from'],
    [['ping', '--key-id', 'other'], secret, 'no key "other"'],
    [['ping'], { SERVER__PORT: 'x' }, '`server.port` must be a whole number'],
    [['import', 'nowhere.jsonl'], secret, 'there is no file'],
    [['import', '.'], secret, 'is a folder'],
    [['export', '.'], secret, 'is a folder'],
    [['export', 'nowhere/x.jsonl'], secret, 'there is no folder'],
    [['ping'], { PROTOCOL_SECRET: 'x' }, 'PROTOCOL_SECRET has 1 byte; a secret needs at least 32'],
  ])('%j names what is missing', async (args, environment, message) => {
    const { code, stderr } = await cli(args, environment);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('never shows a secret', async () => {
    const path = join(folder, 'short-secret');
    writeFileSync(path, 'hunter2');
    const { code, stderr } = await cli(['ping', '--secret-file', path, '--port', '1']);
    expect(code).toBe(1);
    expect(stderr).toContain(`--secret-file ${path} has 7 bytes`);
    expect(stderr).not.toContain('hunter2');
  });

  it('says that something else answers, and finds its port taken', async () => {
    const server = createServer((_request, reply) => reply.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const asked = await cli(['stats', '--port', String(port)], secret);
      expect(asked.code).toBe(1);
      expect(asked.stderr).toMatch(/^error: PROTOCOL_ERROR: .* answers, but in HTTP.*\n {2}Something else answers/);
    } finally {
      server.close();
    }
  });

  it.each<[string, string | Uint8Array, string]>([
    ['no text', Buffer.from('ff'.repeat(40), 'hex'), 'is not UTF-8 text'],
    ['empty', '\n', 'has 0 bytes'],
    ['no secret', '0'.repeat(64), 'is one character, repeated'],
  ])('to read a secret file that is %s says so', async (_, bytes, message) => {
    const path = join(folder, 'odd-secret');
    writeFileSync(path, bytes);
    const { code, stderr } = await cli(['ping', '--secret-file', path, '--port', '1']);
    expect(code).toBe(1);
    expect(stderr).toContain(`${path} ${message}`);
    expect(stderr).toMatch(/\n {2}\S/);
  });

  it('to read a secret from a folder or a device says so', async () => {
    for (const [path, message] of [
      [folder, 'is a folder'],
      ['/dev/zero', 'is no regular file'],
    ] as const) {
      const { code, stderr } = await cli(['ping', '--secret-file', path, '--port', '1']);
      expect(code).toBe(1);
      expect(stderr).toContain(`cannot read the secret: ${path} ${message}`);
    }
  });

  it.skipIf(process.platform !== 'linux')('to keep data where the kernel shows itself is told, and ends', async () => {
    for (const variables of [{}, secret]) {
      const { code, stderr } = await cli(['serve'], {
        ...variables,
        VECTOR_DB__DATA_DIR: '/proc/context-manager/data',
      });
      expect(code).toBe(1);
      expect(stderr).toMatch(/lies in \/proc, where no data can be kept\n {2}Set vector_db\.data_dir/);
    }
    const { stdout } = await cli(['doctor', '--port', '1'], { ...secret, VECTOR_DB__DATA_DIR: '/proc/data' });
    expect(stdout).toMatch(/✗ +store +the data folder \/proc\/data lies in \/proc/);
  });

  it('of the data folder, where it is a file, is called that', async () => {
    const path = join(folder, 'plain');
    writeFileSync(path, '');
    for (const command of ['serve', 'ping']) {
      const { code, stderr } = await cli([command], { VECTOR_DB__DATA_DIR: path });
      expect(code).toBe(1);
      expect(stderr).toContain(`the data folder ${path} is a file, not a folder`);
    }
  });
});

describe('doctor', () => {
  it('tells, without failing for it, that other machines can connect', async () => {
    const environment = { PROTOCOL_SECRET: 'a-secret-that-is-long-enough-to-be-one', SERVER__HTTP_PORT: '0' };
    const open = await cli(['doctor', '--port', '1'], {
      ...environment,
      SERVER__HOST: '::',
      SERVER__HTTP_HOST: '0.0.0.0',
    });
    expect(open.stdout).toMatch(
      /! +exposure +other machines can connect\n +server\.host = "::" lets other.*\n +server\.http_host = "0\.0\.0\.0"/,
    );
    const closed = await cli(['doctor', '--port', '1'], environment);
    expect(closed.stdout).toMatch(/✓ +exposure +this machine alone can connect/);
  });

  it('looks at the port that it was asked for, and leaves out a port that is chosen at the start', async () => {
    const { code, stdout } = await cli(['doctor', '--port', '1'], {
      PROTOCOL_SECRET: 'a-secret-that-is-long-enough-to-be-one',
      SERVER__HTTP_PORT: '0',
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/[✓✗] +port +.*127\.0\.0\.1:1\b/);
    expect(stdout).toMatch(/✓ +http port +not checked: any free port/);
  });
});
