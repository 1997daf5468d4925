import { connect as openSocket } from 'node:net';
import {
  connect,
  ContextManagerError,
  type Client,
  type HowToConnect,
  type OneServer,
  type SeveralServers,
} from '../../../clients/typescript/src/index.ts';
import { systemClock } from '../../base/clock.ts';

/** A server says hello as soon as a connection is there: who says nothing for this long is looked at. */
const SOON_MS = 2000;
const PROBE_MS = 2000;

type DialOptions = HowToConnect & (OneServer | SeveralServers);

/**
 * Connects, and tells a port where something else answers from one where nobody does: `PROTOCOL_ERROR` for the former.
 * A server that is merely slow gets the client's usual time.
 */
export async function dial(options: DialOptions): Promise<Client> {
  if (options.addresses !== undefined) return connect(options);
  // A server takes a free port for 0 (`server.port`), and only its own output says which.
  if (options.port === 0)
    throw new ContextManagerError('CONNECTION_FAILED', 'port 0 stands for any: nothing listens there');
  try {
    return await connect({ ...options, connectTimeoutMs: SOON_MS });
  } catch (error) {
    if (!isSilence(error)) throw error;
  }
  const { host, port } = options;
  if (await answersHttp(host, port)) {
    throw new ContextManagerError(
      'PROTOCOL_ERROR',
      `${host}:${port} answers, but in HTTP: it is not the port that clients connect to`,
    );
  }
  return connect(options);
}

/** Not refused by a socket, but never greeted. */
function isSilence(error: unknown): boolean {
  return (
    error instanceof ContextManagerError &&
    error.code === 'CONNECTION_FAILED' &&
    !(error.cause instanceof Error && 'syscall' in error.cause)
  );
}

/** Whether what listens there answers a request for a page. */
export function answersHttp(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = openSocket({ host, port });
  const cancel = systemClock.after(PROBE_MS, () => resolve(false));
  socket.on('connect', () =>
    socket.write(`GET /health/liveness HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  );
  socket.once('data', (bytes) => resolve(bytes.toString('latin1').startsWith('HTTP/')));
  socket.on('error', () => resolve(false));
  socket.on('close', () => resolve(false));
  return promise.finally(() => {
    cancel();
    socket.destroy();
  });
}
