import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { resolveKeys } from '../../src/config/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { nodeConfigFiles, nodeSecretFiles } from '../../src/config/node-files.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { ServerSetup } from '../../src/live-settings.ts';
import { startServer } from '../../src/main.ts';
import { WireClient } from '../support/wire-client.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-cli-'));
  path = join(folder, 'config', 'default.toml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function keys(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => ((written[name] += text), Promise.resolve()),
  });
  const io = {
    stdin: (async function* () {})(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment,
    folder,
  };
  return { code: await run(['keys', ...args], io, '1.2.3'), ...written };
}

async function json(args: readonly string[], environment?: Record<string, string>): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await keys([...args, '--json'], environment);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** As a server that is started or reloaded in the folder reads it. */
function setup(environment: Record<string, string> = {}): ServerSetup {
  const loaded = loadConfig({ environment, folder, files: nodeConfigFiles });
  return {
    settings: loaded.settings,
    keys: resolveKeys(loaded, { environment, files: nodeSecretFiles, random: systemRandom }).keys,
  };
}

function configure(text: string, mode = 0o640): void {
  mkdirSync(join(folder, 'config'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

const text = (): string => readFileSync(path, 'utf8');
const modeOf = (of: string): number => statSync(of).mode & 0o777;
const OWN = '# ours\n[server]\nport = 0 # any\nhttp_port = 0\nshutdown_timeout_secs = 0.1\n';

describe('a key’s life, with a server that reloads', () => {
  it('from its making over the rotation of its secret to its end', async () => {
    configure(OWN);
    const server = await startServer(setup());
    const wire = (id: string, secret: unknown): Promise<WireClient> =>
      WireClient.over(connectSocket({ port: server.port, host: '127.0.0.1' }), { keyId: id, secret: String(secret) });
    try {
      const made = await json(['create', 'bot', '--namespaces', 'team-a:*,b', '--scopes', 'write,read']);
      expect(made).toMatchObject({
        id: 'bot',
        scopes: ['read', 'write'],
        namespaces: ['team-a:*', 'b'],
        config_file: path,
      });
      expect(server.reload(setup)).toMatchObject({ added: ['bot'], removed: [] });
      const first = await wire('bot', made['secret']);
      await first.request('context.store', { text: 'x', namespace: 'team-a:x' });
      const other = await json(['rotate', 'bot']);
      expect((await keys(['rotate', 'bot'])).stderr).toMatch(/two secrets already[^]*--finish/);
      server.reload(setup);
      const second = await wire('bot', other['secret']);
      expect(await first.request('ping', {})).toMatchObject({ healthy: true });
      expect(await json(['rotate', 'bot', '--finish'])).toMatchObject({ removed_file: made['secret_file'] });
      expect(existsSync(String(made['secret_file']))).toBe(false);
      server.reload(setup);
      expect((await first.nextError()).code).toBe('AUTH_FAILED');
      expect(await second.request('ping', {})).toMatchObject({ healthy: true });
      expect(await json(['revoke', 'bot', '--yes'])).toMatchObject({ disabled: true, changed: true });
      server.reload(setup);
      expect((await second.nextError()).code).toBe('AUTH_FAILED');
      expect(await json(['revoke', 'bot', '--yes'])).toMatchObject({ changed: false });
      expect(text().startsWith(OWN)).toBe(true);
      expect(modeOf(path)).toBe(0o640);
    } finally {
      await server.stop();
    }
    expect(await json(['list'])).toMatchObject({
      keys: [
        { id: 'default', state: 'active', namespaces: ['*'] },
        {
          id: 'bot',
          state: 'disabled',
          scopes: ['read', 'write'],
          requests: 3,
          last_used_at: expect.any(Number) as number,
        },
      ],
    });
  });
});

describe('keys create', () => {
  it('keeps the secret in a file of its owner alone, shows it once, and keeps the key that there was', async () => {
    const { stdout, code } = await keys([
      'create',
      'bot',
      '--namespaces',
      'a',
      '--not-after',
      '2099-01-31T00:00:00+02:00',
      '--rate',
      '0.5',
      '--burst',
      '3',
    ]);
    expect(code).toBe(0);
    const [secret = ''] = /[0-9a-f]{64}/.exec(stdout) ?? [];
    const [, file = ''] = /kept in +(.+)/.exec(stdout) ?? [];
    expect(readFileSync(file, 'utf8').trim()).toBe(secret);
    expect([modeOf(file), modeOf(dirname(file))]).toEqual([0o600, 0o700]);
    expect(text()).not.toContain(secret);
    expect(setup().keys).toMatchObject([
      { id: 'default', scopes: ['read', 'write', 'admin'], namespaces: ['*'] },
      {
        id: 'bot',
        secret,
        scopes: ['read', 'write'],
        namespaces: ['a'],
        notAfterMs: Date.parse('2099-01-30T22:00:00Z'),
        rateLimit: { perSecond: 0.5, burst: 3 },
      },
    ]);
    expect((await keys(['list'])).stdout + (await keys(['list', '--json'])).stdout).not.toContain(secret);
  });

  it('or in a variable of the server, or in the settings', async () => {
    const inVariable = await json(['create', '1 bot'.replace(' ', '-'), '--namespaces', '*', '--store', 'variable']);
    expect(inVariable).toMatchObject({
      variable: '_1_BOT_SECRET',
      next: expect.stringContaining('start the server again') as string,
    });
    const inSettings = await json(['create', 'two', '--namespaces', '*', '--store', 'settings']);
    expect(text()).toContain(`secret = "${String(inSettings['secret'])}"`);
    const environment = { _1_BOT_SECRET: String(inVariable['secret']) };
    expect(
      setup(environment)
        .keys.slice(1)
        .map(({ secret }) => secret),
    ).toEqual([inVariable['secret'], inSettings['secret']]);
    expect(existsSync(join(folder, 'data', 'keys'))).toBe(false);
    expect((await keys(['list'])).stdout).toMatch(/variable _1_BOT_SECRET\n.*in the settings\n/);
  });

  it.each<[readonly string[], number, RegExp]>([
    [['create', 'a/b', '--namespaces', 'x'], 2, /an id is letters/],
    [['create', 'bot'], 2, /--namespaces/],
    [['create', 'bot', '--namespaces', 'team-a/*'], 2, /prefixes as team-a:\*/],
    [['create', 'bot', '--namespaces', '*,a'], 2, /or \* alone/],
    [['create', 'bot', '--namespaces', 'a', '--scopes', 'all'], 2, /read, write, admin/],
    [['create', 'bot', '--namespaces', 'a', '--not-after', '2099-01-31T00:00:00'], 2, /with its zone/],
    [['create', 'bot', '--namespaces', 'a', '--rate', '1'], 2, /go together/],
    [['create', 'default', '--namespaces', 'a'], 1, /already[^]*keys rotate/],
    [['rotate', 'nobody'], 1, /no key "nobody"[^]*There are: default/],
    [['rotate', 'default', '--finish'], 1, /no key|one secret/],
    [['revoke', 'default'], 2, /--yes/],
  ])('%j is refused, and leaves nothing behind', async (args, code, message) => {
    const outcome = await keys(args);
    expect(outcome.stderr).toMatch(message);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('changes nothing where the settings would have a fault, cannot be written or are of another form', async () => {
    for (const [before, message] of [
      ['[server]\nprot = 1\n', /did you mean `server.port`/],
      ['keys = [{ id = "a", secret = "0123456789abcdef0123456789abcdef" }]\n', /\[\[keys\]\] blocks/],
      ['[[keys]]\nid = "a"\n', /secret/],
    ] as const) {
      configure(before);
      const outcome = await keys(['create', 'bot', '--namespaces', 'a']);
      expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(message) as string });
      expect(text()).toBe(before);
    }
    configure(OWN);
    writeFileSync(`${path}.new`, 'of another command');
    expect((await keys(['create', 'bot', '--namespaces', 'a'])).stderr).toMatch(/meanwhile/);
    expect(text()).toBe(OWN);
    expect(existsSync(join(folder, 'data', 'keys')) ? readdirSync(join(folder, 'data', 'keys')) : []).toEqual([]);
    expect(
      (await keys(['create', 'bot', '--namespaces', 'a'], { KEYS__0__ID: 'x', KEYS__0__SECRET: 'y'.repeat(40) }))
        .stderr,
    ).toMatch(/KEYS__0__ID/);
  });

  it('takes the file that is named, and secrets of variables that only the server has', async () => {
    const other = join(folder, 'server.toml');
    writeFileSync(other, '[[keys]]\nid = "a"\nsecret = "${A_SECRET}"\n');
    expect(await json(['create', 'bot', '--namespaces', 'a', '--config', 'server.toml'])).toMatchObject({
      config_file: other,
    });
    expect(readFileSync(other, 'utf8')).toMatch(
      /^\[\[keys\]\]\nid = "a"\nsecret = "\$\{A_SECRET\}"\n\n\[\[keys\]\]\nid = "bot"\n/,
    );
    expect(await json(['list', '--config', other])).toMatchObject({
      keys: [{ id: 'a', secret: 'variable A_SECRET' }, { id: 'bot' }],
    });
  });

  it('does not give the default key a second secret where a variable decides', async () => {
    const outcome = await keys(['rotate', 'default'], { PROTOCOL_SECRET: 'x'.repeat(16) + 'y'.repeat(16) });
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/comes from PROTOCOL_SECRET/) as string });
    const rotated = await json(['rotate', 'default']);
    const secrets = setup().keys.map(({ id, secret }) => [id, secret]);
    expect(secrets).toEqual([
      ['default', readFileSync(join(folder, 'data', 'secret'), 'utf8').trim()],
      ['default', rotated['secret']],
    ]);
    await json(['rotate', 'default', '--finish']);
    expect(setup().keys.map(({ secret }) => secret)).toEqual([rotated['secret']]);
  });
});
