import type { Clock } from '../../../src/base/clock.ts';
import type { Random } from '../../../src/base/random.ts';
import { decodeReplyBody, encodeBody } from '../../../src/protocol/codec.ts';
import { FRAME_BYTES_MAX_DEFAULT } from '../../../src/base/wire-limits.ts';
import { encodeFrame, type Frame } from '../../../src/protocol/frame.ts';
import { authTag, deriveKeys, NONCE_BYTES, PROTOCOL_VERSION, TagSequence } from '../../../src/protocol/proof.ts';
import { ContextManagerError, fromPayload } from './errors.ts';

/** Who the client says it is, and what proves it. */
export interface Identity {
  readonly keyId: string;
  readonly secret: Uint8Array;
  readonly sender: string;
  /** `<name>/<version>` */
  readonly client: string;
}

/** What both sides agreed on. */
export interface Session {
  readonly incoming: TagSequence;
  readonly outgoing: TagSequence;
  readonly heartbeatMs: number;
  /** What the server says it is: `context-manager/<version>`. */
  readonly server: string;
  /** The server takes no longer frame. */
  readonly maxFrameBytes: number;
  /** Of the key; `*` stands for every one. */
  readonly namespaces: readonly string[];
}

const HEARTBEAT_MS_DEFAULT = 30_000;

/** The client's side of section 2, for one connection. */
export class ClientHandshake {
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #random: Random;
  #tags: { readonly incoming: TagSequence; readonly outgoing: TagSequence } | null = null;
  #maxFrameBytes = FRAME_BYTES_MAX_DEFAULT;
  #server = '';

  constructor(identity: Identity, clock: Clock, random: Random) {
    this.#identity = identity;
    this.#clock = clock;
    this.#random = random;
  }

  /** True once `auth` was sent. */
  get answered(): boolean {
    return this.#tags !== null;
  }

  /** Steps 1 to 3: the frame that answers `hello`. */
  answer(frame: Frame): Buffer {
    const hello = decodeReplyBody(frame.body);
    throwIfError(hello);
    const { server_nonce: serverNonce, max_frame_bytes: maxFrameBytes, protocol } = hello;
    if (hello['type'] !== 'hello' || !(serverNonce instanceof Uint8Array) || serverNonce.length !== NONCE_BYTES) {
      throw notAServer();
    }
    if (protocol !== PROTOCOL_VERSION) {
      throw new ContextManagerError(
        'UNSUPPORTED_PROTOCOL',
        `the server speaks another protocol than ${PROTOCOL_VERSION}`,
      );
    }
    this.#server = typeof hello['server'] === 'string' ? hello['server'] : '';
    if (typeof maxFrameBytes === 'number') this.#maxFrameBytes = maxFrameBytes;
    const { keyId, secret, sender, client } = this.#identity;
    const clientNonce = this.#random.bytes(NONCE_BYTES);
    const body = encodeBody({
      type: 'auth',
      protocol: PROTOCOL_VERSION,
      key_id: keyId,
      sender,
      client_nonce: clientNonce,
      timestamp: this.#clock.nowMs(),
      client,
    });
    const keys = deriveKeys(secret, serverNonce, clientNonce);
    this.#tags = { incoming: new TagSequence(keys.serverToClient), outgoing: new TagSequence(keys.clientToServer) };
    return encodeFrame(authTag(secret, serverNonce, body), body);
  }

  /** Step 4: a server that cannot sign `welcome` did not know the secret. */
  finish(frame: Frame): Session {
    const { incoming, outgoing } = this.#tags!;
    if (frame.tag === null) {
      throwIfError(decodeReplyBody(frame.body));
    }
    if (!incoming.verify(frame.tag, frame.body)) {
      throw new ContextManagerError('AUTH_FAILED', 'the server could not prove that it knows the secret');
    }
    const welcome = decodeReplyBody(frame.body);
    throwIfError(welcome);
    if (welcome['type'] !== 'welcome')
      throw new ContextManagerError('PROTOCOL_ERROR', 'the server did not say welcome');
    const heartbeatMs = welcome['heartbeat_ms'];
    return {
      incoming,
      outgoing,
      heartbeatMs: typeof heartbeatMs === 'number' && heartbeatMs > 0 ? heartbeatMs : HEARTBEAT_MS_DEFAULT,
      server: this.#server,
      maxFrameBytes: this.#maxFrameBytes,
      namespaces: namesIn(welcome['namespaces']),
    };
  }
}

/** That what came is no greeting. */
export function notAServer(cause?: unknown): ContextManagerError {
  const options = cause === undefined ? {} : { cause };
  return new ContextManagerError('PROTOCOL_ERROR', 'what answers there is not a context-manager server', options);
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

function throwIfError(message: Readonly<Record<string, unknown>>): void {
  if (message['type'] === 'error') throw fromPayload(message['payload'] ?? {});
}
