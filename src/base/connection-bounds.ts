import type { Server } from 'node:net';
import { networkOf } from './network.ts';

export interface ConnectionBounds {
  readonly all: number;
  /** Of one address; behind a proxy that is all who come by it. */
  readonly ofAddress: number;
}

/** Connections past the bounds are closed at once: whoever opens more takes no memory and no open files. */
export function boundConnections(server: Server, { all, ofAddress }: ConnectionBounds): void {
  const open = new Map<string, number>();
  server.maxConnections = all;
  server.on('connection', (socket) => {
    const network = networkOf(socket.remoteAddress ?? '');
    const count = open.get(network) ?? 0;
    if (count >= ofAddress) return void socket.destroy();
    open.set(network, count + 1);
    socket.once('close', () => {
      const left = (open.get(network) ?? 0) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}
