import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { connectWith } from '../../clients/typescript/src/connect-with.ts';
import type { AdminSnapshotsReply } from '../../src/protocol/messages.generated.ts';
import type { Snapshot } from '../../src/store/snapshot/snapshot.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle, WireServer } from '../support/wire-server.ts';
import { errorOf, fromSnapshot, outcomeOf, RecordedMemory } from './recorded-memory.ts';
import { hex, plainBytes, resolve, session, type RecordedFrame } from './vector-files.ts';

// `vectors/session.json` is one conversation: to the byte, it is what the server says to a client that says its part, and
// what the client says to a server that says its.

interface Message {
  readonly id?: number;
  readonly type: string;
  readonly timestamp: number;
  readonly payload: object;
  readonly [field: string]: unknown;
}

const messages = session.frames.map((frame) => ({ ...frame, message: resolve(frame.value) as Message }));
type Frame = (typeof messages)[number];

const said = (name: string): Message => messages.find((frame) => frame.name === name)!.message;
const frameHex = ({ frame }: RecordedFrame): string => frame;
const STARTED_MS = said('hello').timestamp;

/** Types of the requests by their ids. */
const types = new Map(
  messages.filter(({ from }) => from === 'client').map(({ message }) => [message.id, message.type]),
);

/** The snapshots that the reply to a request tells of. */
function listedIn(id: number | undefined): Snapshot[] {
  const reply = messages.find(({ from, message }) => from === 'server' && message.id === id)!.message.payload;
  return (reply as AdminSnapshotsReply).snapshots.map(fromSnapshot);
}

/** Bytes as they come, to be compared. */
function collect(duplex: Duplex): { take(): string } {
  const chunks: Buffer[] = [];
  duplex.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { take: () => Buffer.concat(chunks.splice(0)).toString('hex') };
}

it('answers each request once, under its id, after it was asked', () => {
  const open = new Set<number>();
  for (const { from, message, name } of messages) {
    if (message.id === undefined || message.id === 0) continue;
    if (from === 'client') {
      expect(open.has(message.id), name).toBe(false);
      open.add(message.id);
    } else {
      expect(open.delete(message.id), name).toBe(true);
      if (message.type === 'result') expect(name).toBe(`reply to ${types.get(message.id)}`);
      else expect(message.type, name).toBe('error');
    }
  }
  expect([...open]).toEqual([]);
});

/** The frames in runs of one side. */
function turns(): Frame[][] {
  const runs: Frame[][] = [];
  for (const frame of messages) {
    const last = runs.at(-1);
    if (last !== undefined && last[0]!.from === frame.from) last.push(frame);
    else runs.push([frame]);
  }
  return runs;
}

describe('the recorded server', () => {
  it('is this one', async () => {
    const clock = new FakeClock(STARTED_MS);
    const sessionId = Buffer.from((said('welcome')['session'] as string).replaceAll('-', ''), 'hex');
    const nonce = new Uint8Array(hex(session.server_nonce));
    const recorded = new RecordedMemory();
    const server = new WireServer({
      keys: [{ id: 'default', secret: hex(session.secret), scopes: ['read', 'write', 'admin'], namespaces: ['*'] }],
      random: { bytes: (count) => (count === sessionId.length ? sessionId : nonce) },
      memory: recorded.asMemory(),
      snapshots: recorded.asSnapshots(),
      clock,
      version: (said('hello')['server'] as string).replace('context-manager/', ''),
    });
    const client = server.open();
    const received = collect(client);
    for (const run of turns()) {
      for (const { from, name, frame, message } of run) {
        clock.advance(message.timestamp - clock.nowMs());
        if (from === 'client') {
          if (message.type === 'admin.cache_clear') recorded.cleared = { embeddings: 4 };
          if (message.type === 'admin.snapshots') recorded.listed = listedIn(message.id);
          client.write(hex(frame));
          await settle();
          recorded.called(message.id!);
        } else if (name === 'goaway') void server.handler.stop(10_000);
        else if (message.type === 'error') recorded.reject(message.id!, errorOf(message.payload));
        else recorded.resolve(message.id!, () => outcomeOf(types.get(message.id)!, message.payload));
        await settle();
      }
      if (run[0]!.from === 'server') expect(received.take(), run[0]!.name).toBe(run.map(frameHex).join(''));
    }
    client.end();
    await settle();
    expect(received.take()).toBe('');
    expect(server.handler.activeConnections).toBe(0);
  });
});

describe('the recorded client', () => {
  it('is this one', async () => {
    const [near, far] = duplexPair();
    const received = collect(far);
    const clock = new FakeClock(STARTED_MS);
    const { key_id: keyId, sender, client: name } = said('auth') as Record<string, unknown>;
    far.write(hex(messages[0]!.frame));
    const client = connectWith(
      { host: 'recorded', port: 1, secret: hex(session.secret), keyId, sender, client: name } as Parameters<
        typeof connectWith
      >[0],
      {
        openStream: () => near,
        clock,
        random: { bytes: (count) => new Uint8Array(hex(session.client_nonce).subarray(0, count)) },
      },
    );
    const outcomes = new Map<number, unknown>();
    // A client learns of goaway only after it has sent the request that crosses it.
    for (const { from, frame, message } of crossed(messages.slice(2))) {
      clock.setWallClock(message.timestamp);
      if (from === 'server') {
        far.write(hex(frame));
      } else if (message.id !== 0) {
        const { deadline_ms: timeoutMs = Infinity, traceparent } = message as {
          deadline_ms?: number;
          traceparent?: string;
        };
        void (await client)
          .request<string>(message.type, message.payload, {
            timeoutMs,
            ...(traceparent !== undefined && { traceparent }),
          })
          .then(plainBytes, (error: unknown) => error)
          .then((outcome) => outcomes.set(message.id!, outcome));
      }
      await settle();
    }
    expect(received.take()).toBe(
      messages
        .filter(({ from }) => from === 'client')
        .map(frameHex)
        .join(''),
    );
    expect(far.readableEnded).toBe(true);
    await (await client).close({ timeoutMs: 0 });
    await settle();
    for (const { from, message } of messages) {
      if (from === 'client' || message.id === undefined || message.id === 0) continue;
      const { code, retryable } = message.payload as { code?: string; retryable?: boolean };
      const outcome = outcomes.get(message.id);
      if (message.type === 'result') expect(outcome).toEqual(message.payload);
      // What may be made again waits for that until the client is closed.
      else
        expect(outcome).toMatchObject({ code: retryable === true && code !== 'DEADLINE_EXCEEDED' ? 'CLOSED' : code });
    }
    near.destroy();
  });
});

function crossed(frames: readonly Frame[]): Frame[] {
  const goaway = frames.findIndex(({ name }) => name === 'goaway');
  const request = frames.findIndex(({ name }) => name === 'a request that crosses goaway');
  return [...frames.slice(0, goaway), frames[request]!, ...frames.slice(goaway, request), ...frames.slice(request + 1)];
}
