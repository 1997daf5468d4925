import { generate } from 'selfsigned';

/** In PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own for each call; valid from now on. */
export async function makeAuthority(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert, key };
}

/** A server's certificate for an address or a name; without an authority it signs itself. */
export async function makeCertificate(
  authority: Certificate | null,
  host: { readonly ip: string } | { readonly name: string },
): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'test server' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(authority === null ? {} : { ca: authority }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: ['ip' in host ? { type: 7, ip: host.ip } : { type: 2, value: host.name }] },
    ],
  });
  return { cert, key };
}

export interface ClientCertificateRules {
  readonly commonName: string;
  readonly uri?: string;
}

/** A client's certificate. */
export async function makeClientCertificate(
  authority: Certificate,
  { commonName, uri }: ClientCertificateRules,
): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', clientAuth: true },
      ...(uri === undefined ? [] : [{ name: 'subjectAltName' as const, altNames: [{ type: 6 as const, value: uri }] }]),
    ],
  });
  return { cert, key };
}
