import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Server as TlsServer } from 'node:tls';
import { secureContextOptions, type Certificates } from './certificates.ts';

/** Milliseconds. */
export interface WebServerTimes {
  /** For a whole request. */
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** How often it is looked who is over these times. */
  readonly checkedEveryMs: number;
}

/** How long a connection without a request stays open: longer than that of the proxies that stand before it. */
const KEEP_ALIVE_MS = 72_000;
/** For the handshake of TLS. */
const HANDSHAKE_MS = 10_000;

/**
 * A server of HTTP; with certificates, of HTTPS. A client's own is looked at, where there are authorities for it, but need not be
 * there: probes and browsers have none, and a key that asks for one is not accepted without.
 */
export function createWebServer(
  onRequest: RequestListener,
  times: WebServerTimes,
  certificates: Certificates | null,
): Server {
  const options = {
    requestTimeout: times.requestTimeoutMs,
    headersTimeout: times.headersTimeoutMs,
    connectionsCheckingInterval: times.checkedEveryMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  if (certificates === null) return createServer(options, onRequest);
  const secure = { ...secureContextOptions(certificates), handshakeTimeout: HANDSHAKE_MS };
  const asked = { requestCert: certificates.clientCa !== undefined, rejectUnauthorized: false };
  const server = createSecureServer({ ...options, ...secure, ...asked }, onRequest);
  // Who speaks no TLS, or breaks off, is nobody's matter.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** From the next connection on; a server without TLS stays as it is. */
export function changeCertificates(server: Server, certificates: Certificates): void {
  if (server instanceof TlsServer) server.setSecureContext(secureContextOptions(certificates));
}
