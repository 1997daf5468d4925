import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { LiveStream } from '../../../../../src/fronts/http/dashboard/live-stream.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const end of open.splice(0)) end();
});

/** A response to somebody who reads nothing unless he is told to. */
async function response(): Promise<{ response: ServerResponse; socket: Socket }> {
  const server = createServer();
  open.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  open.push(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  socket.pause();
  const [, answer] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { response: answer, socket };
}

async function start(figures: () => Promise<object>): Promise<{
  clock: FakeClock;
  live: LiveStream;
  response: ServerResponse;
  socket: Socket;
  tick: () => Promise<void>;
}> {
  const clock = new FakeClock();
  const live = new LiveStream({ clock, figures, beforeEach: () => undefined });
  const reader = await response();
  const tick = async (): Promise<void> => {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, live, ...reader, tick };
}

describe('a live stream', () => {
  it('has a timer only while somebody watches', async () => {
    const { clock, live, response: to, socket } = await start(() => Promise.resolve({}));
    expect(clock.pendingTimers).toBe(0);
    live.add(to, () => true);
    expect(clock.pendingTimers).toBe(1);
    socket.destroy();
    await once(to, 'close');
    expect(clock.pendingTimers).toBe(0);
  });

  it('drops who does not read', async () => {
    const { live, response: to, tick } = await start(() => Promise.resolve({ long: 'x'.repeat(1024 * 1024) }));
    live.add(to, () => true);
    let ticks = 0;
    while (!to.destroyed && ticks++ < 200) await tick();
    expect(to.destroyed).toBe(true);
  });

  it('says that it lives where figures take long, and goes on where they fail', async () => {
    const asked: PromiseWithResolvers<object>[] = [];
    const {
      live,
      response: to,
      socket,
      tick,
    } = await start(() => {
      const next = Promise.withResolvers<object>();
      asked.push(next);
      return next.promise;
    });
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    socket.resume();
    live.add(to, () => true);
    await tick();
    expect(asked).toHaveLength(1);
    asked[0]!.reject(new Error('no'));
    await tick();
    await tick();
    asked[1]!.resolve({ at: 7 });
    await expect
      .poll(() => said)
      .toMatch(/retry: 2000\n\n[^]*: waiting\n\n[^]*: no figures\n\n[^]*event: figures\ndata: \{"at":7\}\n\n/);
  });
});
