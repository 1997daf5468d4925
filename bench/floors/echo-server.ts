import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { answerCalls } from '../support/child-calls.ts';
import { authTag, directionKeys, FrameCutter, makeFrame, pack, unpack, type Tagger } from './bare-wire.ts';

// Floor of `ping`: shakes hands, then frames, unpacks, verifies, packs and signs, and does nothing else.
// All replies to one chunk of requests leave in one write.

const operations = {
  async listen({ secret }: { secret: string }): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => serve(socket, secret)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
};

export type EchoServer = typeof operations;

function serve(socket: Socket, secret: string): void {
  const cutter = new FrameCutter();
  const serverNonce = randomBytes(32);
  let keys: { c2s: Tagger; s2c: Tagger } | undefined;
  let replies: Buffer[] = [];
  const reply = (envelope: object): void => {
    const body = pack(envelope);
    replies.push(makeFrame(keys?.s2c.next(body) ?? null, body));
  };
  const onFrame = (tag: Buffer | null, body: Buffer): void => {
    if (keys === undefined) {
      if (tag === null || !authTag(secret, serverNonce, body).equals(tag)) throw new Error('a wrong auth tag');
      keys = directionKeys(secret, serverNonce, Buffer.from(unpack(body).client_nonce as Uint8Array));
      const granted = { scopes: ['read', 'write', 'admin'], namespaces: ['*'] };
      reply({ type: 'welcome', session: '0', ...granted, heartbeat_ms: 60_000, timestamp: Date.now() });
      return;
    }
    keys.c2s.verify(tag, body);
    const timestamp = Date.now();
    const payload = { server_time: timestamp, uptime_ms: timestamp, healthy: true, active_connections: 1 };
    reply({ id: unpack(body).id, type: 'result', timestamp, payload });
  };
  socket.on('data', (chunk) => {
    cutter.push(chunk, onFrame);
    socket.write(replies.length === 1 ? (replies[0] ?? '') : Buffer.concat(replies));
    replies = [];
  });
  socket.on('error', () => socket.destroy());
  reply({
    type: 'hello',
    protocol: 1,
    server: 'floor/1',
    server_nonce: serverNonce,
    timestamp: Date.now(),
    max_frame_bytes: 10_485_760,
  });
  socket.write(Buffer.concat(replies));
  replies = [];
}

answerCalls(operations);
