import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { secureContextOptions, type Certificates } from '../base/certificates.ts';
import { StartupError } from '../base/errors.ts';
import type { Settings } from './settings.ts';
import { readTextFile, UnreadableFile, type TextFile } from './text-file.ts';

export type TlsSettings = Settings['tls'];

export interface FoundCertificates {
  /** Null: nothing is encrypted. */
  readonly certificates: Certificates | null;
  /** For the log. */
  readonly warnings: readonly string[];
}

const FILE_BYTES_MAX = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Authorities that renew by themselves do so a month before the end: by then something has gone wrong. */
const SOON_DAYS = 14;
/** Permission bits of who is neither the owner nor of his group. */
const OTHERS = 0o007;

/** What `[tls]` names. Throws `StartupError` where that cannot be served with. `nowMs`: milliseconds since the epoch. */
export function readCertificates(tls: TlsSettings, nowMs: number): FoundCertificates {
  const { cert: certPath, key: keyPath, clientCa: clientCaPath } = tls;
  if (certPath === undefined && keyPath === undefined) {
    if (clientCaPath === undefined) return { certificates: null, warnings: [] };
    throw new StartupError('`tls.client_ca` is set, and `tls.cert` is not', 'Set tls.cert and tls.key as well.');
  }
  if (certPath === undefined || keyPath === undefined) {
    const [given, missing] = certPath === undefined ? ['key', 'cert'] : ['cert', 'key'];
    throw new StartupError(`\`tls.${given}\` is set, and \`tls.${missing}\` is not`, 'Set both of them, or none.');
  }
  const chain = readCertificateFile('tls.cert', certPath);
  const key = read('tls.key', keyPath);
  const own = new X509Certificate(chain);
  checkKey(own, key.text, keyPath);
  const ofClients = clientCaPath !== undefined && { clientCa: readCertificateFile('tls.client_ca', clientCaPath) };
  const certificates = { cert: chain, key: key.text, ...ofClients };
  try {
    createSecureContext(secureContextOptions(certificates));
  } catch (error) {
    throw new StartupError(
      `\`tls.cert\` and \`tls.key\` cannot be used: ${reasonOf(error)}`,
      'Make new ones, as docs/tls.md says.',
      error,
    );
  }
  return { certificates, warnings: [...timeWarnings(own, certPath, nowMs), ...modeWarnings(key, keyPath)] };
}

function read(setting: string, path: string): TextFile {
  const remedy = `Correct ${setting} (${setting.toUpperCase().replace('.', '__')}).`;
  try {
    const file = readTextFile(path, { bytesMax: FILE_BYTES_MAX });
    if (file !== null) return file;
  } catch (error) {
    if (error instanceof UnreadableFile)
      throw new StartupError(`\`${setting}\`: ${error.message}`, error.remedy, error);
    throw error;
  }
  throw new StartupError(`\`${setting}\` names ${path}, which does not exist`, remedy);
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * The certificates of a file, at least one, each of them readable; the line's end that is missing between two of them is put in.
 * Throws `StartupError`, which names `setting`.
 */
export function readCertificateFile(setting: string, path: string): string {
  const blocks = read(setting, path).text.match(BLOCK) ?? [];
  const remedy = 'It must hold certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE, your own first.';
  if (blocks.length === 0) throw new StartupError(`\`${setting}\`: ${path} holds no certificate`, remedy);
  blocks.forEach((block, place) => {
    try {
      new X509Certificate(block);
    } catch (error) {
      const which = blocks.length === 1 ? 'the certificate' : `certificate ${place + 1}`;
      throw new StartupError(`\`${setting}\`: ${which} in ${path} cannot be read: ${reasonOf(error)}`, remedy, error);
    }
  });
  return `${blocks.join('\n')}\n`;
}

const ENCRYPTED = /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m;

function checkKey(own: X509Certificate, pem: string, path: string): void {
  let key;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    const isEncrypted = ENCRYPTED.test(pem);
    throw new StartupError(
      `\`tls.key\`: ${path} ${isEncrypted ? 'is encrypted with a passphrase' : `holds no private key: ${reasonOf(error)}`}`,
      isEncrypted
        ? 'A server that starts by itself has nobody to ask: write it without (openssl pkey -in ... -out ...), and close the file to others (chmod 600).'
        : 'It must hold the private key of tls.cert in PEM.',
      error,
    );
  }
  if (!own.checkPrivateKey(key)) {
    throw new StartupError(
      '`tls.key` is not the key of `tls.cert`',
      'Name the two that were made together; where tls.cert holds several certificates, the first must be the own one.',
    );
  }
}

function timeWarnings(own: X509Certificate, path: string, nowMs: number): string[] {
  if ([own.validFromDate, own.validToDate].some((date) => Number.isNaN(date.getTime())))
    throw new StartupError(
      `\`tls.cert\`: the certificate in ${path} says of no time that it counts from then, or until then`,
      'Restore the file, or make a new certificate, as docs/tls.md says.',
    );
  const leftMs = own.validToDate.getTime() - nowMs;
  if (own.validFromDate.getTime() > nowMs)
    return [`the certificate ${path} counts from ${own.validFromDate.toISOString()} on: clients refuse it until then`];
  if (leftMs <= 0)
    return [`the certificate ${path} has expired on ${own.validToDate.toISOString()}: clients refuse it`];
  if (leftMs > SOON_DAYS * DAY_MS) return [];
  return [
    `the certificate ${path} expires on ${own.validToDate.toISOString()}: put a new one in its place, and send SIGHUP`,
  ];
}

function modeWarnings({ mode }: TextFile, path: string): string[] {
  if (process.platform === 'win32' || (mode & OTHERS) === 0) return [];
  return [`anybody on this machine can read the private key ${path} (mode ${mode.toString(8)}): chmod o= ${path}`];
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason;
  return error instanceof Error ? error.message : String(error);
}
