import { createHash, type X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket, type SecureContextOptions } from 'node:tls';

/** What a server proves with who it is, in PEM, and whom it believes who its clients are. */
export interface Certificates {
  /** Its own, with those that it is signed by. */
  readonly cert: string;
  readonly key: string;
  /** Authorities whose certificates clients may show; absent: they are asked for none. */
  readonly clientCa?: string;
}

/** TLS 1.2 and 1.3, with the ciphers that Node takes for good. */
export function secureContextOptions({ cert, key, clientCa }: Certificates): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa !== undefined && { ca: clientCa }) };
}

const FINGERPRINT = 'sha256:';

/**
 * What the certificate of who is at the other end is known by: its names (`CN`, and alternative names of DNS, URI and e-mail) and
 * `sha256:` with the hash of it, in small hex digits. None, where there is no TLS or no certificate of an authority that is trusted.
 */
export function certificateNamesOf(stream: Duplex): readonly string[] {
  if (!(stream instanceof TLSSocket) || !stream.authorized) return [];
  const certificate = stream.getPeerX509Certificate();
  return certificate === undefined ? [] : namesIn(certificate);
}

/** See `certificateNamesOf`. */
export function namesIn(certificate: X509Certificate): readonly string[] {
  const legacy = certificate.toLegacyObject();
  const commonNames = [legacy.subject.CN].flat().filter((name) => name !== undefined);
  const fingerprint = FINGERPRINT + createHash('sha256').update(certificate.raw).digest('hex');
  return [...commonNames, ...alternativeNames(certificate.subjectAltName ?? ''), fingerprint];
}

/**
 * As Node writes them: `DNS:a.example, URI:spiffe://a/b, email:a@b.c`, with quotes, as of JSON, around a name that could be taken
 * for more than one.
 */
function alternativeNames(written: string): string[] {
  const names: string[] = [];
  for (const [, kind, value = ''] of written.matchAll(/(\w[\w ]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    if (!NAMED.has(kind ?? '')) continue;
    names.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return names;
}

const NAMED = new Set(['DNS', 'URI', 'email']);
