import fc from 'fast-check';
import { CodedError } from '../../../src/base/errors.ts';
import {
  decodeBody,
  decodeReplyBody,
  encodeBody,
  salvageRequestId,
  type BodyMap,
} from '../../../src/protocol/codec.ts';
import { encodeFrame, FrameReader } from '../../../src/protocol/frame.ts';
import { createValidators } from '../../../src/protocol/messages.ts';
import { MESSAGES } from '../../../src/protocol/message-table.ts';
import { DECLARED } from '../../support/declared-messages.ts';
import { authTag, deriveKeys, NONCE_BYTES, TagSequence } from '../../../src/protocol/proof.ts';
import { WireClient } from '../../support/wire-client.ts';
import { connect } from 'node:net';
import { mutated } from './byte-mutations.ts';
import { CREDENTIALS, START_MS, type FuzzWorld } from './fuzz-world.ts';
import { bent, payloadsOf, TEXT, valuesOfFile } from './schema-values.ts';
import type { Seeded } from './seeded.ts';
import { count, countError, Fault, inTime, type Outcomes, type Target } from './target.ts';

const FRAMES_OF_CASE = 64;
/** Bounds what waits for events, and what a long list takes. */
const DEADLINE_MS = 1_000;
/** Behind the number that an answer is told by: a body without it ends the connection, and the case. */
const ID_END = 5;
const LAST_ID = 0xffff_fff0;
/** Each takes a while by itself; other requests become them now and then. */
const SELDOM = new Set(['admin.snapshot', 'admin.gc', 'admin.monitor']);
const TYPES = DECLARED.filter(({ type }) => !SELDOM.has(type));

function request(id: number, type: string, payload: unknown): Buffer {
  const envelope = { id, type, timestamp: START_MS, payload, deadline_ms: DEADLINE_MS };
  try {
    return encodeBody(envelope);
  } catch {
    // What has no place on the wire, such as a half of a surrogate pair in a key.
    return encodeBody({ ...envelope, payload: {} });
  }
}

const EXAMPLES = TYPES.flatMap(({ type, examples }) => examples.map((payload) => ({ type, payload })));
const PING = encodeBody({ id: 77, type: 'ping', timestamp: START_MS, payload: {} });
const BODIES = EXAMPLES.map(({ type, payload }, place) => request(place + 1, type, payload));

function envelope(id: number, fields: object): Buffer {
  try {
    return encodeBody({ id, ...fields });
  } catch {
    return PING;
  }
}

/** Requests of all types, with payloads that keep their schema, nearly keep it, or are bytes that were changed. */
function bodiesOf(random: Seeded): Buffer[] {
  return Array.from({ length: FRAMES_OF_CASE }, (_, place) => {
    const id = place + 1;
    const { type, payload } = random.pick(EXAMPLES);
    const bend = (value: unknown): unknown => bent(value, (end) => random.below(end));
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2: {
        // Of every type alike, however many examples it has.
        const { type: any } = random.pick(TYPES);
        return request(id, any, random.sample(payloadsOf(any), 1)[0]);
      }
      case 3: {
        const { type: any } = random.pick(TYPES);
        return request(id, any, bend(random.sample(payloadsOf(any), 1)[0]));
      }
      case 4:
      case 5:
        return request(id, type, bend(payload));
      case 6:
        return envelope(id, bend({ type, timestamp: START_MS, payload, deadline_ms: DEADLINE_MS }) as object);
      case 7:
        return random.chance(1 / FRAMES_OF_CASE) ? mutated(request(id, type, payload), random, BODIES) : PING;
      default: {
        const body = request(id, type, payload);
        return Buffer.concat([body.subarray(0, ID_END), mutated(body.subarray(ID_END), random, BODIES)]);
      }
    }
  });
}

/** Connections stay open from case to case: what one leaves behind is met by the next. */
let open: WireClient | null = null;

