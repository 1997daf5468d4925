import { readFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { GuardedBackend } from '../../base/resilience/guarded-backend.ts';
import { addressOf, type AddressSettings, REST_PORT } from './address.ts';
import { HttpClient } from './http-client.ts';

export interface ConnectionOptions extends AddressSettings {
  readonly apiKey?: string | undefined;
  /** How long one request to Qdrant may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Of one reply of Qdrant; absent: as `HttpClientOptions` has it. */
  readonly replyBytesMax?: number | undefined;
  /** File of the certificate authority to trust, in PEM. */
  readonly tlsCertPath?: string | undefined;
  readonly backend: GuardedBackend;
  readonly clock: Clock;
  readonly log: Log;
}

const OLDEST = [1, 12] as const;
/** From here on a point is written only where nobody has written it meanwhile. */
const GUARDED = [1, 17] as const;

/**
 * What `open` makes of the connection, which it closes where it fails. Throws `StartupError` where the server cannot be
 * reached or used.
 */
export async function withConnection<T>(
  options: ConnectionOptions,
  open: (http: HttpClient) => Promise<T>,
): Promise<T> {
  const { log } = options;
  const address = addressOf(options, log);
  const http = new HttpClient({
    url: address,
    apiKey: options.apiKey,
    timeoutMs: options.timeoutMs,
    verifiesCertificate: options.tlsVerify,
    ...certificateOf(options),
    replyBytesMax: options.replyBytesMax,
    backend: options.backend,
    clock: options.clock,
  });
  try {
    await checkServer(http, options);
    return await open(http);
  } catch (error) {
    http.close();
    if (error instanceof StartupError) throw error;
    log.debug({ err: error }, 'Qdrant could not be opened');
    throw new StartupError(
      `Qdrant at ${address.origin} cannot be used: ${reasonsOf(error)}`,
      'Check vector_db.url, vector_db.api_key and the tls settings, and that the server runs: docs/qdrant.md.',
      error,
    );
  }
}

/** With what lies beneath: a refused connection, a certificate that nobody vouches for. */
function reasonsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const beneath = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : cause;
  return typeof beneath === 'string' && beneath !== '' ? `${error.message} (${beneath})` : error.message;
}

function certificateOf({ tlsCertPath }: ConnectionOptions): { certificateAuthority?: string } {
  if (tlsCertPath === undefined) return {};
  try {
    return { certificateAuthority: readFileSync(tlsCertPath, 'utf8') };
  } catch (error) {
    throw new StartupError(
      `the certificate at ${tlsCertPath} cannot be read`,
      'Set vector_db.tls_cert_path to a file in PEM.',
      error,
    );
  }
}

async function checkServer(http: HttpClient, { log }: ConnectionOptions): Promise<void> {
  const version = versionIn(await http.text('/'));
  if (version === null) {
    throw new StartupError(
      'what answers at vector_db.url is not Qdrant',
      `Set it to the address of Qdrant's REST interface, as http://host:${REST_PORT}.`,
    );
  }
  if (isOlder(version, OLDEST)) {
    throw new StartupError(
      `Qdrant ${version.join('.')} is too old`,
      `Use ${OLDEST.join('.')} or newer; ${GUARDED.join('.')} or newer where several servers share it.`,
    );
  }
  if (isOlder(version, GUARDED)) {
    log.warn(
      { version: version.join('.') },
      'this Qdrant cannot refuse a write that another one overtook: run one server over it, or use 1.17 or newer',
    );
  }
}

function versionIn(text: string): number[] | null {
  const match = /"version"\s*:\s*"(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null || !text.includes('qdrant') ? null : match.slice(1, 4).map(Number);
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [i, part] of than.entries()) if (version[i] !== part) return (version[i] ?? 0) < part;
  return false;
}
