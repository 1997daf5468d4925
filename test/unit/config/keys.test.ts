import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { resolveKeys, type ResolvedKeys } from '../../../src/config/keys.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { nodeConfigFiles, nodeSecretFiles } from '../../../src/config/node-files.ts';

const LONG = 'a-secret-that-is-long-enough-to-be-one';
const LONG_TOO = 'another-secret-that-is-long-enough-too';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cm-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function resolve(environment: Record<string, string>, makeSecret = true): ResolvedKeys {
  const loaded = loadConfig({ environment, folder, files: nodeConfigFiles });
  return resolveKeys(loaded, {
    environment,
    files: nodeSecretFiles,
    ...(makeSecret ? { random: systemRandom } : {}),
  });
}

function refusal(environment: Record<string, string>, makeSecret = true): StartupError {
  try {
    resolve(environment, makeSecret);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('the keys were accepted');
}

describe('the default key', () => {
  it('gets a secret of its own at first start, readable by its owner alone, and keeps it', () => {
    const first = resolve({});
    const path = join(folder, 'data', 'secret');
    expect(first.secretFile).toEqual({ path, created: true });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}$/);
    expect(first.keys).toEqual([
      {
        id: 'default',
        secret: readFileSync(path, 'utf8').trim(),
        scopes: ['read', 'write', 'admin'],
        namespaces: ['*'],
      },
    ]);
    const second = resolve({});
    expect(second.secretFile?.created).toBe(false);
    expect(second.keys).toEqual(first.keys);
  });

  it('takes PROTOCOL_SECRET and then makes no file', () => {
    const { keys, secretFile } = resolve({ PROTOCOL_SECRET: LONG });
    expect(keys[0]?.secret).toBe(LONG);
    expect(secretFile).toBeUndefined();
    expect(statSync(join(folder, 'data'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('takes the file that PROTOCOL_SECRET_FILE names, and says so of what is wrong with it', () => {
    const path = join(folder, 'mounted');
    writeFileSync(path, `${LONG}\n`);
    const { keys, secretFile } = resolve({ CONFIG_ENV: 'production', PROTOCOL_SECRET_FILE: path });
    expect([keys[0]?.secret, secretFile]).toEqual([LONG, undefined]);
    writeFileSync(path, 'short');
    expect(refusal({ PROTOCOL_SECRET_FILE: path }).message).toContain('PROTOCOL_SECRET_FILE has 5 bytes');
  });

  it.each([0o644, 0o640, 0o604, 0o620, 0o666])('takes its file from others that could read or write it: %o', (mode) => {
    resolve({});
    const path = join(folder, 'data', 'secret');
    chmodSync(path, mode);
    expect(resolve({}, false).warnings[0]).toContain(`secret can be read by other users (mode ${mode.toString(8)})`);
    expect(statSync(path).mode & 0o777).toBe(mode);
    expect(resolve({}).warnings[0]).toContain(`secret could be read by other users (mode ${mode.toString(8)})`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(resolve({}).warnings).toEqual([]);
  });

  it.each<[string, string | Uint8Array]>([
    ['is not UTF-8 text', Buffer.from('ff'.repeat(32), 'hex')],
    ['is not UTF-8 text', Buffer.from(Array.from({ length: 64 }, (_, n) => (n * 37) % 256))],
    ['is not UTF-8 text', Buffer.from(LONG, 'utf16le').fill(0xff, 0, 2)],
    ['is not UTF-8 text', `${LONG}\ufffd`],
    ['is one character, repeated', new Uint8Array(32)],
    ['is one character, repeated', 'x'.repeat(64)],
    ['has 0 bytes', ''],
    ['has 0 bytes', '\ufeff'],
    ['has 0 bytes', ' \n\t\r\n'.repeat(20)],
    ['has 31 bytes', `${LONG.slice(0, 31)}\n`],
    ['has 31 bytes', `\ufeff${LONG.slice(0, 31)}\r\n`],
    ['is longer than 65536 bytes', 'ab'.repeat(40_000)],
  ])('is refused where its file %s: %j', (reason, bytes) => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'secret'), bytes, { mode: 0o600 });
    for (const makeSecret of [true, false]) {
      const { message, remedy } = refusal({}, makeSecret);
      expect(message).toContain(`${join(folder, 'data', 'secret')} ${reason}`);
      expect(remedy).toContain('openssl rand -hex 32');
    }
    expect(readFileSync(join(folder, 'data', 'secret'))).toEqual(Buffer.from(bytes));
  });

  it('is refused where a folder or a device stands in place of its file', () => {
    mkdirSync(join(folder, 'data', 'secret'), { recursive: true });
    expect(refusal({}).message).toBe(`${join(folder, 'data', 'secret')} is a folder, not a file`);
    rmSync(join(folder, 'data', 'secret'), { recursive: true });
    symlinkSync('/dev/zero', join(folder, 'data', 'secret'));
    expect(refusal({}).message).toBe(`${join(folder, 'data', 'secret')} is no regular file`);
  });

  it.each([`${LONG}\n`, `${LONG}\r\n`, `\ufeff${LONG}`, `  ${LONG}\t\n\n`])(
    'is the same whatever an editor put around it: %j',
    (text) => {
      mkdirSync(join(folder, 'data'));
      writeFileSync(join(folder, 'data', 'secret'), text, { mode: 0o600 });
      expect(resolve({}).keys[0]?.secret).toBe(LONG);
    },
  );

  it('is not looked for where no data can be kept', () => {
    expect(refusal({ VECTOR_DB__DATA_DIR: '/proc/data' }).message).toContain('where no data can be kept');
  });

  it('makes nothing for a client that only looks', () => {
    expect(refusal({}, false).message).toContain('does not exist');
    expect(statSync(join(folder, 'data'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('must be given its secret in production', () => {
    expect(refusal({ CONFIG_ENV: 'production' }).message).toContain('PROTOCOL_SECRET is not set');
    expect(refusal({ CONFIG_ENV: 'production', PROTOCOL_SECRET: 'short' }).message).toBe(
      'PROTOCOL_SECRET has 5 bytes; a secret needs at least 32',
    );
    expect(resolve({ CONFIG_ENV: 'production', PROTOCOL_SECRET: LONG }).keys[0]?.secret).toBe(LONG);
  });
});

describe('configured keys', () => {
  const key = (place: number, rest: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(rest).map(([name, value]) => [`KEYS__${place}__${name}`, value]));

  it('take the place of the default key', () => {
    const { keys } = resolve(
      key(0, { ID: 'shop', SECRET: LONG, NAMESPACES: 'orders,returns', NOT_AFTER: '2030-01-01T00:00:00Z' }),
    );
    expect(keys).toEqual([
      {
        id: 'shop',
        secret: LONG,
        scopes: ['read', 'write', 'admin'],
        namespaces: ['orders', 'returns'],
        notAfterMs: Date.UTC(2030, 0, 1),
      },
    ]);
  });

  it('may hold two secrets for one id, while it is rotated', () => {
    const two = { ...key(0, { ID: 'a', SECRET: LONG }), ...key(1, { ID: 'a', SECRET: LONG_TOO }) };
    expect(resolve(two).keys.map(({ secret }) => secret)).toEqual([LONG, LONG_TOO]);
    expect(refusal({ ...two, ...key(2, { ID: 'a', SECRET: `${LONG}3` }) }).message).toContain('stands 3 times');
    expect(refusal({ ...key(0, { ID: 'a', SECRET: LONG }), ...key(1, { ID: 'a', SECRET: LONG }) }).message).toContain(
      'same secret',
    );
  });

  it.each([
    [key(0, { ID: 'a' }), '`keys[0].secret` is missing'],
    [key(0, { ID: 'a', SECRET: 'short' }), 'keys[0].secret has 5 bytes'],
    [key(0, { ID: 'a', SECRET: '\ufffd'.repeat(32) }), 'keys[0].secret is not UTF-8 text'],
    [{ PROTOCOL_SECRET: `${LONG}\ufffd` }, 'PROTOCOL_SECRET is not UTF-8 text'],
    [{ PROTOCOL_SECRET: '0'.repeat(64) }, 'PROTOCOL_SECRET is one character, repeated'],
    [key(0, { ID: 'a', SECRET: LONG, NAMESPACES: '*,b' }), 'mixes "*" with names'],
    [key(0, { ID: 'a', SECRET: LONG, NOT_AFTER: 'soon' }), '`keys[0].not_after` must be a moment with its zone'],
  ])('%j is refused', (environment, message) => {
    expect(refusal(environment).message).toContain(message);
  });

  it('get PROTOCOL_SECRET only by the name default', () => {
    const other = { ...key(0, { ID: 'a', SECRET: LONG }), PROTOCOL_SECRET: LONG_TOO };
    expect(resolve(other).keys).toHaveLength(1);
    expect(resolve(other).warnings[0]).toContain('PROTOCOL_SECRET');
    expect(resolve({ ...key(0, { ID: 'default', SECRET: LONG }), PROTOCOL_SECRET: LONG_TOO }).keys[0]?.secret).toBe(
      LONG_TOO,
    );
  });
});