/** Bodies under right tags: each that names an id is answered, and all answers have a result or a code. */
export const CONNECTION: Target = {
  name: 'connection',
  weight: 80,
  make: bodiesOf,
  async run(bodies, world, outcomes) {
    const client = (open ??= await inTime(world.connect(), 'a handshake'));
    const due = new Map<number, number>();
    let mayClose = false;
    for (const body of bodies) {
      const id = answeredId(body);
      if (id === null) mayClose = true;
      else if (id > 0) due.set(id, (due.get(id) ?? 0) + 1);
      client.sendBody(body);
    }
    try {
      await inTime(client.request('ping', {}, { id: LAST_ID }), 'a ping');
      const left = (): [number, number][] => [...due].filter(([, count]) => count > 0);
      const answered = async (): Promise<void> => {
        for (take(client, due, outcomes); left().length > 0; take(client, due, outcomes))
          await new Promise((resolve) => setTimeout(resolve, 1));
      };
      await inTime(answered(), `an answer to ${JSON.stringify(left())}`);
    } catch (error) {
      open = null;
      client.duplex.destroy();
      const said = client.unread.find(({ id, type }) => id === 0 && type === 'error')?.['payload'];
      if (said === undefined) throw error;
      countError(outcomes, said);
      if (!mayClose) throw new Fault(`the connection was closed: ${JSON.stringify(said)}`);
      count(outcomes, 'closed');
    }
  },
};

function take(client: WireClient, due: Map<number, number>, outcomes: Outcomes): void {
  for (const message of (client.unread as BodyMap[]).splice(0)) {
    const { id, type, payload } = message;
    if (type === 'error') countError(outcomes, payload);
    else if (type === 'result') count(outcomes, 'ok');
    else if (type !== 'ping') throw new Fault(`a message of type ${String(type)}`);
    due.set(Number(id), (due.get(Number(id)) ?? 0) - 1);
  }
}

/** Null: nobody can be told, and the connection may end; 0: nobody is told, or not soon. */
function answeredId(body: Uint8Array): number | null {
  let message: BodyMap;
  try {
    message = decodeReplyBody(body);
  } catch {
    return salvageRequestId(body) || null;
  }
  const { id, type } = message;
  if (id === 0 && (type === 'result' || type === 'error')) return 0;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 1 || id > 0xffff_ffff) return null;
  return type === 'admin.monitor' ? 0 : id;
}

/** What runs between cases is ended. */
export async function closeConnection(): Promise<void> {
  await open?.close();
  open = null;
}

/** Bytes in place of frames, before and after authentication. */
export const STREAM: Target = {
  name: 'stream',
  weight: 8,
  make(random) {
    const frames = Array.from({ length: 1 + random.below(6) }, () => {
      const body = random.pick(BODIES);
      return encodeFrame(random.chance(0.5) ? random.bytes(32) : null, body);
    });
    const bytes = mutated(Buffer.concat(frames), random, BODIES);
    const cut = random.below(bytes.length + 1);
    return [bytes.subarray(0, cut), bytes.subarray(cut)];
  },
  async run(pieces, world, outcomes) {
    for (const isKnown of [false, true]) {
      const client = isKnown ? await world.connect() : strangerAt(world);
      for (const piece of pieces) client.sendBytes(piece);
      await ended(client, outcomes);
    }
  },
};

