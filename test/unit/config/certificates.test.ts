import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesIn } from '../../../src/base/certificates.ts';
import { StartupError } from '../../../src/base/errors.ts';
import { readCertificates, type TlsSettings } from '../../../src/config/certificates.ts';
import { type Certificate, makeAuthority, makeCertificate, makeClientCertificate } from '../../support/certificates.ts';
import { DEFAULTS } from '../../support/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'cm-certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));

let authority: Certificate;
let own: Certificate;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

beforeAll(async () => {
  authority = await makeAuthority();
  own = await makeCertificate(authority, { name: 'memory.example' });
  file('own.crt', own.cert.trimEnd() + authority.cert);
  file('own.key', own.key);
  file('ca.crt', authority.cert);
  file('empty.crt', '');
  file('broken.crt', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  const rules = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' } as const;
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: rules,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  file('locked.key', privateKey);
});

type Named = Partial<Record<'cert' | 'key' | 'clientCa', string>>;

function settings(named: Named): TlsSettings {
  const paths = Object.entries(named).map(([name, path]) => [name, join(folder, path)]);
  return { ...DEFAULTS.tls, ...(Object.fromEntries(paths) as Named) };
}

const DAY_MS = 86_400_000;
const validTo = (): number => new X509Certificate(own.cert).validToDate.getTime();
const atUsualTime = (): number => validTo() - 100 * DAY_MS;

describe('certificates', () => {
  it('are none where none are named', () => {
    expect(readCertificates(DEFAULTS.tls, 0)).toEqual({ certificates: null, warnings: [] });
  });

  it('are read with those that they are signed by, also where a file was put together without a line end', () => {
    const named = { cert: 'own.crt', key: 'own.key', clientCa: 'ca.crt' };
    const { certificates, warnings } = readCertificates(settings(named), atUsualTime());
    expect(warnings).toEqual([]);
    const pems = certificates?.cert.match(/-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n/g) ?? [];
    expect(pems.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
      [own, authority].map(({ cert }) => new X509Certificate(cert).fingerprint256),
    );
    expect(certificates).toMatchObject({ key: own.key });
    expect(new X509Certificate(certificates?.clientCa ?? '').ca).toBe(true);
  });

  it.each<[string, Named, RegExp]>([
    ['a certificate without a key', { cert: 'own.crt' }, /`tls\.cert` is set, and `tls\.key` is not/],
    ['a key without a certificate', { key: 'own.key' }, /`tls\.key` is set, and `tls\.cert` is not/],
    ['authorities alone', { clientCa: 'ca.crt' }, /`tls\.client_ca` is set, and `tls\.cert` is not/],
    ['a file that is not there', { cert: 'gone.crt', key: 'own.key' }, /gone\.crt, which does not exist/],
    ['a folder', { cert: '.', key: 'own.key' }, /is a folder/],
    ['a file without a certificate', { cert: 'own.key', key: 'own.key' }, /holds no certificate/],
    ['an empty file', { cert: 'empty.crt', key: 'own.key' }, /holds no certificate/],
    ['a broken certificate', { cert: 'broken.crt', key: 'own.key' }, /the certificate in .* cannot be read/],
    ['the key of another', { cert: 'ca.crt', key: 'own.key' }, /not the key of `tls\.cert`/],
    ['no key', { cert: 'own.crt', key: 'ca.crt' }, /holds no private key/],
    ['a key with a passphrase', { cert: 'own.crt', key: 'locked.key' }, /is encrypted with a passphrase/],
    ['no authorities', { cert: 'own.crt', key: 'own.key', clientCa: 'own.key' }, /`tls\.client_ca`.*no certificate/],
  ])('are refused with what to mend: %s', (_, named, message) => {
    const read = (): unknown => readCertificates(settings(named), atUsualTime());
    expect(read).toThrow(StartupError);
    expect(read).toThrow(message);
  });

  it.each([
    ['have expired', (): number => validTo() + 1, /has expired on .*: clients refuse it/],
    ['expire soon', (): number => validTo() - 13 * DAY_MS, /expires on .* SIGHUP/],
    ['do not count yet', (): number => 0, /counts from .* on/],
  ])('that %s are told of', (_, nowMs, warning) => {
    const { warnings } = readCertificates(settings({ cert: 'own.crt', key: 'own.key' }), nowMs());
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });

  it.skipIf(process.platform === 'win32')('whose key anybody can read are told of', () => {
    chmodSync(join(folder, 'own.key'), 0o644);
    const { warnings } = readCertificates(settings({ cert: 'own.crt', key: 'own.key' }), atUsualTime());
    expect(warnings).toEqual([expect.stringMatching(/anybody on this machine can read .* \(mode 644\): chmod o= /)]);
    chmodSync(join(folder, 'own.key'), 0o600);
  });
});

describe('names of a certificate', () => {
  it('are its common name, its alternative names and its hash', async () => {
    const { cert } = await makeClientCertificate(authority, { commonName: 'agent 7', uri: 'spiffe://example/7' });
    expect(namesIn(new X509Certificate(cert))).toEqual([
      'agent 7',
      'spiffe://example/7',
      expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    ]);
    expect(namesIn(new X509Certificate(own.cert))).toContain('memory.example');
  });

  it('are no others than those that it has, whatever is written in them', async () => {
    for (const uri of [
      'spiffe://a, DNS:admin.example',
      'spiffe://a", URI:spiffe://admin',
      'spiffe://a\\", email:a@b',
    ]) {
      const { cert } = await makeClientCertificate(authority, { commonName: 'agent 7', uri });
      const [commonName, ...names] = namesIn(new X509Certificate(cert));
      expect({ commonName, names: names.slice(0, -1) }).toEqual({ commonName: 'agent 7', names: [uri] });
    }
  });
});
