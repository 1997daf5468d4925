import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
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

  it('is warned about where others can read its file', () => {
    resolve({});
    chmodSync(join(folder, 'data', 'secret'), 0o644);
    expect(resolve({}).warnings[0]).toMatch(/secret can be read by other users \(mode 644\)/);
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
