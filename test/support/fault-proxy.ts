import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.ts';

/** What a backend does behind the proxy. */
export type Mood =
  | { readonly kind: 'pass' }
  /** Nobody listens there. */
  | { readonly kind: 'refuse' }
  /** Connections are taken, and nothing comes. */
  | { readonly kind: 'hang' }
  /** Requests arrive; of each reply, or each that is longer, come so many bytes, and then the end of the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly sparesShorter?: boolean }
  /** Replies come some bytes at a time. */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }
  /** To whatever comes these bytes are the answer; the backend hears nothing of it. */
  | { readonly kind: 'answer'; readonly bytes: string };

export const PASS: Mood = { kind: 'pass' };

/** TCP between a server and its backend, which a test makes as bad as it likes. */
export class FaultProxy {
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();
  /** Those of them that the server under test has made. */
  readonly #nears = new Set<Socket>();
  #server: Server;
  #mood: Mood = PASS;
  readonly port: number;

  private constructor(server: Server, target: () => number) {
    this.#target = target;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  /** `target` tells the backend's port on loopback. */
  static async start(target: () => number): Promise<FaultProxy> {
    // It comes back to the same port: nobody else may be given it meanwhile.
    const server = createServer().listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, target);
  }

  /** From now on, also for connections that are there: they end. */
  async set(mood: Mood): Promise<void> {
    const wasRefusing = this.#mood.kind === 'refuse';
    this.#mood = mood;
    this.#end();
    if (mood.kind === 'refuse' && !wasRefusing) {
      this.#server.close();
      await once(this.#server, 'close');
    } else if (mood.kind !== 'refuse' && wasRefusing) {
      this.#server = createServer((socket) => this.#serve(socket)).listen(this.port, '127.0.0.1');
      await once(this.#server, 'listening');
    }
  }

  /** Sends bytes of its own between the replies on every connection that is there. */
  inject(bytes: string): void {
    for (const socket of this.#nears) socket.write(bytes);
  }

  async close(): Promise<void> {
    this.#end();
    if (this.#mood.kind === 'refuse') return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #serve(near: Socket): void {
    this.#keep(near);
    this.#nears.add(near);
    near.on('close', () => this.#nears.delete(near));
    const mood = this.#mood;
    // One that was accepted just before.
    if (mood.kind === 'refuse') return void near.destroy();
    if (mood.kind === 'hang') return void near.resume();
    if (mood.kind === 'answer') return void near.on('data', () => near.end(mood.bytes));
    const far = connect({ host: '127.0.0.1', port: this.#target() });
    this.#keep(far);
    near.pipe(far);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    if (mood.kind === 'cut') this.#cut(far, near, mood);
    else if (mood.kind === 'slow') void this.#drip(far, near, mood);
    else far.pipe(near);
  }

  #cut(from: Socket, to: Socket, { afterBytes, sparesShorter = false }: Extract<Mood, { kind: 'cut' }>): void {
    from.on('data', (bytes) => {
      if (sparesShorter && bytes.length <= afterBytes) to.write(bytes);
      else to.write(bytes.subarray(0, afterBytes), () => to.destroy());
    });
  }

  async #drip(from: Socket, to: Socket, { pieceBytes, pauseMs }: Extract<Mood, { kind: 'slow' }>): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length && !to.destroyed; at += pieceBytes) {
          to.write(chunk.subarray(at, at + pieceBytes));
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }
    } catch {
      // One of the two has gone: that is what this is for.
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** A whole answer over HTTP. */
export function httpAnswer(status: number, body = '', headers: readonly string[] = []): Mood {
  const head = [
    `HTTP/1.1 ${status} as the test says`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return { kind: 'answer', bytes: `${head.join('\r\n')}\r\n\r\n${body}` };
}
