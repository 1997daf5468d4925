import { randomBytes } from 'node:crypto';
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { decodeReplyBody, encodeBody, type BodyMap } from '../../src/protocol/codec.ts';
import { encodeFrame, FrameReader } from '../../src/protocol/frame.ts';
import type {
  ErrorPayload,
  ReplyPayloads,
  RequestPayloads,
  RequestType,
} from '../../src/protocol/messages.generated.ts';
import { authTag, deriveKeys, NONCE_BYTES, TagSequence } from '../../src/protocol/proof.ts';

export interface Credentials {
  readonly keyId: string;
  /** Of a string, its UTF-8. */
  readonly secret: string | Uint8Array;
  readonly sender?: string;
}

/** An error reply, thrown by `request`. */
export class Refused extends Error {
  readonly payload: ErrorPayload;

  constructor(payload: ErrorPayload) {
    super(`${payload.code}: ${payload.message}`);
    this.payload = payload;
  }

  get code(): string {
    return this.payload.code;
  }
}

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** The least client that speaks the protocol, for tests: every step can be taken by itself, and wrongly. */
export class WireClient {
  readonly duplex: Duplex;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  /** What the server said before and after authentication. */
  hello: BodyMap = {};
  welcome: BodyMap = {};
  outgoing: TagSequence | null = null;
  incoming: TagSequence | null = null;
  readonly #nowMs: () => number;
  readonly #reader = new FrameReader(1 << 30);
  readonly #inbox: BodyMap[] = [];
  readonly #readers: Waiter<BodyMap>[] = [];
  readonly #requests = new Map<number, Waiter<BodyMap>>();
  #lastId = 0;
  #ended = false;

  constructor(duplex: Duplex, nowMs: () => number = Date.now) {
    this.duplex = duplex;
    this.#nowMs = nowMs;
    duplex.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    duplex.on('error', () => {});
    this.closed = new Promise((resolve) => {
      const onEnd = (): void => {
        this.#onEnd();
        resolve();
      };
      duplex.on('end', onEnd);
      duplex.on('close', onEnd);
    });
  }

  /** An authenticated client on a stream. */
  static async over(duplex: Duplex, credentials: Credentials, nowMs?: () => number): Promise<WireClient> {
    const client = new WireClient(duplex, nowMs);
    await client.authenticate(credentials);
    return client;
  }

  /** An authenticated client on a TCP port of this machine. */
  static connect(port: number, credentials: Credentials): Promise<WireClient> {
    return WireClient.over(connectSocket({ port, host: '127.0.0.1', noDelay: true }), credentials);
  }

  /** Steps 1 to 4 of the handshake; rejects with `Refused` where the server refuses. */
  async authenticate(credentials: Credentials, changes: BodyMap = {}): Promise<BodyMap> {
    await this.readHello();
    this.sendAuth(credentials, changes);
    const answer = await this.next();
    if (answer['type'] === 'error') throw new Refused(answer['payload'] as ErrorPayload);
    this.welcome = answer;
    return answer;
  }

  async readHello(): Promise<BodyMap> {
    this.hello = await this.next();
    return this.hello;
  }

  /** Sends `auth`, with fields changed or (undefined) left out, and takes both directions' keys into use. */
  sendAuth(credentials: Credentials, changes: BodyMap = {}): void {
    const secret = Buffer.from(credentials.secret);
    const clientNonce = randomBytes(NONCE_BYTES);
    const body = encodeBody({
      type: 'auth',
      protocol: 1,
      key_id: credentials.keyId,
      sender: credentials.sender ?? 'agent-1',
      client_nonce: clientNonce,
      timestamp: this.#nowMs(),
      client: 'wire-client/1',
      ...changes,
    });
    const serverNonce = this.hello['server_nonce'] as Uint8Array;
    const keys = deriveKeys(secret, serverNonce, clientNonce);
    this.outgoing = new TagSequence(keys.clientToServer);
    this.incoming = new TagSequence(keys.serverToClient);
    // Last: over a pair of streams the answer is there before this returns.
    this.sendFrame(authTag(secret, serverNonce, body), body);
  }