/** `auth` with fields that are wrong, or bytes that were changed, under a tag that may be right. */
export const HANDSHAKE: Target = {
  name: 'handshake',
  weight: 6,
  make(random) {
    const body = { type: 'auth', protocol: 1, key_id: 'default', sender: 'a', client: 'fuzz/1', timestamp: START_MS };
    const auth = { ...body, client_nonce: random.bytes(NONCE_BYTES) };
    const made = (): object => random.sample(valuesOfFile('auth.json'), 1)[0] as object;
    const bytes = random.chance(0.3)
      ? envelope(0, random.chance(0.5) ? made() : { ...made(), ...body })
      : random.chance(0.5)
        ? envelope(0, bent(auth, (end) => random.below(end)) as object)
        : mutated(encodeBody(auth), random, BODIES);
    return [Buffer.of(random.below(3)), bytes];
  },
  async run([how = Buffer.of(0), body = Buffer.alloc(0)], world, outcomes) {
    const client = strangerAt(world);
    const hello = await inTime(client.readHello(), 'hello');
    const secret = Buffer.from(CREDENTIALS.secret);
    const nonce = hello['server_nonce'] as Uint8Array;
    const tag = how[0] === 0 ? authTag(secret, nonce, body) : how[0] === 1 ? Buffer.alloc(32) : null;
    client.incoming = new TagSequence(deriveKeys(secret, nonce, nonceIn(body)).serverToClient);
    client.sendFrame(tag, body);
    await ended(client, outcomes);
  },
};

function nonceIn(body: Uint8Array): Uint8Array {
  try {
    const { client_nonce: nonce } = decodeBody(body);
    return nonce instanceof Uint8Array ? nonce : Buffer.alloc(NONCE_BYTES);
  } catch {
    return Buffer.alloc(NONCE_BYTES);
  }
}

function strangerAt({ server }: FuzzWorld): WireClient {
  return new WireClient(connect({ port: server.port, host: '127.0.0.1', noDelay: true }), () => START_MS);
}

/** The client's end is closed; then the server answers what is due and closes its own. */
async function ended(client: WireClient, outcomes: Outcomes): Promise<void> {
  client.duplex.end();
  await inTime(client.closed, 'the end of a connection');
  client.duplex.destroy();
  for (const { type, payload } of client.unread) {
    if (type === 'error') countError(outcomes, payload);
    else count(outcomes, String(type));
  }
  if (client.unread.length === 0) count(outcomes, 'closed');
}

const validators = createValidators();
const READER_BYTES_MAX = 64 * 1024;

/** No server: bytes into the frame reader, what comes out into the decoder, what that gives to every schema. */
export const READER: Target = {
  name: 'reader',
  weight: 20,
  make: (random) =>
    Array.from({ length: FRAMES_OF_CASE }, () => {
      const body = random.pick(BODIES);
      if (random.chance(0.2)) return encodeFrame(random.chance(0.5) ? random.bytes(32) : null, anyBody(random));
      if (random.chance(0.2)) return framed(anyBody(random), random);
      return random.chance(0.5) ? mutated(encodeFrame(null, body), random, BODIES) : framed(body, random);
    }),
  async run(inputs, _world, outcomes) {
    for (const bytes of inputs) {
      try {
        const reader = new FrameReader(READER_BYTES_MAX);
        for (let from = 0; from < bytes.length; from += 1 + (bytes.length >> 2))
          reader.push(bytes.subarray(from, from + 1 + (bytes.length >> 2)));
        for (let frame = reader.next(); frame !== null; frame = reader.next()) {
          const { payload } = validators.envelope(decodeBody(frame.body));
          for (const { type } of MESSAGES) accepts(type, payload);
        }
        count(outcomes, 'ok');
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        countError(outcomes, { code: error.code });
      }
    }
    return Promise.resolve();
  },
};

/** An envelope around any values that MessagePack can say, or a request of any type whose payload keeps its schema. */
function anyBody(random: Seeded): Buffer {
  const { type } = random.pick(TYPES);
  const payload = random.chance(0.5) ? random.sample(ANYTHING, 1)[0] : random.sample(payloadsOf(type), 1)[0];
  return request(1, type, payload);
}

const ANYTHING = fc.anything({ withTypedArray: false, withBigInt: false, withDate: false, maxDepth: 6, key: TEXT });

function framed(body: Uint8Array, random: Seeded): Buffer {
  return encodeFrame(random.chance(0.5) ? random.bytes(32) : null, mutated(body, random, BODIES));
}

function accepts(type: (typeof MESSAGES)[number]['type'], payload: unknown): void {
  try {
    // A check may put ids into lower case.
    validators.payload(type, structuredClone(payload));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}
