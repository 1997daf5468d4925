import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { secureContextOptions, type Certificates } from '../../base/certificates.ts';
import type { Log } from '../../base/log.ts';

export interface TlsRules {
  readonly certificates: Certificates;
  /** Whoever shows no certificate of `certificates.clientCa` is not let in; false: he is, as somebody without. */
  readonly isClientCertificateRequired: boolean;
  /** Milliseconds for the handshake of TLS alone. */
  readonly handshakeTimeoutMs: number;
}

/** Puts TLS around sockets that were accepted. */
export class TlsAcceptor {
  readonly #server: Server;
  readonly #log: Log;
  /** By both ends' addresses: the library hands over another object than it was given. */
  readonly #waiting = new Map<string, Waiting>();

  constructor({ certificates, isClientCertificateRequired, handshakeTimeoutMs }: TlsRules, log: Log) {
    this.#log = log;
    this.#server = createServer({
      ...secureContextOptions(certificates),
      requestCert: certificates.clientCa !== undefined,
      rejectUnauthorized: certificates.clientCa !== undefined && isClientCertificateRequired,
      handshakeTimeout: handshakeTimeoutMs,
    });
    this.#server.on('secureConnection', (secured) => this.#waiting.get(endsOf(secured))?.onSecured(secured));
    this.#server.on('tlsClientError', (error, secured) => {
      // Without the words: what a stranger sends is not written down.
      this.#log.debug(
        { address: secured.remoteAddress, code: 'code' in error ? error.code : '' },
        'no TLS with a client',
      );
      secured.destroy();
    });
  }

  /** `onSecured` is called after a handshake that went well; else the socket is closed. */
  accept(socket: Socket, onSecured: (secured: TLSSocket) => void): void {
    const ends = endsOf(socket);
    // Between its arrival and now it may have gone.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const cancel = (): boolean => this.#waiting.delete(ends);
    socket.once('close', cancel);
    socket.on('error', () => socket.destroy());
    this.#waiting.set(ends, {
      socket,
      onSecured: (secured) => {
        cancel();
        socket.off('close', cancel);
        onSecured(secured);
      },
    });
    this.#server.emit('connection', socket);
  }

  /** From the next connection on. */
  change(certificates: Certificates): void {
    this.#server.setSecureContext(secureContextOptions(certificates));
  }

  /** Ends the handshakes that are under way. */
  close(): void {
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }
}

interface Waiting {
  readonly socket: Socket;
  readonly onSecured: (secured: TLSSocket) => void;
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return [localAddress, localPort, remoteAddress, remotePort].join(' ');
}
