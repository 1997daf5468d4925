import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { boundConnections } from '../../../src/base/connection-bounds.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

it.each([
  ['of one address', { all: 100, ofAddress: 3 }],
  ['of all', { all: 3, ofAddress: 100 }],
])('connections %s are bounded, and one that closes makes room', async (_what, bounds) => {
  const server = createServer();
  boundConnections(server, bounds);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  let closed = 0;
  const open = (): Socket => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => closed++);
    cleanUps.push(() => socket.destroy());
    return socket.resume();
  };
  const counted = (): Promise<number> =>
    new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
  const first = [open(), open(), open()];
  await vi.waitFor(async () => expect(await counted()).toBe(3));
  for (let i = 0; i < 5; i++) open();
  await vi.waitFor(() => expect(closed).toBe(5));
  expect(await counted()).toBe(3);
  first[0]!.destroy();
  await vi.waitFor(async () => expect(await counted()).toBe(2));
  open();
  await vi.waitFor(async () => expect(await counted()).toBe(3));
  expect(closed).toBe(6);
});