  /** Sends a request and waits for its reply; `envelope` overrides fields of the envelope. */
  async request<T extends RequestType>(
    type: T,
    payload: RequestPayloads[T],
    envelope: BodyMap = {},
  ): Promise<ReplyPayloads[T]> {
    return (await this.ask(type, payload, envelope)) as unknown as ReplyPayloads[T];
  }

  /** The same for a type and a payload that need not be right. */
  ask(type: string, payload: unknown, envelope: BodyMap = {}): Promise<BodyMap> {
    const id = (envelope['id'] as number | undefined) ?? ++this.#lastId;
    const reply = this.replyTo(id);
    this.send({ id, type, timestamp: this.#nowMs(), payload, ...envelope });
    return reply;
  }

  /** The reply to a request that is sent by other means. */
  replyTo(id: number): Promise<BodyMap> {
    const waiting = Promise.withResolvers<BodyMap>();
    if (this.#ended) waiting.reject(new Error('the connection is closed'));
    else this.#requests.set(id, waiting);
    return waiting.promise;
  }

  /** The next message that is no reply to a request of this client's. */
  next(): Promise<BodyMap> {
    const message = this.#inbox.shift();
    if (message !== undefined) return Promise.resolve(message);
    const waiting = Promise.withResolvers<BodyMap>();
    if (this.#ended) waiting.reject(new Error('the connection is closed'));
    else this.#readers.push(waiting);
    return waiting.promise;
  }

  /** The payload of the next message, which must be an error of the connection's. */
  async nextError(): Promise<ErrorPayload> {
    const message = await this.next();
    if (message['type'] !== 'error' || message['id'] !== 0)
      throw new Error(`not an error of the connection: ${String(message['type'])}`);
    return message['payload'] as ErrorPayload;
  }

  /** Messages that came and nobody asked for. */
  get unread(): readonly BodyMap[] {
    return this.#inbox;
  }

  /** Any envelope, with the tag that is due. */
  send(envelope: object): void {
    this.sendBody(encodeBody(envelope));
  }

  /** Any bytes as a body, with the tag that is due. */
  sendBody(body: Uint8Array): void {
    this.sendFrame(this.outgoing === null ? null : this.outgoing.sign(body), body);
  }

  sendFrame(tag: Uint8Array | null, body: Uint8Array): void {
    this.duplex.write(encodeFrame(tag, body));
  }

  sendBytes(bytes: Uint8Array): void {
    this.duplex.write(bytes);
  }

  async close(): Promise<void> {
    this.duplex.end();
    await this.closed;
    this.duplex.destroy();
  }

  #onData(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
      // What the server sends before it knows the client carries no tag, whatever the client knows already.
      if (frame.tag !== null && this.incoming?.verify(frame.tag, frame.body) !== true) {
        this.duplex.destroy(new Error('a frame of the server does not verify'));
        return;
      }
      this.#deliver(decodeReplyBody(frame.body));
    }
  }

  #deliver(message: BodyMap): void {
    const waiting = this.#requests.get(message['id'] as number);
    if (waiting !== undefined && (message['type'] === 'result' || message['type'] === 'error')) {
      this.#requests.delete(message['id'] as number);
      const payload = message['payload'] as BodyMap;
      if (message['type'] === 'result') waiting.resolve(payload);
      else waiting.reject(new Refused(payload as unknown as ErrorPayload));
      return;
    }
    const reader = this.#readers.shift();
    if (reader === undefined) this.#inbox.push(message);
    else reader.resolve(message);
  }

  #onEnd(): void {
    this.#ended = true;
    const error = new Error('the connection is closed');
    for (const waiter of [...this.#readers.splice(0), ...this.#requests.values()]) waiter.reject(error);
    this.#requests.clear();
  }
}
