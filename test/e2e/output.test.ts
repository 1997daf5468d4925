import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliVariables, LAUNCHER, World, type Ended, type ServerProcess } from './support/processes.ts';

const CONTEXTS = 1160;

const world = new World();
let folder: string;
let server: ServerProcess;
let anId: string;

beforeAll(async () => {
  folder = world.folder();
  server = await world.serve(folder);
  const client = await server.connect();
  for (let start = 0; start < CONTEXTS; start += 290) {
    const contexts = Array.from({ length: 290 }, (_, place) => ({
      text: `context ${start + place}`,
      level: 'long_term' as const,
    }));
    const { results } = await client.storeBatch({ contexts });
    anId = results.map((result) => ('id' in result ? result.id : ''))[0] ?? '';
  }
  await client.close();
});
afterAll(() => world.cleanUp());

const FULL = '/dev/full';

describe.runIf(existsSync(FULL))('a full disk', () => {
  const NO_ROOM = /^error: cannot write to standard output: no space left on device \(ENOSPC\)\n {2}Make room/;

  const COMMANDS = [
    ['export'],
    ['list'],
    ['list', '--json'],
    ['get', 'ID'],
    ['query', 'context'],
    ['store', 'a text'],
    ['delete', '--filter', '{"must":[{"key":"tags","match":{"value":"nobody has it"}}]}', '--yes'],
    ['stats'],
    ['ping'],
    ['import', 'one.jsonl'],
    ['doctor'],
    ['--help'],
    ['export', '--help'],
    ['--version'],
  ];

  it.each(COMMANDS.map((given) => ({ command: given.join(' '), given })))(
    'behind the output of `$command` ends it with 1 and the reason',
    async ({ given }) => {
      writeFileSync(join(folder, 'one.jsonl'), '{"text":"one"}\n');
      const args = given.map((arg) => (arg === 'ID' ? anId : arg));
      const { code, stderr } = await world.runInto({ stdout: FULL }, args, folder, cliVariables(server));
      expect(stderr).toMatch(args.includes('--json') ? /"error":\{"message":"cannot write/ : NO_ROOM);
      expect(code).toBe(1);
    },
  );

  it('behind the output of serve does not keep it from serving', async () => {
    const full = openSync(FULL, 'w');
    const child = spawn(process.execPath, [LAUNCHER, 'serve'], {
      cwd: world.folder(),
      env: { PATH: process.env['PATH'] ?? '', SERVER__PORT: '0', SERVER__HTTP_PORT: '0' },
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await expect.poll(() => stderr).toContain('could not be written to standard output');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('under an export to a named file leaves the earlier one as it was', async () => {
    const { code, stdout, stderr } = await world.run(['export', FULL], folder, cliVariables(server));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('cannot write /dev/full: no space left on device (ENOSPC)');
  });

  it('behind standard error alone is told by the exit code', async () => {
    const { code, stdout } = await world.runInto({ stderr: FULL }, ['export'], folder, cliVariables(server));
    expect(code).toBe(1);
    expect(stdout.trim().split('\n')).toHaveLength(CONTEXTS + 2);
  });
});

describe('an export', () => {
  it('into a file by redirection is whole', async () => {
    const path = join(folder, 'redirected.jsonl');
    const { code, stderr } = await world.runInto({ stdout: path }, ['export'], folder, cliVariables(server));
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    expect(code).toBe(0);
    expect(stderr).toBe(`exported ${lines.length.toLocaleString('en')} contexts\n`);
    expect(lines.length).toBeGreaterThanOrEqual(CONTEXTS);
  });

  it('whose reader goes away ends quietly, and claims nothing', async () => {
    const child = spawn(process.execPath, [LAUNCHER, 'export'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', ...cliVariables(server) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'stopped: the reader went away\n' } satisfies Partial<Ended>);
  });
});
