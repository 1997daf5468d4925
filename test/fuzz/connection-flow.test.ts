import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeBody } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import type { WireClient } from '../support/wire-client.ts';
import { settle, WireServer } from '../support/wire-server.ts';

// Whatever the bounds are, and however requests come: each that came whole is answered once, nobody waits for ever, and
// nothing is left counted. A failing run prints its seed and the path to the smallest case.

const KIB = 1024;

const limits = fc.record({
  maxInFlight: fc.integer({ min: 1, max: 4 }),
  maxRequestBytes: fc.integer({ min: 1, max: 200 * KIB }),
  maxRequestBytesTotal: fc.integer({ min: 4, max: 400 * KIB }),
  maxBufferedBytesTotal: fc.integer({ min: 1, max: 400 * KIB }),
  highWaterBytes: fc.integer({ min: 1, max: 100 * KIB }),
  replyRoomBytes: fc.integer({ min: 1, max: 300 * KIB }),
});

const request = fc.oneof(
  fc.record({ kind: fc.constant('store' as const), bytes: fc.integer({ min: 1, max: 250 * KIB }) }),
  fc.record({ kind: fc.constantFrom('ping' as const, 'list' as const), bytes: fc.constant(0) }),
);

/** `ends`: what becomes of a client that has sent its requests; the last two leave the rest of a long frame out. */
const client = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 6 }),
  pieceBytes: fc.integer({ min: 500, max: 70 * KIB }),
  ends: fc.constantFrom('reads', 'half-closes', 'stops in a frame', 'leaves in a frame'),
});

const PAYLOADS = {
  store: (bytes: number) => ({ type: 'context.store', payload: { text: 'x'.repeat(bytes) } }),
  ping: () => ({ type: 'ping', payload: {} }),
  list: () => ({ type: 'context.list', payload: { limit: 3 } }),
};

function framesOf(wire: WireClient, requests: readonly { kind: keyof typeof PAYLOADS; bytes: number }[]): Buffer {
  const frames = requests.map(({ kind, bytes }, place) => {
    const body = encodeBody({ id: place + 1, timestamp: 1_700_000_000_000, ...PAYLOADS[kind](bytes) });
    return encodeFrame(wire.outgoing!.sign(body), body);
  });
  return Buffer.concat(frames);
}

function startOfFrame(bytes: number): Buffer {
  const start = Buffer.alloc(bytes, 0x61);
  start.writeUInt32BE(bytes + 1_000);
  return start;
}

it('lets every request through that comes whole, within bounds of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      limits,
      fc.array(client, { minLength: 1, maxLength: 5 }),
      fc.array(fc.constantFrom('hold', 'release', 'settle'), { maxLength: 20 }),
      async (bounds, clients, turns) => {
        const server = new WireServer({ limits: { ...bounds, maxBufferedBytes: 64 * 1024 * KIB } });
        const wires = await Promise.all(clients.map(() => server.client()));
        const outcomes = new Map<string, number>();
        const queues = clients.map(({ requests, pieceBytes, ends }, place) => {
          const wire = wires[place]!;
          requests.forEach((_request, index) => {
            const key = `${place}/${index}`;
            const count = (): void => void outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
            wire.replyTo(index + 1).then(count, ends === 'leaves in a frame' ? () => {} : count);
          });
          const stopped = ends.endsWith('in a frame') ? startOfFrame(90 * KIB) : Buffer.alloc(0);
          const bytes = Buffer.concat([framesOf(wire, requests), stopped]);
          const pieces: Buffer[] = [];
          for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
          return pieces;
        });
        for (let sent = true, turn = 0; sent; turn++) {
          sent = false;
          for (const [place, pieces] of queues.entries()) {
            const piece = pieces.shift();
            if (piece === undefined) continue;
            wires[place]!.sendBytes(piece);
            sent = true;
          }
          const what = turns[turn];
          if (what === 'hold' || what === 'release') server.memory.release();
          if (what === 'hold') server.memory.hold();
          if (what !== undefined) await settle(2);
        }
        server.memory.release();
        clients.forEach(({ ends }, place) => {
          if (ends === 'half-closes') wires[place]!.duplex.end();
          if (ends === 'leaves in a frame') wires[place]!.duplex.destroy(new Error('cut'));
        });
        const due = clients.flatMap(({ requests, ends }, place) =>
          ends === 'leaves in a frame' ? [] : requests.map((_request, index) => `${place}/${index}`),
        );
        // Time passes: whoever stands in the way without moving is closed.
        for (let step = 0; step < 60 && due.some((key) => !outcomes.has(key)); step++) {
          await settle(20);
          server.clock.advance(500);
        }
        expect(due.filter((key) => outcomes.get(key) !== 1)).toEqual([]);
        for (const wire of wires) wire.duplex.destroy(new Error('cut'));
        await settle();
        expect(server.gauges.get('request_bytes_running')!()).toBe(0);
        expect(server.gauges.get('request_bytes_coming')!()).toBe(0);
        expect(server.gauges.get('reply_bytes')!()).toBe(0);
        expect(server.gauges.get('requests_in_flight')!()).toBe(0);
        expect(server.handler.activeConnections).toBe(0);
        expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);
