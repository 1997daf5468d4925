import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WireClient } from '../../test/support/wire-client.ts';
import { answerCalls } from './child-calls.ts';

// Clients that mean no good, in a process of their own.

interface Target {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

export type Hostility = 'reads_nothing' | 'byte_a_second' | 'half_handshakes' | 'connects' | 'garbage' | 'wrong_clock';

const LONG_QUERIES = 400;
const HALF_HANDSHAKES = 1_000;
const CONNECTS_PER_SEC = 2_000;
const TICK_MS = 10;
const GARBAGE_PER_SEC = 1_000;
/** As a client whose clock was set to another zone. */
const CLOCK_OFF_MS = 3_600_000;
const WRONG_PER_SEC = 1_000;
/** The start of a frame that would be a megabyte. */
const LONG_FRAME_HEAD = Buffer.from([0, 0x10, 0, 0]);
/** The start of one that answers `hello`, and never ends. */
const HALF_AUTH = Buffer.from([0, 0, 1, 0, 0x92]);

let isOver = false;
let ended: Promise<unknown> = Promise.resolve();
const sockets = new Set<Socket>();
let made = 0;

function open({ host, port }: Target): Socket {
  const socket = connect({ host, port, noDelay: true });
  made += 1;
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
  return socket;
}

async function authenticated(target: Target): Promise<WireClient> {
  return WireClient.over(open(target), { keyId: 'default', secret: target.secret });
}

/** Asks for all that it may, and takes nothing of it. Closed for that, it comes again. */
async function readNothing(target: Target): Promise<void> {
  while (!isOver) {
    const client = await authenticated(target);
    const socket = client.duplex as Socket;
    socket.pause();
    for (let id = 1; id <= LONG_QUERIES; id++) {
      const payload = { limit: 1_000, agent_id: '*' };
      client.send({ id, type: 'context.list', timestamp: Date.now(), payload });
    }
    while (!isOver && !socket.destroyed) await sleep(100);
  }
}

/** One that drips into the handshake, and one into a long frame after it. */
async function dripBytes(target: Target): Promise<void> {
  let stranger = open(target);
  const client = await authenticated(target);
  const known = client.duplex as Socket;
  known.write(LONG_FRAME_HEAD);
  while (!isOver) {
    if (stranger.destroyed) stranger = open(target);
    if (!stranger.destroyed) stranger.write(Buffer.from([0]));
    if (!known.destroyed) known.write(Buffer.from([0]));
    await sleep(1_000);
  }
}

/** As many as it may have at a time; those that are closed are made anew. */
async function greetOnly(target: Target): Promise<void> {
  while (!isOver) {
    for (let left = Math.min(100, HALF_HANDSHAKES - sockets.size); left > 0; left--) {
      const socket = open(target);
      socket.resume();
      socket.once('connect', () => socket.write(HALF_AUTH));
    }
    await sleep(TICK_MS);
  }
}

function connectOften(target: Target): Promise<void> {
  return atRate(CONNECTS_PER_SEC, () => {
    if (sockets.size >= 1_000) return;
    const socket = open(target);
    socket.once('data', () => socket.destroy());
  });
}

/** Connections that say at once what no client says. */
function sendGarbage(target: Target): Promise<void> {
  return atRate(GARBAGE_PER_SEC, () => {
    if (sockets.size >= 1_000) return;
    const socket = open(target);
    socket.resume();
    socket.once('connect', () => socket.end(randomBytes(4_096)));
  });
}

/** An hour behind and an hour ahead, by turns: each request is refused. */
async function askAtWrongTimes(target: Target): Promise<void> {
  const client = await authenticated(target);
  client.duplex.resume();
  let id = 0;
  await atRate(WRONG_PER_SEC, () => {
    const offMs = ++id % 2 === 0 ? CLOCK_OFF_MS : -CLOCK_OFF_MS;
    if (!client.duplex.destroyed) client.send({ id, type: 'ping', timestamp: Date.now() + offMs, payload: {} });
  });
}

async function atRate(perSec: number, act: () => void): Promise<void> {
  const startedMs = performance.now();
  for (let count = 0; !isOver; ) {
    const due = ((performance.now() - startedMs) / 1_000) * perSec;
    for (; count < due; count++) act();
    await sleep(TICK_MS);
  }
}

const WAYS: Readonly<Record<Hostility, (target: Target) => Promise<void>>> = {
  reads_nothing: readNothing,
  byte_a_second: dripBytes,
  half_handshakes: greetOnly,
  connects: connectOften,
  garbage: sendGarbage,
  wrong_clock: askAtWrongTimes,
};

const operations = {
  async begin({ kind, target }: { kind: Hostility; target: Target }): Promise<void> {
    isOver = false;
    made = 0;
    ended = WAYS[kind](target).catch(() => undefined);
    await sleep(200);
  },

  /** Resolves with how many connections there were. */
  async end(): Promise<number> {
    isOver = true;
    await ended;
    const closed = [...sockets].filter((socket) => !socket.closed).map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    return made;
  },
};

export type HostileClients = typeof operations;

answerCalls(operations);
