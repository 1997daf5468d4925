import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { Option, type Command } from 'commander';
import type { TlsOptions } from '../../../clients/typescript/src/index.ts';
import { readCertificateFile } from '../../config/certificates.ts';
import type { Settings } from '../../config/settings.ts';
import { usageError } from '../terminal/command-error.ts';
import type { Io } from '../terminal/io.ts';
import { readNamedFile } from './named-file.ts';

/** Options of every command that talks to a server, about TLS. */
export interface TlsChoice {
  /** False: none, whatever the local configuration says. */
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
}

/** A bundle of all well-known authorities has a fifth of it. */
const PEM_BYTES_MAX = 1024 * 1024;

export function withTlsOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--tls', 'connect by TLS (default: where the server is the local one, as its [tls] says)').env(
        'CONTEXT_MANAGER_TLS',
      ),
    )
    .addOption(new Option('--no-tls', 'connect without TLS'))
    .addOption(
      new Option('--tls-ca <file>', 'authorities to trust, in PEM, in place of the well-known ones').env(
        'CONTEXT_MANAGER_TLS_CA',
      ),
    )
    .addOption(
      new Option('--tls-cert <file>', 'own certificate, for a server that asks for one').env(
        'CONTEXT_MANAGER_TLS_CERT',
      ),
    )
    .addOption(new Option('--tls-key <file>', 'private key of --tls-cert').env('CONTEXT_MANAGER_TLS_KEY'))
    .addOption(
      new Option('--tls-server-name <name>', "name that the server's certificate is for (default: the host)").env(
        'CONTEXT_MANAGER_TLS_SERVER_NAME',
      ),
    );
}

/** What was said about TLS; undefined: nothing. */
export function tlsOf(
  { tls, tlsCa, tlsCert, tlsKey, tlsServerName }: TlsChoice,
  io: Io,
): TlsOptions | false | undefined {
  if (tls === false) return false;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw usageError('give --tls-cert and --tls-key together');
  const named = [tlsCa, tlsCert, tlsServerName].some((value) => value !== undefined);
  if (tls !== true && !named) return undefined;
  const read = (option: string, path: string): string =>
    readNamedFile(resolve(io.folder, path), PEM_BYTES_MAX, `the PEM of ${option}`, `Correct ${option}.`);
  return {
    ...(tlsCa !== undefined && { ca: read('--tls-ca', tlsCa) }),
    ...(tlsCert !== undefined && { cert: read('--tls-cert', tlsCert) }),
    ...(tlsKey !== undefined && { key: read('--tls-key', tlsKey) }),
    ...(tlsServerName !== undefined && { serverName: tlsServerName }),
  };
}

/**
 * How the server of these settings is reached at `host`: what its certificate's file holds is trusted, the certificate where it signed
 * itself, else the authority behind it; and it may be for the name that others know this machine by. Undefined: without TLS.
 */
export function localTls({ cert: path }: Settings['tls'], host: string): TlsOptions | undefined {
  if (path === undefined) return undefined;
  const pem = readCertificateFile('tls.cert', path);
  const own = new X509Certificate(pem);
  const isForHost = (isIP(host) === 0 ? own.checkHost(host) : own.checkIP(host)) !== undefined;
  const name = isForHost ? undefined : /DNS:([^,\s"]+)/.exec(own.subjectAltName ?? '')?.[1]?.replace('*', 'www');
  return { ca: [...rootCertificates, pem], ...(name !== undefined && { serverName: name }) };
}
