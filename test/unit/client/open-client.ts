import { afterEach } from 'vitest';
import { ContextManagerError, type Client, type HowToConnect } from '../../../clients/typescript/src/index.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { ScriptedServer } from './scripted-server.ts';

const clients: Client[] = [];

/** A client that is closed after the test; to be called in a file that calls `closeClients` once. */
export async function open(
  server: ScriptedServer,
  options: Partial<HowToConnect> = {},
  clock?: Clock,
): Promise<Client> {
  const client = await server.connect(options, clock);
  clients.push(client);
  return client;
}

export function closeClients(): void {
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close({ timeoutMs: 0 })));
  });
}

/** What a call fails with, which must be an error of the client's. */
export async function failure(promise: Promise<unknown>): Promise<ContextManagerError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ContextManagerError)) throw error;
  return error;
}
