import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Certificates } from '../../base/certificates.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { encodeMessage } from '../../protocol/codec.ts';
import type { Addresses } from './addresses.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { errorEnvelope } from './replies.ts';
import { TlsAcceptor, type TlsRules } from './tls-acceptor.ts';

export interface ListenerDeps {
  readonly handler: ConnectionHandler;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Connections open at a time; one more is told `OVERLOADED` and closed. */
  readonly maxConnections: number;
  readonly addresses: Addresses;
  /** Absent or null: nothing is encrypted. */
  readonly tls?: TlsRules | null | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Connections waiting to be accepted by the system: enough for every client to reconnect at once. */
const BACKLOG = 4096;
/** How long a connection that was one too many may take to read why. */
const REFUSAL_GRACE_MS = 1000;
/** Connections being told so at a time; beyond, they are closed without a word. */
const REFUSALS_MAX = 256;
const OVERLOAD_RETRY_MS = 1000;

/** The TCP side of the server. */
export class Listener {
  readonly #deps: ListenerDeps;
  readonly #server: Server;
  readonly #tls: TlsAcceptor | null;
  /** Accepted, with the handshake of TLS under way. */
  readonly #securing = new Set<Socket>();
  #maxConnections: number;
  #refusing = 0;

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
    this.#maxConnections = deps.maxConnections;
    // Half-open: a client that has sent its last request still gets its replies.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#tls = deps.tls ? new TlsAcceptor(deps.tls, deps.log) : null;
  }

  /** Resolves with the address taken; `StartupError` where it cannot be had. */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#deps;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(startupError(error, host, port)));
      this.#server.listen({ host, port, backlog: BACKLOG }, resolve);
    });
    this.#server.removeAllListeners('error');
    this.#server.on('error', (error) => this.#deps.log.error({ error }, 'listener failed'));
    return this.#server.address() as AddressInfo;
  }

  /** From the next connection on; those that are open stay. */
  set maxConnections(count: number) {
    this.#maxConnections = count;
  }

  /** Those whose key is revoked are closed. */
  keysChanged(): void {
    this.#deps.handler.keysChanged();
  }

  /** From the next connection on; those that are open stay. */
  set certificates(certificates: Certificates) {
    this.#tls?.change(certificates);
  }

  /** Accepts nothing more, and closes what is open as `ConnectionHandler.stop` does. */
  async stop(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#tls?.close();
    await this.#deps.handler.stop(deadlineMs);
    await closed;
  }

  #accept(socket: Socket): void {
    const { handler, addresses } = this.#deps;
    if (handler.activeConnections + this.#securing.size >= this.#maxConnections)
      return this.#refuse(socket, 'the server has');
    const visit = addresses.enter(socket.remoteAddress ?? '');
    if (visit === null) return this.#refuse(socket, 'this address has');
    socket.once('close', () => visit.leave());
    if (this.#tls === null) return handler.handle(socket, visit.bucket);
    this.#securing.add(socket);
    socket.once('close', () => this.#securing.delete(socket));
    this.#tls.accept(socket, (secured) => {
      this.#securing.delete(socket);
      handler.handle(secured, visit.bucket);
    });
  }

  /** `who` has as many as it may. */
  #refuse(socket: Socket, who: string): void {
    this.#deps.handler.refused();
    socket.on('error', () => socket.destroy());
    if (this.#refusing >= REFUSALS_MAX) {
      socket.destroy();
      return;
    }
    this.#refusing += 1;
    const cancelGrace = this.#deps.clock.after(REFUSAL_GRACE_MS, () => socket.destroy());
    socket.on('close', () => {
      cancelGrace();
      this.#refusing -= 1;
    });
    const error = new CodedError('OVERLOADED', `${who} as many connections as it may`, {
      retryAfterMs: OVERLOAD_RETRY_MS,
    });
    const tell = (told: Socket): void => {
      told.resume();
      told.end(encodeMessage(errorEnvelope(0, error, this.#deps.clock.nowMs()), null));
    };
    if (this.#tls === null) tell(socket);
    else this.#tls.accept(socket, tell);
    this.#deps.log.debug({}, `connection refused: ${who} as many as it may`);
  }
}

function startupError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartupError(
        `port ${port} on ${host} is in use`,
        'Stop the other process, or set server.port (SERVER__PORT) to another port.',
        error,
      );
    case 'EACCES':
      return new StartupError(
        `port ${port} on ${host} may not be taken by this user`,
        'Set server.port (SERVER__PORT) to a port above 1023.',
        error,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(
        `${host} is not an address of this machine`,
        'Set server.host (SERVER__HOST) to an address of this machine, or to 0.0.0.0 for all.',
        error,
      );
    default:
      return error;
  }
}
