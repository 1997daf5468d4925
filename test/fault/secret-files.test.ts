// Files with secrets that a disk, a crash or an editor has spoiled: each is refused with what to do, or, where it still is a
// secret, is another one. None is taken for absent, and nothing is made up in its place.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/base/errors.ts';
import { systemRandom } from '../../src/base/random.ts';
import { readCertificates } from '../../src/config/certificates.ts';
import { resolveEncryptionKeys } from '../../src/config/encryption-keys.ts';
import type { Environment } from '../../src/config/environment.ts';
import { resolveKeys } from '../../src/config/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { nodeConfigFiles, nodeSecretFiles } from '../../src/config/node-files.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'cm-secret-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SECRET = '5c0e1d7f9a3b4c6d8e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d';
const path = (name: string): string => join(folder, name);
/** What stands in each file when it is well. */
const files = new Map<string, string>();

beforeAll(async () => {
  const authority = await makeAuthority();
  const own = await makeCertificate(authority, { name: 'memory.example' });
  mkdirSync(path('data'));
  mkdirSync(path('config'));
  writeFileSync(path('config/default.toml'), '[[keys]]\nid = "team"\nsecret = "${file:team}"\nscopes = ["read"]\n');
  for (const name of ['data/secret', 'mounted', 'team', 'sealing']) files.set(name, SECRET);
  files.set('own.crt', own.cert).set('own.key', own.key).set('ca.crt', authority.cert);
});

type Found = string | undefined;

/** What a server would go by. */
const WAYS: Readonly<Record<string, { readonly file: string; readonly read: () => Found }>> = {
  'the generated secret': { file: 'data/secret', read: () => firstSecret({ CONFIG_PATH: undefined }, path('data/..')) },
  'the file of PROTOCOL_SECRET_FILE': {
    file: 'mounted',
    read: () => firstSecret({ PROTOCOL_SECRET_FILE: path('mounted') }, path('data/..')),
  },
  'the file of a key': {
    file: 'team',
    read: () => firstSecret({ CONFIG_PATH: path('config/default.toml') }, folder),
  },
  'the encryption key': { file: 'sealing', read: () => encryptionKey('encryptionKeyPath') },
  'the encryption key before': { file: 'sealing', read: () => encryptionKey('previousEncryptionKeyPath') },
  'the certificate': { file: 'own.crt', read: () => certificates().cert },
  'the key of the certificate': { file: 'own.key', read: () => certificates().key },
  'the authorities of clients': { file: 'ca.crt', read: () => certificates().clientCa },
};

function firstSecret(environment: Environment, where: string): Found {
  const sandbox = environment['CONFIG_PATH'] === undefined ? mkdtempSync(join(folder, 'empty-')) : where;
  const all = { VECTOR_DB__DATA_DIR: path('data'), ...environment };
  const loaded = loadConfig({ environment: all, folder: sandbox, files: nodeConfigFiles });
  return resolveKeys(loaded, { environment: all, files: nodeSecretFiles, random: systemRandom }).keys[0]?.secret;
}

function encryptionKey(setting: 'encryptionKeyPath' | 'previousEncryptionKeyPath'): Found {
  const { settings } = loadConfig({
    environment: {},
    folder: mkdtempSync(join(folder, 'empty-')),
    files: nodeConfigFiles,
  });
  const { key, previousKey } = resolveEncryptionKeys({ ...settings.vectorDb, [setting]: path('sealing') });
  const found = key ?? previousKey;
  return found === null ? undefined : Buffer.from(found).toString('hex');
}

function certificates() {
  const named = { cert: path('own.crt'), key: path('own.key'), clientCa: path('ca.crt') };
  const { settings } = loadConfig({
    environment: {},
    folder: mkdtempSync(join(folder, 'empty-')),
    files: nodeConfigFiles,
  });
  const { certificates: found } = readCertificates({ ...settings.tls, ...named }, Date.now());
  if (found === null) throw new Error('there are none');
  return found;
}

const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 2);
const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
};

const DAMAGES: Readonly<Record<string, (whole: Buffer) => Buffer>> = {
  empty: () => Buffer.alloc(0),
  'cut off': half,
  'full of zeros': ({ length }) => Buffer.alloc(length),
  garbage: ({ length }) => Buffer.from(Array.from({ length }, (_, i) => (i * 89 + 131) % 256)),
  'without an end': () => Buffer.alloc(2_000_000, 'ab'),
};

function spoil(name: string, bytes: Buffer): void {
  for (const [other, text] of files) writeFileSync(path(other), other === name ? bytes : text);
  for (const other of files.keys()) chmodSync(path(other), 0o600);
}

describe.each(Object.entries(WAYS))('%s', (_, { file, read }) => {
  const whole = (): Buffer => Buffer.from(files.get(file) ?? '');

  it('is read where it is well', () => {
    spoil(file, whole());
    expect(read()?.trim()).toBe(whole().toString().trim());
  });

  it.each(Object.entries(DAMAGES))('that is %s is refused with what to do, and left as it is', (_name, damage) => {
    spoil(file, damage(whole()));
    expect(read).toThrow(StartupError);
    expect(refusalOf(read).remedy).not.toBe('');
    expect(refusalOf(read).message).not.toContain(SECRET.slice(0, 16));
    expect(readFileSync(path(file)).equals(damage(whole()))).toBe(true);
  });

  it('with a bit flipped is refused, or is another one: never the one that it was', () => {
    const { length } = whole();
    const step = Math.ceil((length * 8) / 60) | 1;
    for (let bit = 3; bit < length * 8; bit += step) {
      const spoiled = flipped(whole(), bit);
      spoil(file, spoiled);
      const found = foundIn(read);
      if (found === null) continue;
      // What stands around a certificate, and the case of a letter in hexadecimal, say nothing.
      const isSameKey = file === 'sealing' && spoiled.toString().toLowerCase() === whole().toString();
      if (!isSameKey && !file.includes('.')) expect(found, `bit ${bit}`).not.toBe(whole().toString());
    }
  });
});

function refusalOf(read: () => unknown): StartupError {
  try {
    read();
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

/** null: it is refused, as it must be. */
function foundIn(read: () => Found): Found | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof StartupError) return null;
    throw error;
  }
}
