import { encodeBody } from '../src/protocol/codec.ts';
import { encodeFrame } from '../src/protocol/frame.ts';
import { authTag, deriveKeys, TagSequence } from '../src/protocol/proof.ts';
import {
  acceptedBodies,
  acceptedPayloads,
  refusedAuths,
  refusedBodies,
  refusedFrames,
  refusedPayloads,
} from './vectors-malformed.ts';
import { conversation, type RecordedMessage } from './vectors-conversation.ts';
import { HEARTBEAT_MS } from './vectors-messages.ts';

/**
 * Conformance vectors: one recorded conversation with its keys, and what must be refused, with the code.
 * Deterministic; PROTOCOL.md, section 9, says how they are laid out.
 */

const SECRET = Buffer.from('0123456789abcdef0123456789abcdef');
const SERVER_NONCE = bytesFrom(0x00);
const CLIENT_NONCE = bytesFrom(0x20);
const NOW_MS = 1_700_000_000_000;
const SESSION_ID = '01890a5d-ac96-474b-bcce-b302099a8057';

const hello = {
  type: 'hello',
  protocol: 1,
  server: 'context-manager/0.1.0',
  server_nonce: SERVER_NONCE,
  timestamp: NOW_MS,
  max_frame_bytes: 10_485_760,
};
const auth = {
  type: 'auth',
  protocol: 1,
  key_id: 'default',
  sender: 'agent-1',
  client_nonce: CLIENT_NONCE,
  timestamp: NOW_MS,
  client: 'example/1',
};
const welcome = {
  type: 'welcome',
  session: SESSION_ID,
  scopes: ['read', 'write', 'admin'],
  namespaces: ['*'],
  heartbeat_ms: HEARTBEAT_MS,
  timestamp: NOW_MS,
};

function bytesFrom(first: number): Buffer {
  return Buffer.from(Array.from({ length: 32 }, (_, i) => first + i));
}

/** Each vector file's content, by its path from the root of the project. */
export function vectorFiles(): Map<string, string> {
  return new Map([
    ['proto-spec/vectors/handshake.json', json(handshake())],
    ['proto-spec/vectors/session.json', json(session())],
    ['proto-spec/vectors/malformed.json', json(malformed())],
  ]);
}

function handshake(): object {
  const body = encodeBody(auth);
  const keys = deriveKeys(SECRET, SERVER_NONCE, CLIENT_NONCE);
  const other = { secret: Buffer.alloc(48, 0xa5), server_nonce: bytesFrom(0x80), client_nonce: bytesFrom(0xc0) };
  const otherKeys = deriveKeys(other.secret, other.server_nonce, other.client_nonce);
  return {
    $comment: 'Section 2. The first case is the worked example of section 7.',
    cases: [
      {
        name: 'worked example',
        secret: SECRET,
        server_nonce: SERVER_NONCE,
        client_nonce: CLIENT_NONCE,
        auth: jsonValue(auth),
        auth_body: body,
        auth_tag: authTag(SECRET, SERVER_NONCE, body),
        auth_frame: encodeFrame(authTag(SECRET, SERVER_NONCE, body), body),
        c2s_key: keys.clientToServer.export(),
        s2c_key: keys.serverToClient.export(),
      },
      {
        name: 'a secret of 48 bytes that are not text',
        ...other,
        auth_body: body,
        auth_tag: authTag(other.secret, other.server_nonce, body),
        auth_frame: encodeFrame(authTag(other.secret, other.server_nonce, body), body),
        c2s_key: otherKeys.clientToServer.export(),
        s2c_key: otherKeys.serverToClient.export(),
      },
    ],
  };
}

/** A whole conversation under the keys of the worked example: every request and reply at least once. */
function session(): object {
  const keys = deriveKeys(SECRET, SERVER_NONCE, CLIENT_NONCE);
  const tags = { client: new TagSequence(keys.clientToServer), server: new TagSequence(keys.serverToClient) };
  const record = ({ name, from, value }: RecordedMessage): object => {
    const body = encodeBody(value);
    const counter = tags[from].count;
    const tag = tags[from].sign(body);
    return { name, from, counter, tag, body, frame: encodeFrame(tag, body), value: jsonValue(value) };
  };
  const helloBody = encodeBody(hello);
  const authBody = encodeBody(auth);
  const proof = authTag(SECRET, SERVER_NONCE, authBody);
  return {
    $comment: 'One conversation, in the order in which its frames pass, under the keys of the worked example.',
    secret: SECRET,
    server_nonce: SERVER_NONCE,
    client_nonce: CLIENT_NONCE,
    frames: [
      {
        name: 'hello',
        from: 'server',
        counter: null,
        tag: null,
        body: helloBody,
        frame: encodeFrame(null, helloBody),
        value: jsonValue(hello),
      },
      {
        name: 'auth',
        from: 'client',
        counter: null,
        tag: proof,
        body: authBody,
        frame: encodeFrame(proof, authBody),
        value: jsonValue(auth),
      },
      record({ name: 'welcome', from: 'server', value: welcome }),
      ...conversation(NOW_MS).map(record),
    ],
  };
}

function malformed(): object {
  return {
    $comment: 'What must be refused, with the code; section 9 of PROTOCOL.md.',
    frames: refusedFrames(),
    auths: refusedAuths(),
    tags: refusedTags(),
    bodies: refusedBodies(),
    accepted_bodies: acceptedBodies(),
    payloads: refusedPayloads(),
    accepted_payloads: acceptedPayloads(),
  };
}

/** Client frames under the worked example's keys; the last one of each case must be answered AUTH_FAILED. */
function refusedTags(): object[] {
  const keys = deriveKeys(SECRET, SERVER_NONCE, CLIENT_NONCE);
  const body = encodeBody({ id: 1, type: 'ping', timestamp: NOW_MS, payload: {} });
  const tags = new TagSequence(keys.clientToServer);
  const [first, second] = [tags.sign(body), tags.sign(body)];
  const flipped = Buffer.from(first);
  flipped[31]! ^= 1;
  const altered = Buffer.from(body);
  altered[altered.length - 10]! ^= 1;
  const foreign = new TagSequence(keys.serverToClient).sign(body);
  const cases: [string, Buffer[]][] = [
    ['a tag with one bit flipped', [encodeFrame(flipped, body)]],
    ['a body with one bit flipped', [encodeFrame(first, altered)]],
    ['no tag', [encodeFrame(null, body)]],
    ['a tag made with the key of the other direction', [encodeFrame(foreign, body)]],
    ['a frame replayed', [encodeFrame(first, body), encodeFrame(first, body)]],
    ['a frame dropped before it', [encodeFrame(second, body)]],
    ['the tag of auth again', [encodeFrame(authTag(SECRET, SERVER_NONCE, body), body)]],
  ];
  return cases.map(([name, frames]) => ({ name, frames, code: 'AUTH_FAILED' }));
}

/** Bytes inside values are `{"$bin": hex}`. */
function jsonValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bin: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonValue(item)]));
}

/** Bytes as hex; one line for each part of a vector. */
function json(value: object): string {
  return `${format(value, '')}\n`;
}

function format(value: unknown, indent: string): string {
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('hex'));
  const inner = `${indent}  `;
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    return `[\n${value.map((item) => inner + format(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || indent.length > 4)
    return JSON.stringify(value);
  const rows = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${format(item, inner)}`);
  return `{\n${rows.join(',\n')}\n${indent}}`;
}
