import type { Log } from '../../base/log.ts';

export interface AddressSettings {
  /** Of the REST interface; a path in it comes before every request's. */
  readonly url: string;
  /** Absent: as the address says. */
  readonly tlsEnabled?: boolean | undefined;
  /** False: any certificate will do. */
  readonly tlsVerify: boolean;
}

const GRPC_PORT = '6334';
export const REST_PORT = '6333';

/** Where Qdrant is asked. What is odd about it is logged. */
export function addressOf({ url, tlsEnabled, tlsVerify }: AddressSettings, log: Log): URL {
  const { hostname, port, pathname, protocol } = new URL(url);
  const isSecure = tlsEnabled ?? protocol === 'https:';
  if (port === GRPC_PORT) {
    log.warn(
      { port: GRPC_PORT },
      `${GRPC_PORT} is Qdrant's port for gRPC; its REST interface is asked, at ${REST_PORT}`,
    );
  }
  if (isSecure && !tlsVerify) {
    const danger = 'whoever stands between this server and Qdrant can read and change everything';
    log.warn({}, `vector_db.tls_verify is off: ${danger}`);
  }
  return new URL(`${isSecure ? 'https' : 'http'}://${hostname}:${portIn(url, port)}${pathname}`);
}

/** As Qdrant's own clients do without one, though 443 and 80 are written in an address that says so. */
function portIn(url: string, port: string): string {
  if (port !== '') return port === GRPC_PORT ? REST_PORT : port;
  return /^https?:\/\/[^/?#]*:0*(443|80)(?:[/?#]|$)/i.exec(url)?.[1] ?? REST_PORT;
}
