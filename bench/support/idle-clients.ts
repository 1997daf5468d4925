import { setTimeout as sleep } from 'node:timers/promises';
import { answerCalls } from './child-calls.ts';
import { connectTo, type Client } from './client.ts';

// Authenticated connections of the SDK that ask nothing, in a process of their own: what they cost the client
// must not stand in the server's way, nor share its limit of open files.

const HANDSHAKES_AT_A_TIME = 50;

const clients: Client[] = [];

const operations = {
  async open({ count, ...server }: { count: number; host: string; port: number; secret: string }): Promise<void> {
    for (let opened = 0; opened < count; opened += HANDSHAKES_AT_A_TIME) {
      const wave = Math.min(HANDSHAKES_AT_A_TIME, count - opened);
      clients.push(...(await Promise.all(Array.from({ length: wave }, () => connectTo(server)))));
      await sleep(0);
    }
  },

  async close(): Promise<void> {
    await Promise.all(clients.map((client) => client.close()));
  },
};

export type IdleClients = typeof operations;

answerCalls(operations);
