import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { authTag, directionKeys, FrameCutter, makeFrame, pack, unpack, type Tagger } from './bare-wire.ts';

/** The client's side of the echo: the least that asks and checks the answers. Speaks to a real server as well. */
export interface BareClient {
  /** Resolves with the reply's payload; rejects where the reply is an error. */
  ping(): Promise<unknown>;
  close(): void;
}

interface Waiting {
  resolve(payload: unknown): void;
  reject(error: Error): void;
}

export async function connectBare(options: {
  host: string;
  port: number;
  keyId: string;
  secret: string;
}): Promise<BareClient> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true });
  const link = await shakeHands(socket, options);
  const waiting = new Map<number, Waiting>();
  let ids = 0;
  let outgoing: Buffer[] = [];
  link.onFrame = (tag, body) => {
    link.s2c.verify(tag, body);
    const { id, type, payload } = unpack(body);
    const caller = waiting.get(id as number);
    waiting.delete(id as number);
    if (type === 'result') caller?.resolve(payload);
    else caller?.reject(new Error(JSON.stringify(payload)));
  };
  const flush = (): void => {
    socket.write(outgoing.length === 1 ? (outgoing[0] ?? '') : Buffer.concat(outgoing));
    outgoing = [];
  };
  socket.on('close', () => {
    for (const caller of waiting.values()) caller.reject(new Error('the connection was closed'));
  });
  return {
    ping: () =>
      new Promise((resolve, reject) => {
        const id = (ids = (ids + 1) >>> 0);
        const body = pack({ id, type: 'ping', timestamp: Date.now(), payload: {} });
        // After all microtasks, so that whoever else is woken by the same chunk shares the write.
        if (outgoing.length === 0) process.nextTick(flush);
        outgoing.push(makeFrame(link.c2s.next(body), body));
        waiting.set(id, { resolve, reject });
      }),
    close: () => socket.destroy(),
  };
}

interface Link {
  readonly c2s: Tagger;
  readonly s2c: Tagger;
  onFrame: (tag: Buffer | null, body: Buffer) => void;
}

async function shakeHands(socket: Socket, options: { keyId: string; secret: string }): Promise<Link> {
  await once(socket, 'connect');
  const cutter = new FrameCutter();
  let link: Link | undefined;
  return new Promise((resolve, reject) => {
    const onFrame = (tag: Buffer | null, body: Buffer): void => {
      if (link !== undefined && link.onFrame !== onWelcome) return link.onFrame(tag, body);
      if (link !== undefined) return onWelcome(tag, body);
      const clientNonce = randomBytes(32);
      const serverNonce = Buffer.from(unpack(body).server_nonce as Uint8Array);
      const identity = { protocol: 1, key_id: options.keyId, sender: 'bench', client: 'bare/1' };
      const auth = pack({ type: 'auth', ...identity, client_nonce: clientNonce, timestamp: Date.now() });
      link = { ...directionKeys(options.secret, serverNonce, clientNonce), onFrame: onWelcome };
      socket.write(makeFrame(authTag(options.secret, serverNonce, auth), auth));
    };
    const onWelcome = (tag: Buffer | null, body: Buffer): void => {
      if (link === undefined) return;
      link.s2c.verify(tag, body);
      link.onFrame = () => {};
      resolve(link);
    };
    socket.on('data', (chunk) => {
      try {
        cutter.push(chunk, onFrame);
      } catch (error) {
        socket.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', reject);
  });
}
