import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemClock, TIMER_MS_MAX, type Clock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Address } from './addresses.ts';
import type { Client } from './client.ts';
import { connectWith } from './connect-with.ts';
import { captureCallSite, ContextManagerError } from './errors.ts';
import type { BesideUrl, ConnectOptions, TlsOptions } from './types.ts';

/** Timers that keep the process alive: somebody awaits what they bring about. Heartbeats do not. */
const clientClock: Clock = {
  ...systemClock,
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(delayMs, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
};

/**
 * Connects to a server, or to the first of several that answers, and authenticates. A text is the `url` of the options,
 * and what follows it are the others. Later losses are mended by the client.
 *
 * Rejects with a `ContextManagerError`: `BAD_REQUEST` where an option is wrong, `CONNECTION_FAILED` where nobody
 * answers (the message says why, `cause` is what the system said), `AUTH_FAILED` where either side cannot prove that it
 * knows the secret.
 */
export function connect(options: ConnectOptions | string, besideUrl?: BesideUrl): Promise<Client> {
  const tls = (typeof options === 'string' ? besideUrl : options)?.tls;
  return connectWith(
    options,
    { openStream: (address) => openSocket(address, tls), clock: clientClock, random: systemRandom },
    captureCallSite(),
    besideUrl,
  );
}

function openSocket({ host, port }: Address, tls: ConnectOptions['tls']): Socket {
  const socket = tls === undefined || tls === false ? connectSocket({ host, port }) : openTls(host, port, tls);
  // Writes are joined per tick already; waiting for more would only delay them.
  socket.setNoDelay(true);
  return socket;
}

function openTls(host: string, port: number, tls: true | TlsOptions): Socket {
  try {
    return connectTls({ host, port, ...tlsOptions(tls) });
  } catch (cause) {
    const reason = `cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`;
    const details = { fields: [{ field: '/tls', reason }] };
    throw new ContextManagerError('BAD_REQUEST', `connect: tls ${reason}`, { details, cause });
  }
}

function tlsOptions(tls: true | TlsOptions): object {
  if (tls === true) return {};
  const { serverName, ...rest } = tls;
  return serverName === undefined ? rest : { ...rest, servername: serverName };
}
