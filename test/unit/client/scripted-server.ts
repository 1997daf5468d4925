import { duplexPair, type Duplex } from 'node:stream';
import { connectWith } from '../../../clients/typescript/src/connect-with.ts';
import type { Client, HowToConnect } from '../../../clients/typescript/src/index.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { decodeBody, encodeMessage } from '../../../src/protocol/codec.ts';
import { FrameReader, type Frame } from '../../../src/protocol/frame.ts';
import type { RequestEnvelope } from '../../../src/protocol/messages.generated.ts';
import { messageRule } from '../../../src/protocol/message-table.ts';
import { createValidators } from '../../../src/protocol/messages.ts';
import { authTag, deriveKeys, tagsEqual, TagSequence } from '../../../src/protocol/proof.ts';

export const SECRET = '0123456789abcdef0123456789abcdef';
export const SERVER_NONCE = Buffer.alloc(32, 5);
const HEARTBEAT_MS = 1_000;
const validators = createValidators();

/** What a test does with a request; it answers through the peer, now, later or never. */
export type Script = (request: RequestEnvelope, peer: Peer) => void;

/** The server's end of one connection, as scripted: real frames, real tags. */
export class Peer {
  readonly number: number;
  readonly requests: RequestEnvelope[] = [];
  /** Chunks as they came from the client. */
  chunks = 0;
  ended = false;
  auth: Record<string, unknown> | null = null;
  readonly stream: Duplex;
  /** The client's end. */
  readonly near: Duplex;
  private readonly reader = new FrameReader();
  private readonly server: ScriptedServer;
  private tags: { incoming: TagSequence; outgoing: TagSequence } | null = null;

  constructor(near: Duplex, stream: Duplex, server: ScriptedServer, number: number) {
    this.near = near;
    this.stream = stream;
    this.server = server;
    this.number = number;
    stream.on('data', (chunk: Buffer) => this.onData(chunk));
    stream.on('end', () => {
      this.ended = true;
      stream.end();
    });
    stream.on('error', () => undefined);
    stream.write(encodeMessage({ ...helloMessage(), ...server.hello }, null));
  }

  reply(request: { id: number }, payload: object): void {
    this.send({ id: request.id, type: 'result', timestamp: Date.now(), payload });
  }

  refuse(request: { id: number }, code: string, more: object = {}): void {
    this.send({
      id: request.id,
      type: 'error',
      timestamp: Date.now(),
      payload: { code, message: `refused: ${code}`, retryable: false, ...more },
    });
  }

  send(message: object): void {
    this.stream.write(encodeMessage(message, this.tags?.outgoing ?? null));
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.stream.destroy();
  }

  private onData(chunk: Buffer): void {
    this.chunks += 1;
    this.reader.push(chunk);
    for (let frame = this.reader.next(); frame !== null; frame = this.reader.next()) this.onFrame(frame);
  }

  private onFrame(frame: Frame): void {
    if (this.tags === null) return this.authenticate(frame);
    if (!this.tags.incoming.verify(frame.tag, frame.body)) throw new Error('a frame of the client does not verify');
    const message = decodeBody(frame.body);
    if (message['type'] === 'result') {
      this.server.pongs += 1;
      return;
    }
    const request = validators.envelope(message);
    const rule = messageRule(request.type);
    if (rule !== undefined) validators.payload(rule.type, request.payload);
    this.requests.push(request);
    this.server.script(request, this);
  }

  private authenticate(frame: Frame): void {
    const auth = validators.control('auth', decodeBody(frame.body));
    this.auth = { ...auth };
    if (
      !tagsEqual(frame.tag, authTag(Buffer.from(this.server.secret), SERVER_NONCE, frame.body)) ||
      this.server.refuseWith !== null
    ) {
      this.refuse({ id: 0 }, this.server.refuseWith ?? 'AUTH_FAILED');
      this.stream.end();
      return;
    }
    this.reader.maxFrameBytes = 10_485_760;
    const keys = deriveKeys(Buffer.from(this.server.welcomeSecret), SERVER_NONCE, auth.client_nonce);
    this.tags = { incoming: new TagSequence(keys.clientToServer), outgoing: new TagSequence(keys.serverToClient) };
    this.send({
      type: 'welcome',
      session: 's',
      scopes: ['read'],
      namespaces: ['*'],
      heartbeat_ms: HEARTBEAT_MS,
      timestamp: Date.now(),
    });
  }
}

function helloMessage(): object {
  return {
    type: 'hello',
    protocol: 1,
    server: 'scripted/1',
    server_nonce: SERVER_NONCE,
    timestamp: Date.now(),
    max_frame_bytes: 10_485_760,
  };
}

/** A server in the test's own process, over pairs of streams. */
export class ScriptedServer {
  readonly peers: Peer[] = [];
  script: Script;
  secret = SECRET;
  welcomeSecret = SECRET;
  hello: object = {};
  /** Streams fail to open as long as it is true. */
  isDown = false;
  refuseWith: string | null = null;
  pongs = 0;

  constructor(script: Script = (request, peer) => peer.reply(request, {})) {
    this.script = script;
  }

  openStream(): Duplex {
    const [near, far] = duplexPair();
    if (this.isDown) {
      process.nextTick(() => near.destroy(new Error('connect ECONNREFUSED')));
    } else {
      this.peers.push(new Peer(near, far, this, this.peers.length));
      // The pair does not tell its other side: a socket would.
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    }
    return near;
  }

  connect(options: Partial<HowToConnect> = {}, clock: Clock = systemClock): Promise<Client> {
    const defaults = {
      host: 'scripted',
      port: 1,
      keyId: 'default',
      secret: SECRET,
      sender: 'agent-1',
      backoff: { minMs: 1, maxMs: 8 },
    };
    return connectWith(
      { ...defaults, ...options },
      { openStream: () => this.openStream(), clock, random: systemRandom },
    );
  }

  get requests(): RequestEnvelope[] {
    return this.peers.flatMap(({ requests }) => requests);
  }
}

/** Lets everything that is under way over pairs of streams come to rest. */
export async function rest(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}
