import { Addresses } from '../../../../src/fronts/socket/addresses.ts';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Gate } from '../../../../src/api/gate.ts';
import { KeyRing } from '../../../../src/api/key-ring.ts';
import { createRequestBudget } from '../../../../src/api/request-budget.ts';
import { gateLimits } from '../../../../src/api/limits.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { StartupError } from '../../../../src/base/errors.ts';
import { FailedLogins } from '../../../../src/base/failed-logins.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { Circuits } from '../../../../src/base/resilience/circuits.ts';
import { ConnectionHandler } from '../../../../src/fronts/socket/connection-handler.ts';
import { Listener } from '../../../../src/fronts/socket/listener.ts';
import { createValidators } from '../../../../src/protocol/messages.ts';
import { DEFAULT_LIMITS } from '../../../support/settings.ts';
import { MemoryDouble } from '../../../support/memory-double.ts';
import { SnapshotsDouble } from '../../../support/snapshots-double.ts';
import { WireClient } from '../../../support/wire-client.ts';
import { ADMIN, ADMIN_KEY } from '../../../support/wire-server.ts';

const running: Listener[] = [];
const memory = new MemoryDouble();
const counted: string[] = [];
const validators = createValidators();

afterEach(async () => {
  memory.release();
  await Promise.all(running.splice(0).map((listener) => listener.stop(0)));
});

function create({
  perAddress = 100,
  ...options
}: {
  port?: number;
  host?: string;
  maxConnections?: number;
  perAddress?: number;
} = {}): Listener {
  const parts = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: { ...noMetrics, count: (name: string) => void counted.push(name) },
    validators,
  };
  const handler = new ConnectionHandler({
    ...parts,
    gate: new Gate({
      ...parts,
      memory,
      jobs: { expirySweep: () => memory.gc() },
      snapshots: new SnapshotsDouble(),
      circuits: new Circuits(),
      limits: gateLimits(DEFAULT_LIMITS),
    }),
    budget: createRequestBudget(DEFAULT_LIMITS, parts.metrics),
    limits: DEFAULT_LIMITS,
    failedLogins: new FailedLogins({ perMinute: 5, delayMsMax: 0 }, parts),
    keys: new KeyRing([ADMIN_KEY], systemClock, systemRandom),
    version: '0.0.0',
  });
  const listener = new Listener({
    handler,
    host: '127.0.0.1',
    port: 0,
    maxConnections: 100,
    addresses: new Addresses({ maxConnections: perAddress, requests: null }, systemClock),
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  running.push(listener);
  return listener;
}

describe('listener', () => {
  it('serves clients over TCP', async () => {
    const { port } = await create().listen();
    const client = await WireClient.connect(port, ADMIN);
    const text = 'ä'.repeat(100_000);
    const { id } = await client.request('context.store', { text });
    expect((await client.request('context.get', { id })).context.text).toBe(text);
    await client.close();
  });

  it('answers a client that closed its side after its last request', async () => {
    const { port } = await create().listen();
    const client = await WireClient.connect(port, ADMIN);
    memory.hold();
    const reply = client.request('stats', {});
    client.duplex.end();
    await new Promise((resolve) => setImmediate(resolve));
    memory.release();
    expect((await reply).counts.total).toBeGreaterThanOrEqual(0);
    await client.closed;
  });

  it('delivers FRAME_TOO_LARGE to a client in the middle of sending', async () => {
    const { port } = await create().listen();
    const client = await WireClient.connect(port, ADMIN);
    client.sendBytes(Buffer.of(0x7f, 0xff, 0xff, 0xff));
    for (let n = 0; n < 64; n++) client.sendBytes(Buffer.alloc(64 * 1024));
    expect((await client.nextError()).code).toBe('FRAME_TOO_LARGE');
    await client.closed;
  });

  it('tells an address that has too many connections OVERLOADED, and lets it in again when it has fewer', async () => {
    const { port } = await create({ perAddress: 1 }).listen();
    const first = await WireClient.connect(port, ADMIN);
    const second = new WireClient(connect(port, '127.0.0.1'));
    expect(await second.nextError()).toMatchObject({ code: 'OVERLOADED', retryable: true, retry_after_ms: 1_000 });
    await second.closed;
    expect(counted).toContain('connections_refused_total');
    await first.close();
    for (;;) {
      const next = new WireClient(connect(port, '127.0.0.1'));
      if ((await next.next())['type'] === 'hello') break;
      await next.closed;
    }
  });

  it('tells the connection that is one too many OVERLOADED, and takes another when there is room', async () => {
    const { port } = await create({ maxConnections: 1 }).listen();
    const first = await WireClient.connect(port, ADMIN);
    const second = new WireClient(connect(port, '127.0.0.1'));
    expect(await second.nextError()).toMatchObject({ code: 'OVERLOADED', retryable: true, retry_after_ms: 1_000 });
    await second.closed;
    expect(counted).toContain('connections_refused_total');
    await first.request('ping', {});
    await first.close();
    // The server hears of the close a moment after the client.
    for (;;) {
      const next = new WireClient(connect(port, '127.0.0.1'));
      if ((await next.next())['type'] === 'hello') break;
      await next.closed;
    }
  });

  it('names the remedy where the port is in use', async () => {
    const { port } = await create().listen();
    const refused: unknown = await create({ port })
      .listen()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StartupError);
    expect(refused).toMatchObject({
      message: `port ${port} on 127.0.0.1 is in use`,
      remedy: expect.stringContaining('SERVER__PORT') as unknown,
    });
  });

  it('names the remedy where the address is not of this machine', async () => {
    await expect(create({ host: '192.0.2.1' }).listen()).rejects.toMatchObject({
      remedy: expect.stringContaining('SERVER__HOST') as unknown,
    });
  });

  it('stops: no new connection, goaway to the others, requests in flight finished', async () => {
    const listener = create();
    const { port } = await listener.listen();
    const client = await WireClient.connect(port, ADMIN);
    memory.hold();
    const reply = client.request('context.store', { text: 'kept' });
    await client.request('ping', {});
    const stopped = listener.stop(10_000);
    expect((await client.next())['type']).toBe('goaway');
    await expect(connected(connect(port, '127.0.0.1'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    memory.release();
    expect((await reply).created).toBe(true);
    client.duplex.end();
    await stopped;
  });

  it('stops at the deadline though a client holds on', async () => {
    const listener = create();
    const { port } = await listener.listen();
    const client = await WireClient.connect(port, ADMIN);
    memory.hold();
    const reply = client.request('stats', {}).catch((error: unknown) => error);
    await client.request('ping', {});
    await listener.stop(50);
    expect(await reply).toBeInstanceOf(Error);
    await client.closed;
  });
});

function connected(socket: Socket): Promise<AddressInfo | object> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket.address()));
    socket.once('error', reject);
  });
}
